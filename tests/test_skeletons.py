"""Skeletons are consistent, and joints are converted by their names."""

from __future__ import annotations

import numpy as np
import pytest

from rmpe.skeletons import (
    COCO_17,
    COCO_19,
    CROWDPOSE_14,
    HALPE_136,
    MPII_16,
    POSETRACK_15,
    SKELETONS,
    Skeleton,
    convert_joints,
    get_skeleton,
    skeleton_from_names,
)


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_mirroring_twice_is_nothing_and_sides_change(skeleton: Skeleton) -> None:
    partner = skeleton.mirror_permutation
    assert partner[partner].tolist() == list(range(skeleton.joint_count))
    for joint, other in zip(skeleton.joints, partner):
        if joint.startswith("left_"):
            assert skeleton.joints[other] == "right_" + joint[5:]


def test_published_mirror_pairs() -> None:
    assert COCO_17.mirror_pairs == (
        (1, 2),
        (3, 4),
        (5, 6),
        (7, 8),
        (9, 10),
        (11, 12),
        (13, 14),
        (15, 16),
    )
    assert MPII_16.mirror_pairs == ((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13))


def test_face_points_mirror_as_the_68_point_scheme_says() -> None:
    partner = HALPE_136.mirror_permutation[26:94] - 26
    for left, right in (
        (0, 16),
        (8, 8),
        (17, 26),
        (31, 35),
        (36, 45),
        (39, 42),
        (48, 54),
        (60, 64),
        (67, 65),
    ):
        assert partner[left] == right
        assert partner[right] == left


def test_coco_sigmas_are_the_published_ones() -> None:
    ten_times = [
        0.26,
        0.25,
        0.25,
        0.35,
        0.35,
        0.79,
        0.79,
        0.72,
        0.72,
        0.62,
        0.62,
        1.07,
        1.07,
        0.87,
        0.87,
        0.89,
        0.89,
    ]
    assert np.allclose(np.array(COCO_17.sigmas) * 10, ten_times)
    assert CROWDPOSE_14.joints[-2:] == ("head_top", "neck")


def test_shared_joints_move_unchanged() -> None:
    rng = np.random.default_rng(1)
    points, scores = rng.random((4, 17, 2), np.float32) * 100, rng.random((4, 17), np.float32)
    new_points, new_scores = convert_joints(points, scores, COCO_17, POSETRACK_15)
    place, source = POSETRACK_15.index("left_knee"), COCO_17.index("left_knee")
    assert (new_points[:, place] == points[:, source]).all()
    assert (new_scores[:, place] == scores[:, source]).all()


def test_neck_is_the_middle_of_the_shoulders_with_their_mean_score() -> None:
    points, scores = np.zeros((1, 17, 2)), np.zeros((1, 17))
    points[0, 5], points[0, 6] = (10, 20), (30, 24)
    scores[0, 5], scores[0, 6] = 0.5, 0.9
    new_points, new_scores = convert_joints(points, scores, COCO_17, COCO_19)
    assert new_points[0, 17].tolist() == [20, 22]
    assert new_scores[0, 17] == pytest.approx(0.7)


def test_a_joint_derived_from_a_missing_one_is_missing() -> None:
    points, scores = np.ones((1, 17, 2)), np.ones((1, 17))
    scores[0, 5] = 0
    new_points, new_scores = convert_joints(points, scores, COCO_17, COCO_19)
    assert new_scores[0, 17] == 0
    assert new_points[0, 17].tolist() == [0, 0]


def test_posetrack_nose_from_mpii_is_between_head_and_neck() -> None:
    points, scores = np.zeros((16, 2)), np.ones(16)
    points[MPII_16.index("neck")] = (4, 30)
    points[MPII_16.index("head_top")] = (8, 10)
    new_points, _ = convert_joints(points, scores, MPII_16, POSETRACK_15)
    assert new_points[POSETRACK_15.index("nose")].tolist() == [6, 20]


def test_wrong_shape_names_both() -> None:
    with pytest.raises(ValueError, match=r"coco17 needs"):
        convert_joints(np.zeros((1, 14, 2)), np.zeros((1, 14)), COCO_17, COCO_19)


def test_unknown_skeleton_lists_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"coco17.*halpe136"):
        get_skeleton("stick")


def test_joints_of_other_data_sets_are_in_their_published_order() -> None:
    assert SKELETONS["aic14"].joints[:4] == (
        *("right_shoulder", "right_elbow", "right_wrist"),
        "left_shoulder",
    )
    assert SKELETONS["aic14"].joints[12:] == ("head_top", "neck")
    assert SKELETONS["aic14"].sigmas[:2] == (0.01388152, 0.01515228)
    assert skeleton_from_names("own", ("left_shoulder", "neck", "x")).sigmas == (0.079,) * 3
    assert SKELETONS["jhmdb15"].joints[:5] == (
        *("neck", "belly", "head"),
        *("right_shoulder", "left_shoulder"),
    )
    whole = SKELETONS["wholebody133"]
    assert whole.joints[17:23] == (
        *("left_big_toe", "left_small_toe", "left_heel"),
        *("right_big_toe", "right_small_toe", "right_heel"),
    )
    assert (whole.joints[23], whole.joints[91], whole.joints[112], whole.joints[132]) == (
        *("face_0", "left_hand_0"),
        *("right_hand_0", "right_hand_20"),
    )
    assert [whole.sigmas[place] for place in (20, 23, 70, 91, 132)] == [
        *(0.092, 0.042, 0.034),
        *(0.029, 0.031),
    ]
    assert whole.mirror_permutation[91] == 112
    assert whole.mirror_permutation[23] == 39
    assert SKELETONS["face68"].sigmas == whole.sigmas[23:91]
    assert SKELETONS["hand21"].joint_count == 21
    mediapipe = SKELETONS["mediapipe33"].joints
    assert (mediapipe[11], mediapipe[16], mediapipe[23], mediapipe[32]) == (
        *("left_shoulder", "right_wrist", "left_hip", "right_foot_index"),
    )


@pytest.mark.parametrize("name", ["face68", "wholebody133", "halpe136", "openpose137"])
def test_a_face_is_joined_as_the_68_point_scheme_is_drawn(name: str) -> None:
    skeleton = SKELETONS[name]
    lines = {
        tuple(int(skeleton.joints[end].removeprefix("face_")) for end in limb)
        for limb in skeleton.limbs
        if all(skeleton.joints[end].startswith("face_") for end in limb)
    }
    # Jaw 16, brows 4 each, bridge 3, nostrils 4, eyes 6 each, lips 12 and 8.
    assert len(lines) == 16 + 4 + 4 + 3 + 4 + 6 + 6 + 12 + 8
    assert {(0, 1), (15, 16), (21, 22), (41, 36), (59, 48), (67, 60)} - lines == {(21, 22)}


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_every_skeleton_is_whole(skeleton: Skeleton) -> None:
    assert skeleton.limbs
    assert len(skeleton.mirror_pairs) > 0 or skeleton.name == "hand21"
    assert all(0 < sigma < 0.2 for sigma in skeleton.sigmas)
