"""Pose-guided proposals: clusters that were put in come out, and so do the offsets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rmpe.proposals import AtomicPoses, ProposalGenerator, match_boxes
from rmpe.proposals.atomic import align_poses
from rmpe.proposals.generator import side_offsets
from rmpe.skeletons import LSP_14


def standing(rng: np.random.Generator, arms_up: bool) -> np.ndarray:
    """One pose in pixels: a stick figure somewhere, at some size, arms up or down."""
    points = {
        "shoulder": (0.5, -1.0),
        "hip": (0.35, 1.0),
        "knee": (0.35, 3.0),
        "ankle": (0.35, 5.0),
        "elbow": (0.8, -2.5 if arms_up else 0.5),
        "wrist": (0.8, -4.0 if arms_up else 2.0),
    }
    pose = np.zeros((14, 2))
    for name, (x, y) in points.items():
        pose[LSP_14.index(f"left_{name}")] = (x, y)
        pose[LSP_14.index(f"right_{name}")] = (-x, y)
    pose[LSP_14.index("neck")], pose[LSP_14.index("head_top")] = (0, -1.2), (0, -2.2)
    size = rng.uniform(5, 40)
    return (pose + rng.normal(0, 0.05, pose.shape)) * size + rng.uniform(0, 500, 2)


@pytest.fixture
def people() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    up = np.arange(200) % 2 == 0
    poses = np.stack([standing(rng, bool(flag)) for flag in up])
    boxes = np.concatenate([poses.min(1), poses.max(1)], 1)
    return poses, boxes, up


def test_alignment_makes_torsos_equal(people: tuple) -> None:
    poses, _, _ = people
    aligned, usable = align_poses(poses, np.ones((200, 14)), LSP_14)
    assert usable.all()
    middles = [
        aligned[:, [LSP_14.index(f"{side}_{part}") for side in ("left", "right")]].mean(1)
        for part in ("shoulder", "hip")
    ]
    assert np.linalg.norm(middles[0] - middles[1], axis=1) == pytest.approx(np.ones(200))
    assert middles[0] + middles[1] == pytest.approx(np.zeros((200, 2)), abs=1e-9)


def test_a_pose_without_hips_is_no_atomic_pose(people: tuple) -> None:
    poses, _, _ = people
    atomic = AtomicPoses.cluster(poses, np.ones((200, 14)), LSP_14, count=2)
    visible = np.ones((1, 14))
    visible[0, [LSP_14.index("left_hip"), LSP_14.index("right_hip")]] = 0
    assert atomic.classify(poses[:1], visible).tolist() == [-1]


def test_two_shapes_are_told_apart_even_with_joints_missing(people: tuple) -> None:
    poses, _, up = people
    atomic = AtomicPoses.cluster(poses, np.ones((200, 14)), LSP_14, count=2)
    visible = np.ones((200, 14))
    visible[:, LSP_14.index("left_wrist")] = 0
    labels = atomic.classify(poses, visible)
    assert len(set(labels[up])) == len(set(labels[~up])) == 1
    assert labels[0] != labels[1]


def test_samples_follow_the_offsets_of_their_own_shape(people: tuple, tmp_path: Path) -> None:
    poses, boxes, up = people
    rng = np.random.default_rng(8)
    # The detector cuts a quarter off the top of raised arms and is nearly exact otherwise.
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    true_offsets = rng.normal(0, 0.01, (200, 4)) + np.where(up[:, None], [0, 0.25, 0, 0], 0)
    atomic = AtomicPoses.cluster(poses, np.ones((200, 14)), LSP_14, count=2)
    generator = ProposalGenerator.fit(
        atomic, poses, np.ones((200, 14)), boxes, boxes + true_offsets * sides
    )
    generator.save(tmp_path / "proposals.npz")
    generator = ProposalGenerator.load(tmp_path / "proposals.npz")
    for person, expected in ((0, 0.25), (1, 0.0)):
        sampled = generator.sample(poses[person], np.ones(14), boxes[person], 400, rng)
        offsets = side_offsets(np.repeat(boxes[person : person + 1], 400, 0), sampled)
        assert offsets.mean(0) == pytest.approx([0, expected, 0, 0], abs=0.01)
        assert offsets.std(0) == pytest.approx([0.01] * 4, rel=0.5)


def test_boxes_are_matched_once_each() -> None:
    true = [[0, 0, 10, 10], [20, 0, 30, 10]]
    detected = [[21, 0, 31, 10], [100, 100, 110, 110], [0, 1, 10, 11]]
    rows, columns = match_boxes(true, detected)
    assert dict(zip(rows.tolist(), columns.tolist())) == {0: 2, 1: 0}
    assert len(match_boxes(np.zeros((0, 4)), detected)[0]) == 0


def test_too_few_people_are_refused(people: tuple) -> None:
    poses, boxes, _ = people
    atomic = AtomicPoses.cluster(poses, np.ones((200, 14)), LSP_14, count=2)
    with pytest.raises(ValueError, match="got 5 detected people"):
        ProposalGenerator.fit(atomic, poses[:5], np.ones((5, 14)), boxes[:5], boxes[:5])
    with pytest.raises(ValueError, match="got 3 poses"):
        AtomicPoses.cluster(poses[:3], np.ones((3, 14)), LSP_14)
