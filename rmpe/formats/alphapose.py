"""AlphaPose's three result forms (as its code writes them at commit c60106d).

- default: one list of people over all pictures, with score, box and ``idx`` (the track id).
- cmu and open: an object by picture name with COCO-18 joints only, and one file a picture in
  ``sep-json/`` beside it; boxes, scores and ids are not kept.

A picture without people leaves no trace in any of them. Reading gives these pictures back where
the names are numbered or ``ReadHints.image_names`` lists them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rmpe.formats._json import ItemStream
from rmpe.formats._loaded import (
    JointReader,
    LoadedClip,
    boxes_if_known,
    flatten_joints,
    gather_frames,
    poses_from_joints,
    scores_of,
)
from rmpe.formats.clip import ClipHeader, ReadHints, check_joint_count
from rmpe.formats.pictures import natural_order, picture_of_stem, unique_stems
from rmpe.geometry.boxes import box_xyxy_to_xywh
from rmpe.json_files import files_in, load_json
from rmpe.pose_nms.rescoring import proposal_score
from rmpe.records import Poses
from rmpe.skeletons import (
    COCO_17,
    COCO_19,
    COCO_WHOLEBODY_133,
    FACE_68,
    HALPE_26,
    HALPE_136,
    HAND_21,
    OPENPOSE_18,
    SKELETONS,
    Skeleton,
    convert_joints,
)

VERSION = "AlphaPose v0.3"
MAIN_FILE = "alphapose-results.json"
SEPARATE = "sep-json"
"""Folder of the cmu and open forms' files of single pictures, beside the main file."""
# The largest proposal score: joint mean 1 + box 1 + 1.25 x best joint 1.
_LARGEST_SCORE = 3.25
_SKELETON_BY_COUNT = {
    s.joint_count: s for s in (COCO_17, HAND_21, HALPE_26, FACE_68, COCO_WHOLEBODY_133, HALPE_136)
}


class AlphaPoseWriter:
    """Writes the default form: one list, one object a person.

    ``score`` follows AlphaPose's rule (0..3.25), ``idx`` is the track id, 0 where there is none.
    Joints stay in the header's order, except that the 19-joint skeleton becomes COCO's 17.
    """

    def __init__(self, path: str | Path, header: ClipHeader) -> None:
        self._header = header
        self._target = COCO_17 if header.skeleton == COCO_19 else header.skeleton
        self._stream = ItemStream(path, "[", "]")

    def write(
        self,
        frame_index: int,
        timestamp_s: float,
        poses: Poses,
        idx: Sequence[object] | None = None,
    ) -> None:
        """Append the people of one frame; ``idx`` replaces the ids, one JSON value a person."""
        check_joint_count(poses, self._header.skeleton, frame_index)
        points, scores = convert_joints(
            poses.keypoints_xy, poses.keypoint_scores, self._header.skeleton, self._target
        )
        rows = flatten_joints(points, scores).astype(np.float64).tolist()
        boxes = box_xyxy_to_xywh(poses.boxes_xyxy).tolist()
        totals = proposal_score(poses.box_scores, scores).tolist()
        marks = poses.ids.tolist() if idx is None else idx
        for row, total, box, mark in zip(rows, totals, boxes, marks):
            person = {
                "image_id": self._header.image_name(frame_index),
                "category_id": 1,
                "keypoints": row,
                "score": total,
                "box": box,
                "idx": mark,
            }
            self._stream.add(json.dumps(person, allow_nan=False))

    def close(self, complete: bool = True) -> None:
        """End the list."""
        self._stream.close()


class _ByPictureWriter:
    """Writes the cmu or open form and its ``sep-json`` folder."""

    people_key: str
    joints_key: str

    def __init__(self, path: str | Path, header: ClipHeader) -> None:
        self._header = header
        self._folder = Path(path).parent / SEPARATE
        self._folder.mkdir(parents=True, exist_ok=True)
        self._stems = unique_stems(header.image_names, ".json")
        self._stream = ItemStream(path, "{", "}")

    def write(self, frame_index: int, timestamp_s: float, poses: Poses) -> None:
        """Append the people of one frame; a frame without people leaves no trace."""
        check_joint_count(poses, self._header.skeleton, frame_index)
        if not len(poses):
            return
        rows = _openpose_rows(poses, self._header.skeleton)
        people = [{self.joints_key: row} for row in rows.tolist()]
        text = json.dumps({"version": VERSION, self.people_key: people}, allow_nan=False)
        name = self._header.image_name(frame_index)
        self._stream.add(f"{json.dumps(name)}: {text}")
        stem = self._stems[frame_index] if self._stems else str(frame_index)
        file = self._folder / f"{stem}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def close(self, complete: bool = True) -> None:
        """End the object."""
        self._stream.close()


def _openpose_rows(poses: Poses, skeleton: Skeleton) -> NDArray[np.float64]:
    """Return COCO-18 rows (N, 54); a derived neck is the shoulders' mean in 64 bit, as theirs."""
    joints = convert_joints(poses.keypoints_xy, poses.keypoint_scores, skeleton, OPENPOSE_18)
    rows = flatten_joints(*joints).astype(np.float64).reshape(len(poses), -1, 3)
    if "neck" not in skeleton.joints:
        neck, *shoulders = map(OPENPOSE_18.index, ("neck", "left_shoulder", "right_shoulder"))
        found = (rows[:, shoulders, 2] > 0).all(1)
        rows[found, neck] = rows[found][:, shoulders].mean(1)
    return rows.reshape(len(poses), -1)


class AlphaPoseCmuWriter(_ByPictureWriter):
    """Writes the cmu form: ``bodies`` of ``joints``."""

    people_key = "bodies"
    joints_key = "joints"


class AlphaPoseOpenWriter(_ByPictureWriter):
    """Writes the open form: ``people`` of ``pose_keypoints_2d``."""

    people_key = "people"
    joints_key = "pose_keypoints_2d"


def read_alphapose(path: str | Path, hints: ReadHints | None = None) -> LoadedClip:
    """Return a clip in the default form, or as PoseFlow writes it (an object by picture name).

    ``box_scores`` are taken back out of AlphaPose's score by its rule; ``scores`` are AlphaPose's
    divided by 3.25, its largest, so that they lie in 0..1 in the same order.

    Raises:
        ValueError: the document has another form, or joints of a count that needs
            ``hints.skeleton``.
    """
    path, hints = Path(path), hints or ReadHints()
    grouped = _people_by_picture(load_json(path), path)
    skeleton, notes = (hints.skeleton, ()) if hints.skeleton else _skeleton_of(grouped, path)
    joints = JointReader(path)
    people = {name: _poses(rows, skeleton, joints, path, name) for name, rows in grouped.items()}
    return gather_frames(path, people, skeleton, hints, (*notes, *joints.notes))


def _people_by_picture(document: Any, path: Path) -> dict[str | int, list[dict[str, Any]]]:
    if isinstance(document, dict) and all(isinstance(v, list) for v in document.values()):
        return {
            name: [{**_person(one, path, name), "score": one.get("scores")} for one in rows]
            for name, rows in document.items()
        }
    if not isinstance(document, list):
        raise ValueError(f"{path} is not in AlphaPose's default form: a list of people")
    grouped: dict[str | int, list[dict[str, Any]]] = {}
    for place, person in enumerate(document):
        name = _person(person, path, f"person {place}").get("image_id")
        if not isinstance(name, str | int) or isinstance(name, bool):
            raise ValueError(f"{path}: person {place} has the image_id {name!r}, needed is a name")
        grouped.setdefault(str(name), []).append(person)
    return grouped


def _person(person: Any, path: Path, place: str) -> dict[str, Any]:
    if not isinstance(person, dict) or not isinstance(person.get("keypoints"), list):
        raise ValueError(f"{path}: {place} has no keypoints")
    return person


def _skeleton_of(
    grouped: Mapping[str | int, list[dict[str, Any]]], path: Path
) -> tuple[Skeleton, tuple[str, ...]]:
    """Return the skeleton that AlphaPose has for the number of joints, and what is guessed."""
    counts = {len(p["keypoints"]) // 3 for people in grouped.values() for p in people}
    if not counts:
        return COCO_17, ()
    if len(counts) > 1 or not counts <= set(_SKELETON_BY_COUNT):
        fitting = [s.name for s in SKELETONS.values() if {s.joint_count} == counts]
        named = f": --skeleton {' or '.join(fitting)}" if fitting else ""
        raise ValueError(
            f"{path} has people of {', '.join(map(str, sorted(counts)))} joints, AlphaPose's own "
            f"are {sorted(_SKELETON_BY_COUNT)}; name the skeleton of the file{named}"
        )
    skeleton = _SKELETON_BY_COUNT[counts.pop()]
    others = [s.name for s in SKELETONS.values() if s.joint_count == skeleton.joint_count]
    if len(others) == 1 or skeleton == COCO_17:
        return skeleton, ()
    note = f"{skeleton.joint_count} joints are taken as {skeleton.name}; --skeleton names others"
    return skeleton, (note,)


def _poses(
    people: list[dict[str, Any]], skeleton: Skeleton, reader: JointReader, path: Path, name: object
) -> Poses:
    joints = reader.read([person["keypoints"] for person in people], name)
    if not people:
        return Poses.empty(skeleton.joint_count)
    if joints.shape[1] != skeleton.joint_count:
        raise ValueError(
            f"{path} has people of {joints.shape[1]} joints, skeleton {skeleton.name} has "
            f"{skeleton.joint_count}"
        )
    place = f"{path}, {name}"
    totals = [person.get("score") for person in people]
    score = None
    if all(total is not None for total in totals):
        score = scores_of(totals, place)
    parts = joints[..., 2].mean(1) + 1.25 * joints[..., 2].max(1)  # (N,)
    return poses_from_joints(
        joints,
        boxes_xyxy=boxes_if_known([person.get("box") for person in people], place),
        box_scores=None if score is None else np.clip(score - parts, 0, 1),
        scores=None if score is None else np.clip(score / _LARGEST_SCORE, 0, 1),
        ids=[_track_id(person.get("idx")) for person in people],
    )


def _track_id(idx: Any) -> int:
    """Return a track id; cluster members (a list, as untracked results have them) are none."""
    if isinstance(idx, str) and idx.isascii() and idx.isdigit():
        idx = int(idx)
    known = isinstance(idx, (int, float)) and math.isfinite(idx) and 0 < idx < 2**63
    return int(idx) if known else 0


def _read_by_picture(
    path: str | Path, hints: ReadHints | None, people_key: Literal["bodies", "people"], key: str
) -> LoadedClip:
    path, hints = Path(path), hints or ReadHints()
    if path.is_dir():
        folder = path / SEPARATE if (path / SEPARATE).is_dir() else path
        files = sorted(files_in(folder, "*.json", deep=True), key=natural_order)
        stems = [file.relative_to(folder).with_suffix("").as_posix() for file in files]
        names = [picture_of_stem(stem) for stem in stems]
        document = {name: load_json(file) for name, file in zip(names, files)}
    else:
        document = load_json(path)
    if not isinstance(document, dict) or not all(
        isinstance(picture, dict) and isinstance(picture.get(people_key), list)
        for picture in document.values()
    ):
        raise ValueError(f"{path} is not an object of pictures with {people_key!r}")
    people: dict[str | int, Poses] = {}
    reader = JointReader(path)
    for name, picture in document.items():
        if not picture[people_key]:
            people[name] = Poses.empty(OPENPOSE_18.joint_count)
            continue
        rows = reader.read([person[key] for person in picture[people_key]], name)
        if rows.shape[1] != OPENPOSE_18.joint_count:
            raise ValueError(f"{path}: {name} has {rows.shape[1]} joints, the form has 18")
        people[name] = poses_from_joints(rows)
    return gather_frames(path, people, OPENPOSE_18, hints, reader.notes)


def read_alphapose_cmu(path: str | Path, hints: ReadHints | None = None) -> LoadedClip:
    """Return a clip in the cmu form, from the file or from its ``sep-json`` folder."""
    return _read_by_picture(path, hints, "bodies", "joints")


def read_alphapose_open(path: str | Path, hints: ReadHints | None = None) -> LoadedClip:
    """Return a clip in the open form, from the file or from its ``sep-json`` folder."""
    return _read_by_picture(path, hints, "people", "pose_keypoints_2d")
