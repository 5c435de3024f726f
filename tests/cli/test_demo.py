"""The demo counts what was found, missed, invented and exchanged."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch._tensor import Tensor

from pipeline.readers.scene import SceneReader
from rmpe.geometry.crop import CropTransform
from rmpe.records import Boxes, Poses
from rmpe.skeletons import COCO_17, COCO_19
from rmpe.synthetic import walkers_scene
from rmpe.synthetic.world.scenes import Scene, SyntheticFrame
from rmpe_cli.demo.comparison import compare_with_truth, match_boxes, run_demo
from tracking import OnlineTracker


def _truth(ids: tuple[int, ...] = (1, 2), seen: tuple[float, ...] = (1.0, 1.0)) -> SyntheticFrame:
    """People 100 px wide side by side; torsos 60 px long."""
    count = len(ids)
    joints = np.zeros((19, 2), np.float32)
    joints[:, 1] = np.linspace(0, 180, 19)
    joints[[5, 6], 1], joints[[11, 12], 1] = 40.0, 100.0
    shift = 150.0 * np.arange(count, dtype=np.float32)
    boxes = np.stack([shift, np.zeros(count), shift + 100.0, np.full(count, 200.0)], axis=1)
    keypoints = np.repeat(joints[None], count, axis=0)
    keypoints[..., 0] += 50.0 + shift[:, None]
    visible = np.ones((count, 19), bool)
    return SyntheticFrame(
        0,
        0.0,
        np.zeros((0, 0, 3), np.uint8),
        boxes.astype(np.float32),
        keypoints,
        visible,
        visible,
        np.array(ids, np.int64),
        np.array(seen, np.float32),
    )


def _perfect(frame: SyntheticFrame, ids: tuple[int, ...] | None = None) -> Poses:
    count = len(frame)
    return Poses(
        frame.boxes_xyxy,
        np.ones(count),
        frame.keypoints_xy.copy(),
        np.ones((count, 19)),
        np.ones(count),
        frame.ids if ids is None else np.array(ids),
    )


def test_perfect_poses_get_full_marks() -> None:
    frames = [_truth() for _ in range(3)]
    report = compare_with_truth([_perfect(frame) for frame in frames], frames, COCO_19)
    assert (report.frames, report.people, report.seen, report.found) == (3, 2, 6, 6)
    assert (report.invented, report.identities, report.switches) == (0, 2, 0)
    assert report.recall == 1.0
    assert report.pck == 1.0


def test_exchanged_ids_are_two_switches() -> None:
    frames = [_truth() for _ in range(3)]
    ids = [(1, 2), (2, 1), (2, 1)]
    poses = [_perfect(frame, given) for frame, given in zip(frames, ids)]
    assert compare_with_truth(poses, frames, COCO_19).switches == 2


def test_an_id_that_comes_back_after_a_gap_is_no_switch() -> None:
    frames = [_truth() for _ in range(3)]
    poses = [_perfect(frame) for frame in frames]
    poses[1] = poses[1].select([1])
    report = compare_with_truth(poses, frames, COCO_19)
    assert report.switches == 0
    assert report.found == 5


def _one_box(frame: SyntheticFrame, box: tuple[float, ...], identity: int) -> Poses:
    poses = _perfect(frame).select([0])
    return replace(poses, boxes_xyxy=np.array([box], np.float32), ids=np.array([identity]))


def test_a_box_over_two_people_stays_with_whom_its_identity_had() -> None:
    frame = _truth()
    frame.boxes_xyxy[1] = frame.boxes_xyxy[0] + [20, 0, 20, 0]
    # IoU with the first 85 / 115, with the second 95 / 105
    shared = _one_box(frame, (15, 0, 115, 200), 7)
    alone = _one_box(frame, (0, 0, 100, 200), 7)
    assert compare_with_truth([alone, shared, alone], [frame] * 3, COCO_19).switches == 0
    assert compare_with_truth([shared], [frame], COCO_19).identities == 1


def test_a_box_over_two_people_is_of_the_one_who_can_be_seen() -> None:
    frame = _truth(seen=(0.9, 0.2))
    frame.boxes_xyxy[1] = frame.boxes_xyxy[0] + [20, 0, 20, 0]
    shared = _one_box(frame, (15, 0, 115, 200), 7)
    report = compare_with_truth([shared], [frame], COCO_19)
    assert (report.seen, report.found, report.invented) == (1, 1, 0)


def test_hidden_people_are_not_exchanged() -> None:
    seen, hidden = _truth(ids=(1,), seen=(1.0,)), _truth(ids=(1,), seen=(0.2,))
    poses = [_perfect(seen, (1,)), _perfect(hidden, (2,)), _perfect(seen, (1,))]
    assert compare_with_truth(poses, [seen, hidden, seen], COCO_19).switches == 0
    assert compare_with_truth(poses, [seen] * 3, COCO_19).switches == 2


def test_missed_hidden_and_invented_people() -> None:
    frame = _truth(ids=(1, 2, 3), seen=(1.0, 0.1, 1.0))
    poses = _perfect(frame)
    boxes = poses.boxes_xyxy.copy()
    boxes[2] += 1000.0
    moved = Poses(
        boxes,
        *[
            getattr(poses, name)
            for name in ("box_scores", "keypoints_xy", "keypoint_scores", "scores", "ids")
        ],
    )
    report = compare_with_truth([moved], [frame], COCO_19)
    assert report.seen == 2
    assert report.found == 1
    assert report.invented == 1


def test_joints_count_as_right_up_to_a_fifth_of_the_torso() -> None:
    frame = _truth(ids=(1,), seen=(1.0,))
    poses = _perfect(frame)
    # Wrists 9 and 10 are 13 px off, elbows 7 and 8 are 11 px off; 0.2 torsos are 12 px.
    poses.keypoints_xy[0, [9, 10], 0] += 13.0
    poses.keypoints_xy[0, [7, 8], 0] += 11.0
    assert compare_with_truth([poses], [frame], COCO_19).pck == pytest.approx(10 / 12)


def test_another_skeleton_is_compared_by_name() -> None:
    frame = _truth()
    poses = _perfect(frame)
    shorter = Poses(
        poses.boxes_xyxy,
        poses.box_scores,
        poses.keypoints_xy[:, :17],
        poses.keypoint_scores[:, :17],
        poses.scores,
        poses.ids,
    )
    assert compare_with_truth([shorter], [frame], COCO_17).pck == 1.0


def test_an_empty_clip_and_nobody_found() -> None:
    empty = compare_with_truth([], [], COCO_19)
    assert np.isnan(empty.recall) and np.isnan(empty.pck)
    report = compare_with_truth([Poses.empty(19)], [_truth()], COCO_19)
    assert (report.recall, report.found, report.identities) == (0.0, 0, 0)
    assert any("0.0%" in line for line in report.table())


def test_boxes_are_matched_to_the_greatest_overlap() -> None:
    real = np.array([[0, 0, 10, 10], [4, 0, 14, 10]], np.float32)
    found = np.array([[3, 0, 13, 10], [1, 0, 11, 10], [50, 50, 60, 60]], np.float32)
    rows, columns = match_boxes(found, real)
    assert sorted(zip(rows.tolist(), columns.tolist())) == [(0, 1), (1, 0)]


class TruthEstimator:
    """Knows the scene: gives the true boxes and joints, in the estimator's own steps."""

    skeleton = COCO_19

    def __init__(self, scene: Scene, frames: int) -> None:
        self.batch_size = 8
        self.runtime = SimpleNamespace(description="truth")
        truth = [scene.frame_at(index) for index in range(frames)]
        self._boxes = iter([Boxes(real.boxes_xyxy, np.ones(len(real))) for real in truth])
        self._joints = {
            box.tobytes(): joints
            for real in truth
            for box, joints in zip(real.boxes_xyxy, real.keypoints_xy)
        }

    def detect(self, images_bgr: list[np.ndarray]) -> list[Boxes]:
        return [next(self._boxes) for _ in images_bgr]

    def crop(self, image_bgr: np.ndarray, boxes: Boxes) -> tuple[np.ndarray, list[Any]]:
        return np.zeros((len(boxes), 2, 2, 3), np.uint8), [None] * len(boxes)

    def infer(self, crops_bgr: np.ndarray) -> Tensor:
        return torch.zeros(len(crops_bgr), 1)

    def decode(
        self, heatmaps: torch.Tensor, transforms: list[CropTransform], boxes: Boxes
    ) -> Poses:
        count = len(boxes)
        joints = np.array([self._joints[box.tobytes()] for box in boxes.boxes_xyxy])
        scores = np.full((count, 19), 0.9)
        return Poses(
            boxes.boxes_xyxy,
            boxes.scores,
            joints.reshape(count, 19, 2),
            scores,
            np.ones(count),
            np.zeros(count),
        )

    def suppress(self, poses: Poses) -> Poses:
        return poses


def test_the_demo_runs_the_pipeline_on_a_scene() -> None:
    scene = walkers_scene(3, 320, 180, seed=2)
    report = run_demo(scene, 12, TruthEstimator(scene, 12), OnlineTracker())
    assert report.frames == 12
    assert report.recall == 1.0
    assert report.pck == 1.0
    assert report.switches == 0
    assert report.identities == report.people == 3
    assert report.seconds > 0


def test_the_reader_keeps_the_truth_but_not_the_pictures() -> None:
    scene = walkers_scene(1, 64, 48, seed=1)
    reader = SceneReader(scene, 3)
    frames = list(reader)
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[2].timestamp_s == pytest.approx(2 / 25)
    assert reader.info.width == 64 and reader.info.frames_expected == 3
    assert reader.report.frames == len(reader.truth) == 3
    assert all(truth.image_bgr.size == 0 for truth in reader.truth)
    np.testing.assert_array_equal(frames[1].image_bgr, scene.frame_at(1).image_bgr)
