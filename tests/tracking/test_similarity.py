"""The similarity's four terms, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tracking import POSEFLOW_REFERENCE, PoseFlowParameters
from tracking.similarity import (
    People,
    box_overlaps,
    describe_people,
    joint_overlaps,
    pixel_overlap,
    shared_features,
    similarity_matrix,
)


def people(joints: list[list[list[float]]], **parameters: object) -> People:
    return describe_people(joints, 1000, 1000, PoseFlowParameters(**parameters))


def test_box_is_the_extent_widened_clipped_and_cut_to_integers() -> None:
    # width 100 and height 50 grow by 10 and 5 on each side; the second leaves the picture
    one = people([[[100.5, 200.9], [200.5, 250.9]], [[-5, 990], [5, 1010]]])
    assert one.boxes_xyxy.tolist() == [[90, 195, 210, 255], [0, 988, 6, 1000]]


def test_overlap_counts_pixels_and_touching_boxes_do_not_overlap() -> None:
    # 3..5 and 4..6 are 3 wide and share 2: 2*3 of 9 + 9 - 6
    assert pixel_overlap(np.array([3.0, 3, 5, 5]), np.array([4.0, 3, 6, 5])) == pytest.approx(
        6 / (12 + 1e-5)
    )
    assert pixel_overlap(np.array([0.0, 0, 5, 5]), np.array([5.0, 0, 9, 5])) == 0


def test_joint_term_is_the_mean_of_the_best_joints() -> None:
    first = people([[[100, 100], [300, 300], [500, 500]]], top_joints=2)
    second = people([[[100, 100], [300, 300], [900, 900]]], top_joints=2)
    same = 61 * 61 / (61 * 61 + 1e-5)
    assert joint_overlaps(first, second, 2)[0, 0] == pytest.approx(same)
    assert joint_overlaps(first, second, 3)[0, 0] == pytest.approx(2 * same / 3)


def test_shared_features_are_counted_as_sets_of_rows_with_borders() -> None:
    first = people([[[100, 100], [200, 200]]])  # box 90..210
    second = people([[[300, 300], [400, 400]]])  # box 290..410
    rows = [
        [90, 90, 290, 290],  # both, on the borders
        [150, 150, 350, 350],  # both
        [150, 150, 350, 350],  # both, a row of its own
        [150, 150, 700, 700],  # only in the first
        [700, 700, 350, 350],  # only in the second
    ]
    boxes, joints = shared_features(first, second, rows, 7)
    assert boxes[0, 0] == pytest.approx(3 / (5 + 1e-5))
    # squares of 30 px: joint 0 has row 0 in both, joint 1 has none
    assert joints[0, 0] == pytest.approx((1 / (1 + 1e-5)) / 2)


def test_weights_differ_for_candidates_of_the_frame_before() -> None:
    someone = people([[[100, 100], [200, 200]]])
    overlap = box_overlaps(someone, someone)[0, 0]
    joints = joint_overlaps(someone, someone, 7)[0, 0]
    rows = [[150, 150, 150, 150]]
    features = 1 / (1 + 1e-5)
    for recent, expected in [
        (True, features + 2 * overlap + 2 * joints),
        (False, overlap + joints),
    ]:
        similarities = similarity_matrix(someone, someone, [recent], rows, POSEFLOW_REFERENCE)
        assert similarities[0, 0] == pytest.approx(expected, abs=1e-12)


def test_nobody_on_either_side_is_a_matrix_without_entries() -> None:
    nobody = describe_people(np.zeros((0, 17, 2)), 640, 480, POSEFLOW_REFERENCE)
    someone = describe_people(np.full((2, 17, 2), 50.0), 640, 480, POSEFLOW_REFERENCE)
    rows = np.zeros((0, 4))
    assert similarity_matrix(nobody, someone, [], rows, POSEFLOW_REFERENCE).shape == (0, 2)
    similarities = similarity_matrix(someone, nobody, [True, False], rows, POSEFLOW_REFERENCE)
    assert similarities.shape == (2, 0)


def test_many_rows_are_counted_in_blocks() -> None:
    someone = people([[[100, 100], [200, 200]]])
    grid = np.stack(np.meshgrid(np.arange(400), np.arange(400)), -1).reshape(-1, 2)
    rows = np.concatenate([grid, grid], 1)  # every pixel with itself
    boxes, joints = shared_features(someone, someone, rows, 7)
    count = 121 * 121
    assert boxes[0, 0] == pytest.approx(count / (count + 1e-5), abs=1e-12)
    assert joints[0, 0] == pytest.approx(61 * 61 / (61 * 61 + 1e-5), abs=1e-12)


def test_shapes_and_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="keypoints_xy has shape"):
        describe_people(np.zeros((2, 34)), 640, 480, POSEFLOW_REFERENCE)
    with pytest.raises(ValueError, match="link_frames"):
        PoseFlowParameters(link_frames=0)
    with pytest.raises(ValueError, match="joint_radius_unit"):
        PoseFlowParameters(joint_radius_unit="metre")
