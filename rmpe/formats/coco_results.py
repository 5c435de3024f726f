"""COCO's keypoint files: results, as its evaluation reads them, out and in; annotations in.

``image_id`` is the integer at the end of a picture's name (``000000000785.jpg``), the frame index
for a video. ``box``, ``track_id``, ``frame`` and ``file_name`` are ours, the evaluation passes them
over; the box is not called ``bbox`` because pycocotools would then take the areas from it. Pictures
without people leave no trace; reading gives those between others back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmpe.datasets.coco_document import AnnotationChoices, plain_id, read_coco_document
from rmpe.datasets.whole_body import has_whole_body, whole_bodies_note, with_whole_body
from rmpe.formats._json import ItemStream, short_xywh, shortest_decimals
from rmpe.formats._loaded import (
    JointReader,
    LoadedClip,
    as_float32,
    boxes_if_known,
    flatten_joints,
    gather_frames,
    hinted_header,
    poses_from_joints,
    scores_of,
)
from rmpe.formats.clip import ClipHeader, ReadHints, check_joint_count
from rmpe.formats.pictures import PictureKey, picture_number
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.json_files import load_json
from rmpe.records import Poses
from rmpe.skeletons import COCO_17, COCO_WHOLEBODY_133, Skeleton, convert_joints


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
            if self._header.image_names:
                item["file_name"] = self._header.image_names[frame_index]
            else:
                item["frame"] = frame_index
            self._stream.add(json.dumps(item, allow_nan=False))

    def close(self, complete: bool = True) -> None:
        """End the list."""
        self._stream.close()


def _image_ids(names: tuple[str, ...]) -> list[int]:
    """Return the id of every picture: the numbers in the names, or places if one has none."""
    ids = [picture_number(name) for name in names]
    if any(number is None for number in ids):
        return list(range(len(names)))
    if len(set(ids)) < len(ids):
        raise ValueError("two pictures end in the same number, COCO results need one id a picture")
    return [number for number in ids if number is not None]


def are_coco_results(people: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a list is COCO's: pictures by number, or scores to 1 without AlphaPose's keys.

    AlphaPose's scores run to 3.25; read by its rule, others would come out wrong.
    """
    if isinstance(people[0]["image_id"], int | float):
        return True
    scores = [person.get("score") for person in people]
    return not any({"box", "idx"} & person.keys() for person in people) and all(
        isinstance(score, int | float) and score <= 1 for score in scores
    )


def read_coco(path: str | Path, hints: ReadHints | None = None) -> LoadedClip:
    """Return the clip of a results file, or of an annotation.

    Joints of results are COCO's 17 unless ``hints.skeleton`` says otherwise; those of an annotation
    are what its category names, and score 1 where they are annotated.

    Raises:
        ValueError: the document is neither, or joints do not fit the skeleton.
    """
    path, hints = Path(path), hints or ReadHints()
    document = load_json(path)
    if isinstance(document, Mapping):
        return _read_annotation(path, document, hints)
    skeleton = hints.skeleton or COCO_17
    if not isinstance(document, list):
        raise ValueError(f"{path} is not a list of COCO results")
    items, notes = _people_only([_result(item, path, n) for n, item in enumerate(document)], path)
    whole = sum(map(has_whole_body, items))
    if whole and skeleton != COCO_WHOLEBODY_133:
        notes = (*notes, whole_bodies_note(whole))
    grouped: dict[PictureKey, list[dict[str, Any]]] = {}
    for item in items:
        joined = has_whole_body(item) and skeleton == COCO_WHOLEBODY_133
        people_here = grouped.setdefault(item["image_id"], [])
        people_here.append(with_whole_body(item) if joined else item)
    reader = JointReader(path)
    people = {key: _poses(rows, reader, skeleton, path, key) for key, rows in grouped.items()}
    notes = (*notes, *reader.notes)
    return gather_frames(path, _own_keys(people, grouped, path), skeleton, hints, notes)


def _result(item: Any, path: Path, place: int) -> dict[str, Any]:
    """Return a result with its picture as a number or a word."""
    if not isinstance(item, dict) or "keypoints" not in item:
        raise ValueError(f"{path}: result {place} has no keypoints")
    image_id = plain_id(item.get("image_id"))
    if image_id is None or (isinstance(image_id, int) and image_id < 0):
        raise ValueError(
            f"{path}: result {place} has the image_id {item.get('image_id')!r}, needed is a whole "
            "number from 0"
        )
    category = item.get("category_id", 1)
    if not isinstance(category, int | float | str):
        raise ValueError(f"{path}: result {place} has the category_id {category!r}")
    track_id = item.get("track_id")
    if track_id is not None and not isinstance(plain_id(track_id), int):
        raise ValueError(
            f"{path}: result {place} has the track_id {track_id!r}, needed is a whole number"
        )
    return {**item, "image_id": image_id}


def _people_only(
    items: list[dict[str, Any]], path: Path
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return results of people, which are category 1, and what was left out or taken for them."""
    categories = {item.get("category_id", 1) for item in items}
    if categories <= {1}:
        return items, ()
    if 1 in categories:
        kept = [item for item in items if item.get("category_id", 1) == 1]
        left_out = len(items) - len(kept)
        return kept, (f"{left_out} results of other categories than 1 (person) are left out",)
    if len(categories) > 1:
        raise ValueError(
            f"{path} has results of the categories {sorted(categories, key=str)}, people are 1"
        )
    return items, (f"category {categories.pop()!r} is taken for people",)


def _own_keys(
    people: Mapping[PictureKey, Poses],
    grouped: Mapping[PictureKey, Sequence[Mapping[str, Any]]],
    path: Path,
) -> Mapping[PictureKey, Poses]:
    """Return people by the pictures' names, or the frames, that this program writes beside the ids.

    Files of others have neither, and keep their ids.
    """
    for key in ("file_name", "frame"):
        found = {image_id: rows[0].get(key) for image_id, rows in grouped.items()}
        kind = str if key == "file_name" else int
        if not all(isinstance(value, kind) for value in found.values()):
            continue
        if len(set(found.values())) < len(found):
            raise ValueError(f"{path} has two pictures of the same {key}")
        if key == "frame":
            return {f"{found[image_id]}.jpg": poses for image_id, poses in people.items()}
        return {str(found[image_id]): poses for image_id, poses in people.items()}
    return people


def _poses(
    people: list[dict[str, Any]], reader: JointReader, skeleton: Skeleton, path: Path, key: object
) -> Poses:
    place = f"{path}, picture {key}"
    joints = reader.read([item["keypoints"] for item in people], f"picture {key}")
    if joints.shape[1] != skeleton.joint_count:
        raise ValueError(
            f"{path} has people of {joints.shape[1]} joints, skeleton {skeleton.name} has "
            f"{skeleton.joint_count}; name the skeleton of the file with --skeleton"
        )
    boxes = [item.get("box", item.get("bbox")) for item in people]
    return poses_from_joints(
        joints,
        boxes_xyxy=boxes_if_known(boxes, place),
        scores=scores_of([item.get("score", 1.0) for item in people], place),
        ids=[_track_id(item.get("track_id")) for item in people],
    )


def _read_annotation(path: Path, document: Mapping[str, Any], hints: ReadHints) -> LoadedClip:
    """Return annotated people; joints that are annotated, hidden ones too, score 1."""
    whole = read_coco_document(document, AnnotationChoices(hints.skeleton), str(path))
    grouped: dict[PictureKey, list[int]] = {}
    names: dict[int | str, str] = {}
    for identity, image in whole.images.items():
        names[identity] = str(image.get("file_name", identity))
        grouped[names[identity]] = []
    if len(grouped) < len(whole.images):
        raise ValueError(f"{path} has two pictures of the same file_name")
    for place, person in enumerate(whole.people):
        if not person.is_crowd and (person.joints[:, 2] > 0).any():
            grouped[names[person.image_id]].append(place)
    people: dict[PictureKey, Poses] = {}
    for name, places in grouped.items():
        rows = [whole.people[place] for place in places]
        joints = np.array([row.joints for row in rows]).reshape(-1, whole.skeleton.joint_count, 3)
        joints[..., 2] = joints[..., 2] > 0
        people[name] = poses_from_joints(
            as_float32(joints, f"{path}, {name}: keypoints"),
            boxes_xyxy=box_xywh_to_xyxy(np.array([row.box_xywh for row in rows]).reshape(-1, 4)),
            ids=[_track_id(row.item.get("track_id")) for row in rows],
        )
    notes = (*whole.notes, *whole.skipped)
    if hints.image_names or hints.is_of_clip:
        some = {name: poses for name, poses in people.items() if len(poses)}
        return gather_frames(path, some, whole.skeleton, hints, notes)
    header = hinted_header(path, whole.skeleton, hints, tuple(map(str, people)))
    return LoadedClip(header, dict(enumerate(people.values())), len(people), notes)


def _track_id(value: Any) -> int:
    identity = plain_id(value)
    return identity if isinstance(identity, int) and 0 < identity < 2**63 else 0
