"""PoseTrack 2018 and 2017 predictions, in and out.

Joints are PoseTrack's 15, derived by name where a skeleton lacks them; ears are written as absent.
Track ids count from 0 in these files and from 1 here; a person without identity gets -1, -2, …, so
that no two people of a frame share one. Frames without people are kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from rmpe.formats._json import ItemStream, short_xywh, shortest_decimals
from rmpe.formats._loaded import (
    LoadedClip,
    boxes_if_known,
    flatten_joints,
    gather_frames,
    hinted_header,
    note_on_repeated_ids,
    poses_from_joints,
)
from rmpe.formats.clip import ClipHeader, ReadHints, check_joint_count
from rmpe.formats.pictures import PictureKey
from rmpe.formats.posetrack.document import (
    CATEGORIES,
    EARS,
    PoseTrackFrame,
    parse_posetrack,
    rect_from_annotation,
)
from rmpe.json_files import load_json
from rmpe.records import Poses
from rmpe.skeletons import POSETRACK_15, POSETRACK_17, Skeleton, convert_joints

_SEQUENCE = re.compile(r"(\d{6})_(mpii|bonn|mpiinew)")
_SET_NUMBERS = {"mpii": 1, "bonn": 2, "mpiinew": 3}


class PoseTrackNames:
    """Names and numbers that PoseTrack gives to the frames of one sequence.

    A source named like a sequence (``000342_mpii_test``) gets that sequence's numbers; any other is
    sequence 0 of set 1, under its own name.
    """

    def __init__(self, header: ClipHeader) -> None:
        self._header = header
        self.sequence = Path(header.source).stem or "sequence"
        match = _SEQUENCE.match(self.sequence)
        number = int(match[1]) if match else 0
        self.video_id = f"{number:06d}"
        self._first = (_SET_NUMBERS[match[2]] if match else 1) * 10**10 + number * 10**4

    def file_name(self, frame_index: int) -> str:
        """Return ``images/val/<sequence>/<frame>.jpg``, or the picture's own name."""
        if self._header.image_names:
            return self._header.image_names[frame_index]
        return f"images/val/{self.sequence}/{frame_index:06d}.jpg"

    def image_id(self, frame_index: int) -> int:
        """Return set · 10^10 + sequence · 10^4 + frame."""
        return self._first + frame_index


def annotations_of(
    frame_index: int, poses: Poses, skeleton: Skeleton, names: PoseTrackNames
) -> list[dict[str, Any]]:
    """Return the 2018 annotations of one frame."""
    points, scores = convert_joints(
        poses.keypoints_xy, poses.keypoint_scores, skeleton, POSETRACK_17
    )
    scores[:, list(EARS)] = 0
    found = scores > 0
    rows = shortest_decimals(flatten_joints(np.where(found[..., None], points, 0), found))
    image_id = names.image_id(frame_index)
    return [
        {
            "image_id": image_id,
            "id": image_id * 100 + person,
            "track_id": int(identity) - 1 if identity > 0 else -1 - person,
            "category_id": 1,
            "keypoints": row,
            "scores": joint_scores,
            "bbox": box,
        }
        for person, (identity, row, joint_scores, box) in enumerate(
            zip(
                poses.ids,
                rows.tolist(),
                shortest_decimals(scores).tolist(),
                short_xywh(poses.boxes_xyxy).tolist(),
            )
        )
    ]


class PoseTrackWriter:
    """Writes the 2018 form; annotations are streamed, the image list follows at the end."""

    def __init__(self, path: str | Path, header: ClipHeader) -> None:
        self._header = header
        self._names = PoseTrackNames(header)
        self._frames: list[int] = []
        self._stream = ItemStream(path, '{"annotations": [', "]}")

    def write(self, frame_index: int, timestamp_s: float, poses: Poses) -> None:
        """Append the people of one frame."""
        check_joint_count(poses, self._header.skeleton, frame_index)
        self._frames.append(frame_index)
        for item in annotations_of(frame_index, poses, self._header.skeleton, self._names):
            self._stream.add(json.dumps(item, allow_nan=False))

    def close(self, complete: bool = True) -> None:
        """Write images and categories."""
        images = [
            {
                "file_name": self._names.file_name(frame_index),
                "id": self._names.image_id(frame_index),
                "frame_id": self._names.image_id(frame_index),
                "vid_id": self._names.video_id,
                "nframes": len(self._frames),
                "is_labeled": True,
                "has_no_densepose": True,
            }
            for frame_index in self._frames
        ]
        rest = f'], "images": {json.dumps(images)}, "categories": {json.dumps(CATEGORIES)}}}'
        self._stream.close(rest)


class PoseTrack17Writer:
    """Writes the 2017 form, one ``annolist`` entry a frame."""

    def __init__(self, path: str | Path, header: ClipHeader) -> None:
        self._header = header
        self._names = PoseTrackNames(header)
        self._count = 0
        self._stream = ItemStream(path, '{"annolist": [', "]}")

    def write(self, frame_index: int, timestamp_s: float, poses: Poses) -> None:
        """Append one frame."""
        check_joint_count(poses, self._header.skeleton, frame_index)
        self._count += 1
        people = annotations_of(frame_index, poses, self._header.skeleton, self._names)
        frame = {
            "image": [{"name": self._names.file_name(frame_index)}],
            "imgnum": [self._count],
            "annorect": [rect_from_annotation(person) for person in people],
            "is_labeled": [1],
        }
        self._stream.add(json.dumps(frame, allow_nan=False))

    def close(self, complete: bool = True) -> None:
        """End the list."""
        self._stream.close()


def read_posetrack(path: str | Path, hints: ReadHints | None = None) -> LoadedClip:
    """Return the clip of a PoseTrack file, 2018 or 2017, annotation or prediction.

    Joints without a score (annotations) score 1 where they are present; boxes that the file lacks
    are the extent of the joints. Frames are numbered by position.

    Raises:
        ValueError: the document is neither form.
    """
    path, hints = Path(path), hints or ReadHints()
    frames = parse_posetrack(load_json(path), path)
    names = [frame.image_name for frame in frames]
    sequences = {str(PurePosixPath(name).parent) for name in names}
    source = PurePosixPath(sequences.pop()).name if len(sequences) == 1 else str(path)
    poses = [_poses(frame) for frame in frames]
    if hints.image_names or hints.is_of_clip:
        if len(set(names)) < len(names):
            raise ValueError(f"{path} has two frames of the same picture")
        people: dict[PictureKey, Poses] = {n: p for n, p in zip(names, poses) if len(p)}
        clip = gather_frames(path, people, POSETRACK_15, hints)
        return replace(clip, header=replace(clip.header, source=source))
    own = _frames_of_video(names)
    header = replace(
        hinted_header(path, POSETRACK_15, hints, () if own else tuple(names)), source=source
    )
    by_index = dict(zip(own or range(len(names)), poses))
    notes = note_on_repeated_ids({names[place]: found for place, found in enumerate(poses)})
    return LoadedClip(header, by_index, max(by_index, default=-1) + 1, notes)


def _frames_of_video(names: list[str]) -> list[int]:
    """Return the frames where pictures are called as this writer calls those of a video, or []."""
    made = re.compile(r"images/val/([^/]+)/([0-9]{6})\.jpg")
    matches = [match for name in names if (match := made.fullmatch(name))]
    frames = [int(match[2]) for match in matches]
    rising = all(first < second for first, second in pairwise(frames))
    return frames if len(frames) == len(names) and rising else []


def _poses(frame: PoseTrackFrame) -> Poses:
    people = frame.people
    if not people:
        return Poses.empty(POSETRACK_15.joint_count)
    present = np.array([person.present for person in people])
    scores = np.array([person.scores for person in people])
    scores = np.where(present, np.where(np.isnan(scores), 1.0, scores), 0.0)
    points = np.array([person.points_xy for person in people])
    joints = np.concatenate([points, scores[..., None]], -1).astype(np.float32)
    boxes = [None if p.box_xywh is None else p.box_xywh.tolist() for p in people]
    return poses_from_joints(
        joints,
        boxes_xyxy=boxes_if_known(boxes, frame.image_name),
        ids=[0 if person.track_id is None else person.track_id + 1 for person in people],
    )
