"""OpenPose's output folder: one JSON file a frame, BODY_25 (its default) or COCO's 18 joints.

``<name>_<frame, 12 digits>_keypoints.json``, version 1.3, numbers of six significant digits; a
joint that was not found is 0 0 0. ``person_id`` carries the track id, -1 where there is none.
Boxes and pose scores are not kept. A frame without people is a file with ``people: []``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from rmpe.formats._loaded import (
    LoadedClip,
    flat_joints,
    flatten_joints,
    hinted_header,
    numbered_records,
    poses_from_joints,
)
from rmpe.formats.clip import ClipHeader, ReadHints, check_joint_count
from rmpe.json_files import load_json
from rmpe.records import Poses
from rmpe.skeletons import BODY_25, OPENPOSE_18, Skeleton, convert_joints

VERSION = 1.3
_FRAME_FILE = re.compile(r"(.*?)_?(\d+)_keypoints\.json")
_EMPTY_PARTS = (
    "face_keypoints_2d",
    "hand_left_keypoints_2d",
    "hand_right_keypoints_2d",
    "pose_keypoints_3d",
    "face_keypoints_3d",
    "hand_left_keypoints_3d",
    "hand_right_keypoints_3d",
)


class OpenPoseWriter:
    """Writes the folder ``path``, BODY_25 joints."""

    skeleton: Skeleton = BODY_25

    def __init__(self, path: str | Path, header: ClipHeader) -> None:
        self._header = header
        self._folder = Path(path)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._name = Path(header.source).stem or "frame"

    def write(self, frame_index: int, timestamp_s: float, poses: Poses) -> None:
        """Write the file of one frame."""
        check_joint_count(poses, self._header.skeleton, frame_index)
        points, scores = convert_joints(
            poses.keypoints_xy, poses.keypoint_scores, self._header.skeleton, self.skeleton
        )
        rows = flatten_joints(np.where(scores[..., None] > 0, points, 0), scores)
        people = [
            person_to_json(row.tolist(), int(identity)) for row, identity in zip(rows, poses.ids)
        ]
        text = json.dumps(
            {"version": VERSION, "people": people}, allow_nan=False, separators=(",", ":")
        )
        file = self._folder / f"{self._name}_{frame_index:012d}_keypoints.json"
        file.write_text(text, "utf-8")

    def close(self, complete: bool = True) -> None:
        """Do nothing: every frame is a file of its own."""


class OpenPose18Writer(OpenPoseWriter):
    """Writes the folder ``path``, COCO's 18 joints."""

    skeleton = OPENPOSE_18


def person_to_json(joints: list[float], identity: int) -> dict[str, Any]:
    """Return one person's object: flat joints in six significant digits, empty other parts."""
    return {
        "person_id": [identity if identity > 0 else -1],
        "pose_keypoints_2d": [float(f"{value:.6g}") for value in joints],
        **{part: [] for part in _EMPTY_PARTS},
    }


def read_openpose(path: str | Path, hints: ReadHints | None = None) -> LoadedClip:
    """Return the clip of a folder; 75 numbers a person are BODY_25, 54 are COCO's 18.

    The number in a file's name is its frame index; frames without a file are without people.

    Raises:
        ValueError: the folder has no such file, or files of another or several joint counts.
    """
    folder, hints = Path(path), hints or ReadHints()
    by_index = {}
    for file in sorted(folder.glob("*_keypoints.json")):
        match = _FRAME_FILE.fullmatch(file.name)
        if match is None:
            raise ValueError(f"{file}: the name has no frame number before _keypoints.json")
        by_index[int(match[2])] = (file, load_json(file))
    if not by_index:
        raise ValueError(f"{folder} has no file named *_keypoints.json")
    joints = {
        index: flat_joints([p["pose_keypoints_2d"] for p in item.get("people", ())], file)
        for index, (file, item) in by_index.items()
    }
    skeleton = _skeleton_of({rows.shape[1] for rows in joints.values() if len(rows)}, folder)
    poses = {
        index: poses_from_joints(rows, ids=_ids(by_index[index][1]))
        if len(rows)
        else Poses.empty(skeleton.joint_count)
        for index, rows in joints.items()
    }
    header = hinted_header(folder, skeleton, hints)
    records = numbered_records(poses, max(poses) + 1, header, hints.frame_count)
    return LoadedClip(header, records)


def _skeleton_of(counts: set[int], folder: Path) -> Skeleton:
    by_count = {25: BODY_25, 18: OPENPOSE_18}
    if len(counts) > 1 or not counts <= set(by_count):
        raise ValueError(f"{folder} has people of {sorted(counts)} joints, supported are 25 or 18")
    return by_count[counts.pop()] if counts else BODY_25


def _ids(item: dict[str, Any]) -> list[int]:
    return [max(int((person.get("person_id") or [-1])[0]), 0) for person in item["people"]]
