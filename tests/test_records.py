"""Records refuse arrays that do not fit together."""

from __future__ import annotations

import numpy as np
import pytest

from rmpe.records import Boxes, Frame, Poses


def two_poses() -> Poses:
    return Poses(
        boxes_xyxy=np.array([[0, 0, 10, 20], [5, 5, 15, 25]]),
        box_scores=np.array([0.9, 0.8]),
        keypoints_xy=np.arange(12).reshape(2, 3, 2),
        keypoint_scores=np.full((2, 3), 0.5),
        scores=np.array([0.7, 0.6]),
        ids=np.array([1, 2]),
    )


def test_selecting_keeps_every_array_in_step() -> None:
    second = two_poses().select([1])
    assert second.boxes_xyxy.tolist() == [[5, 5, 15, 25]]
    assert second.keypoints_xy.tolist() == [[[6, 7], [8, 9], [10, 11]]]
    assert second.ids.tolist() == [2]


def test_a_mask_that_takes_nobody_gives_an_empty_record_of_the_same_skeleton() -> None:
    nobody = two_poses().select(np.zeros(2, bool))
    assert len(nobody) == 0
    assert nobody.joint_count == Poses.empty(3).joint_count == 3


def test_with_ids_changes_nothing_else() -> None:
    poses = two_poses()
    renamed = poses.with_ids([7, 8])
    assert renamed.ids.tolist() == [7, 8]
    assert renamed.keypoints_xy is poses.keypoints_xy


def test_poses_of_unequal_length_are_refused_with_the_shapes() -> None:
    with pytest.raises(ValueError, match=r"scores has shape \(1,\), needed is \(2\)"):
        Poses(
            boxes_xyxy=np.zeros((2, 4)),
            box_scores=np.zeros(2),
            keypoints_xy=np.zeros((2, 3, 2)),
            keypoint_scores=np.zeros((2, 3)),
            scores=np.zeros(1),
            ids=np.zeros(2),
        )


def test_boxes_need_four_columns() -> None:
    with pytest.raises(ValueError, match="boxes_xyxy"):
        Boxes(np.zeros((3, 5)), np.zeros(3))


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8)],
)
def test_a_frame_is_a_three_channel_byte_picture(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="image_bgr"):
        Frame(0, 0.0, image)


def test_a_frame_prints_its_size_and_not_its_pixels() -> None:
    assert repr(Frame(3, 0.12, np.zeros((2, 5, 3), np.uint8))) == "Frame(3, 0.120 s, 5x2)"
