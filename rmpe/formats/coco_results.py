"""COCO keypoint results: the list that COCO's evaluation reads.

``image_id`` is the integer at the end of a picture's name (``000000000785.jpg``), the frame index
for a video. ``box`` and ``track_id`` are ours, the evaluation passes them over; the box is not
called ``bbox`` because pycocotools would then take the areas from it. Pictures without people leave
no trace; reading gives those of a video back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from rmpe.formats._loaded import (
    LoadedClip,
    are_frame_numbers,
    boxes_if_known,
    flat_joints,
    flatten_joints,
    hinted_header,
    numbered_records,
    poses_from_joints,
)
from rmpe.formats._numbers import short_xywh, shortest_decimals
from rmpe.formats._streams import ItemStream
from rmpe.formats.clip import ClipHeader, ReadHints, check_joint_count
from rmpe.json_files import load_json
from rmpe.records import Poses
from rmpe.skeletons import COCO_17, convert_joints


def image_id_of(image_name: str) -> int | None:
    """Return the integer after the last ``_`` of a name's stem, or None if there is none."""
    tail = Path(image_name).stem.rsplit("_", 1)[-1]
    return int(tail) if tail.isascii() and tail.isdigit() else None


class CocoResultsWriter:
    """Writes COCO-17 results; joints are mapped by name.

    Raises:
        ValueError: two pictures of the header have the same number at the end of their names.
    """

    def __init__(self, path: str | Path, header: ClipHeader) -> None:
        self._header = header
        self._image_ids = _image_ids(header.image_names)
        self._stream = ItemStream(path, "[", "]")

    def write(self, frame_index: int, timestamp_s: float, poses: Poses) -> None:
        """Append the people of one frame."""
        check_joint_count(poses, self._header.skeleton, frame_index)
        joints = convert_joints(
            poses.keypoints_xy, poses.keypoint_scores, self._header.skeleton, COCO_17
        )
        rows = shortest_decimals(flatten_joints(*joints)).tolist()
        scores = shortest_decimals(poses.scores).tolist()
        boxes = short_xywh(poses.boxes_xyxy).tolist()
        for person, identity in enumerate(poses.ids.tolist()):
            item: dict[str, Any] = {
                "image_id": self._image_ids[frame_index] if self._image_ids else frame_index,
                "category_id": 1,
                "keypoints": rows[person],
                "score": scores[person],
                "box": boxes[person],
            }
            if identity > 0:
                item["track_id"] = identity
            self._stream.add(json.dumps(item, allow_nan=False))

    def close(self, complete: bool = True) -> None:
        """End the list."""
        self._stream.close()


def _image_ids(names: tuple[str, ...]) -> list[int]:
    """Return the id of every picture: the numbers in the names, or places if one has none."""
    ids = [image_id_of(name) for name in names]
    if any(number is None for number in ids):
        return list(range(len(names)))
    if len(set(ids)) < len(ids):
        raise ValueError("two pictures end in the same number, COCO results need one id a picture")
    return [number for number in ids if number is not None]


def read_coco_results(path: str | Path, hints: ReadHints | None = None) -> LoadedClip:
    """Return the clip of a results file.

    The ids are frame indices, from 0 on without gaps, or catalogue numbers if they lie far apart;
    with ``hints.image_names`` they are looked up by the numbers in these names. Joints are COCO's
    17 unless ``hints.skeleton`` says otherwise.

    Raises:
        ValueError: the document is no list of results, or joints do not fit the skeleton.
    """
    path, hints = Path(path), hints or ReadHints()
    skeleton = hints.skeleton or COCO_17
    document = load_json(path)
    if not isinstance(document, list):
        raise ValueError(f"{path} is not a list of COCO results")
    grouped: dict[int, list[dict[str, Any]]] = {}
    for place, item in enumerate(document):
        if not isinstance(item.get("image_id"), int) or "keypoints" not in item:
            raise ValueError(f"{path}: result {place} has no integer image_id or no keypoints")
        grouped.setdefault(item["image_id"], []).append(item)
    names = hints.image_names
    if not names and not are_frame_numbers(grouped, hints):
        names = tuple(f"{image_id:012d}.jpg" for image_id in grouped)
    places = {image_id: place for place, image_id in enumerate(_image_ids(names))}
    by_index = {}
    for image_id, people in grouped.items():
        if names and image_id not in places:
            raise ValueError(f"{path} has poses for picture {image_id}, which is not there")
        joints = flat_joints([item["keypoints"] for item in people], path)
        if joints.shape[1] != skeleton.joint_count:
            raise ValueError(
                f"{path} has people of {joints.shape[1]} joints, skeleton {skeleton.name} has "
                f"{skeleton.joint_count}"
            )
        by_index[places.get(image_id, image_id)] = _poses(people, joints)
    header = hinted_header(path, skeleton, hints, names)
    count = len(names) or max(by_index, default=-1) + 1
    return LoadedClip(header, numbered_records(by_index, count, header, hints.frame_count))


def _poses(people: list[dict[str, Any]], joints: np.ndarray) -> Poses:
    boxes = [item.get("box", item.get("bbox")) for item in people]
    return poses_from_joints(
        joints,
        boxes_xyxy=boxes_if_known(boxes),
        scores=[item.get("score", 1.0) for item in people],
        ids=[item.get("track_id") or 0 for item in people],
    )
