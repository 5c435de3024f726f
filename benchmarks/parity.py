"""Part of `bench_pipeline.py`: are poses and identities the same without torch and in int8?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Settings
from numpy.typing import NDArray
from tables import Table, as_table

from pipeline.assemble import run_plain
from pipeline.readers import VideoReader
from rmpe.estimator import PoseEstimator
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.records import Frame, Poses
from rmpe.synthetic.world.clips import walkers_scene
from tracking import OnlineTracker

EXAMPLE = Path(__file__).parents[1] / "examples" / "crossing.mp4"
FRAMES = 12
SAME_IOU = 0.5
ROADS: dict[str, dict[str, Any]] = {
    "fp32": {"runtime": "openvino", "precision": "fp32"},
    "torch fp32": {"runtime": "torch", "precision": "fp32"},
    "bf16": {"runtime": "openvino", "precision": "bf16"},
    "int8": {"runtime": "openvino", "precision": "int8"},
}


def clips(settings: Settings) -> dict[str, list[Frame]]:
    """Return the first frames of three clips by name."""
    scene = walkers_scene(3, 640, 360, seed=3)
    seen = [scene.frame_at(number) for number in range(FRAMES)]
    return {
        settings.clip.stem: list(islice(VideoReader(settings.clip), FRAMES)),
        EXAMPLE.stem: list(islice(VideoReader(EXAMPLE), FRAMES)),
        "drawn walkers": [Frame(its.index, its.timestamp_s, its.image_bgr) for its in seen],
    }


def part_parity(settings: Settings) -> Table:
    """Compare every road with OpenVINO in fp32, clip by clip."""
    estimators = {
        name: PoseEstimator.from_preset("compact", device="cpu", threads=1, **choice)
        for name, choice in ROADS.items()
    }
    rows = []
    for clip, frames in clips(settings).items():
        runs = {
            name: [poses for _, poses in run_plain(frames, estimator, tracker=OnlineTracker())]
            for name, estimator in estimators.items()
        }
        rows += [
            (f"{clip}, {name}", *differences(runs["fp32"], found))
            for name, found in runs.items()
            if name != "fp32"
        ]
    return as_table(
        f"Beside OpenVINO fp32, {FRAMES} frames of each clip, joints of people whom both find",
        ("clip, road", "people", "same identity", "median", "95 %", "most"),
        rows,
    )


def differences(ours: Sequence[Poses], theirs: Sequence[Poses]) -> tuple[str, ...]:
    """Return people of both, how many keep the other's identity, and how far joints are apart.

    An identity is the same whatever its number, as long as it stands for the same one.
    """
    apart: list[NDArray[np.float32]] = []
    names: dict[int, int] = {}
    same = people = most = 0
    for one, other in zip(ours, theirs, strict=True):
        overlap = box_iou_matrix(one.boxes_xyxy, other.boxes_xyxy)
        most += max(len(one), len(other))
        for row in range(len(one)):
            if len(other) and overlap[row].max() >= SAME_IOU:
                best = int(overlap[row].argmax())
                people += 1
                theirs_id = int(other.ids[best])
                same += names.setdefault(int(one.ids[row]), theirs_id) == theirs_id
                distance = np.abs(one.keypoints_xy[row] - other.keypoints_xy[best]).max(-1)
                apart.append(distance)
    joints = np.concatenate(apart) if apart else np.zeros(1, np.float32)
    middle, upper = np.percentile(joints, [50, 95])
    distances = (f"{distance:.3f} px" for distance in (middle, upper, joints.max()))
    return f"{people} of {most}", f"{same} of {people}", *distances
