"""Files of poses as other programs write them, made from numbers that tests know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmpe.formats import ClipHeader, NativeWriter
from rmpe.records import Poses
from rmpe.skeletons import COCO_17, Skeleton


def flat_joints(count: int, x: float = 0.0) -> list[float]:
    """Return ``x y score`` of joints in a row that begins at ``x``, 0.5 each."""
    return [value for n in range(count) for value in (x + n, 2.0 * n + 1, 0.5)]


def alphapose_list(path: Path, names: Iterable[str], joints: int = 17) -> Path:
    """Write AlphaPose's list: one person a name, the first joint's x being their place in it."""
    people = [
        {
            "image_id": name,
            "category_id": 1,
            "keypoints": flat_joints(joints, float(place)),
            "score": 2.0,
            "box": [place, 1.0, 20.0, 40.0],
            "idx": place + 1,
        }
        for place, name in enumerate(names)
    ]
    path.write_text(json.dumps(people))
    return path


def openpose_folder(folder: Path, stems: Sequence[str], key: str = "pose_keypoints_2d") -> Path:
    """Write OpenPose's files: one person each, the first joint's x being their place."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, stem in enumerate(stems):
        person = {"person_id": [-1], key: flat_joints(25, 10.0 + place)}
        file = folder / f"{stem}_keypoints.json"
        file.write_text(json.dumps({"version": 1.3, "people": [person]}))
    return folder


def one_person(x: float, skeleton: Skeleton = COCO_17) -> Poses:
    """Return one person whose first joint is at ``x``."""
    joints = np.array(flat_joints(skeleton.joint_count, x), np.float32).reshape(1, -1, 3)
    return Poses(
        boxes_xyxy=np.array([[x, 1, x + 20, 41]], np.float32),
        box_scores=np.ones(1, np.float32),
        keypoints_xy=joints[..., :2],
        keypoint_scores=joints[..., 2],
        scores=np.full(1, 0.5, np.float32),
        ids=np.ones(1, np.int64),
    )


def native_records(
    path: Path,
    frames: Sequence[int],
    count: int,
    image_names: tuple[str, ...] = (),
    skeleton: Skeleton = COCO_17,
    source: str = "clip.mp4",
) -> Path:
    """Write native records of ``count`` frames with one person, at x = frame, in some of them."""
    writer = NativeWriter(path, ClipHeader(skeleton, source, fps=10.0, image_names=image_names))
    nobody = Poses.empty(skeleton.joint_count)
    for index in range(count):
        poses = one_person(float(index), skeleton) if index in frames else nobody
        writer.write(index, index / 10, poses)
    writer.close()
    return path


def counts(records: Any) -> list[int]:
    """Return the number of people of every frame."""
    return [len(record.poses) for record in records]
