"""OpenPose's output folder: one JSON file a frame, BODY_25 (its default) or COCO's 18 joints.

``<name>_<frame, 12 digits>_keypoints.json`` of a video, ``<picture>_keypoints.json`` of a picture;
version 1.3, numbers of six significant digits; a joint that was not found is 0 0 0. Face (70
points: the usual 68 and the pupils) and hands (21 points each) are written and read where there are
any. ``person_id`` carries the track id, -1 where there is none. Boxes and pose scores are not kept.
A frame without people is a file with ``people: []``.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpe.formats._loaded import (
    JointReader,
    LoadedClip,
    flatten_joints,
    gather_frames,
    poses_from_joints,
)
from rmpe.formats.clip import ClipHeader, ReadHints, check_joint_count
from rmpe.formats.outputs import shortened
from rmpe.formats.pictures import are_close, natural_order, picture_of_stem, unique_stems
from rmpe.json_files import files_in, load_json
from rmpe.records import Poses
from rmpe.skeletons import (
    BODY_25,
    OPENPOSE_18,
    OPENPOSE_PARTS,
    Skeleton,
    convert_joints,
    with_openpose_parts,
)

VERSION = 1.3
SUFFIX = "_keypoints.json"
_FRAME_FILE = re.compile(r"(?P<clip>.*?)_?(?P<number>[0-9]+)")
_VIDEO_DIGITS = 12
"""Digits of a frame's number in the names of OpenPose's files."""
_PART_KEYS = {part: f"{part}_keypoints_2d" for part in OPENPOSE_PARTS}
_EMPTY_3D: dict[str, list[float]] = {
    f"{part}_keypoints_3d": [] for part in ("pose", "face", "hand_left", "hand_right")
}
_ROOM = len("_") + _VIDEO_DIGITS + len(SUFFIX)
"""Bytes of a file's name beside that of its clip."""


class OpenPoseWriter:
    """Writes the folder ``path``: BODY_25 joints, face and hands of skeletons with them."""

    body: Skeleton = BODY_25

    def __init__(self, path: str | Path, header: ClipHeader) -> None:
        self._header = header
        self._folder = Path(path)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._name = shortened(Path(header.source).stem or "frame", _ROOM)
        self._stems = unique_stems(header.image_names, SUFFIX)
        self._parts = {
            part: Skeleton(part, joints, (), (1.0,) * len(joints))
            for part, joints in OPENPOSE_PARTS.items()
            if set(joints) & set(header.skeleton.joints)
        }

    def write(self, frame_index: int, timestamp_s: float, poses: Poses) -> None:
        """Write the file of one frame."""
        check_joint_count(poses, self._header.skeleton, frame_index)
        body = self._rows(poses, self.body)
        parts = {part: self._rows(poses, joints) for part, joints in self._parts.items()}
        people = [
            person_to_json(
                body[row].tolist(),
                int(identity),
                {part: rows[row].tolist() for part, rows in parts.items()},
            )
            for row, identity in enumerate(poses.ids)
        ]
        text = json.dumps(
            {"version": VERSION, "people": people}, allow_nan=False, separators=(",", ":")
        )
        stem = (
            self._stems[frame_index]
            if self._stems
            else f"{self._name}_{frame_index:0{_VIDEO_DIGITS}d}"
        )
        file = self._folder / f"{stem}{SUFFIX}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def _rows(self, poses: Poses, target: Skeleton) -> NDArray[np.float32]:
        """Return flat joints of a part (N, 3K); those that were not found are 0 0 0."""
        points, scores = convert_joints(
            poses.keypoints_xy, poses.keypoint_scores, self._header.skeleton, target
        )
        return flatten_joints(np.where(scores[..., None] > 0, points, 0), scores)

    def close(self, complete: bool = True) -> None:
        """Do nothing: every frame is a file of its own."""


class OpenPose18Writer(OpenPoseWriter):
    """Writes the folder ``path``, COCO's 18 joints."""

    body = OPENPOSE_18


def person_to_json(
    joints: list[float], identity: int, parts: Mapping[str, list[float]] | None = None
) -> dict[str, Any]:
    """Return one person's object: flat joints in six significant digits, missing parts empty.

    Args:
        joints: x, y, score of the body's joints in turn.
        identity: track id; 0 becomes -1.
        parts: the same of ``face``, ``hand_left`` and ``hand_right``.
    """
    given = {"pose": joints, **(parts or {})}
    return {
        "person_id": [identity if identity > 0 else -1],
        **{
            f"{part}_keypoints_2d": [float(f"{value:.6g}") for value in given.get(part, ())]
            for part in ("pose", *OPENPOSE_PARTS)
        },
        **_EMPTY_3D,
    }


def read_openpose(path: str | Path, hints: ReadHints | None = None) -> LoadedClip:
    """Return the clip of a folder; 75 numbers a person are BODY_25, 54 are COCO's 18.

    Where anybody has a face or a hand, the skeleton has them all. ``pose_keypoints``, as versions
    before 1.2 call the joints, is read too. The number in a file's name is its frame; frames
    between them without a file are without people.

    Raises:
        ValueError: the folder has no such file, files of another or several joint counts, or those
            of several clips.
    """
    folder, hints = Path(path), hints or ReadHints()
    files = sorted(files_in(folder, f"*{SUFFIX}", deep=True), key=natural_order)
    by_stem = {file.relative_to(folder).as_posix().removesuffix(SUFFIX): file for file in files}
    by_stem = {stem: file for stem, file in by_stem.items() if stem.startswith(hints.series)}
    if not by_stem:
        begins = f" whose name begins with {hints.series}" if hints.series else ""
        raise ValueError(f"{folder} has no file named *{SUFFIX}{begins}")
    is_video = _is_one_video(tuple(by_stem), folder)
    people = {}
    for stem, file in by_stem.items():
        number = int(stem[-_VIDEO_DIGITS:]) if is_video and not hints.image_names else None
        key = picture_of_stem(stem) if number is None else f"{number}.jpg"
        people[key] = _people_of(file)
    reader = JointReader(folder)
    rows = {key: [_flat_parts(person, key, folder) for person in p] for key, p in people.items()}
    skeleton = _skeleton_of(rows, folder)
    first_id = _first_id(people)
    poses: dict[str | int, Poses] = {
        key: poses_from_joints(
            reader.read([_in_one_row(row, skeleton) for row in people_rows], key),
            ids=[_id(person, first_id) for person in people[key]],
        )
        if people_rows
        else Poses.empty(skeleton.joint_count)
        for key, people_rows in rows.items()
    }
    notes = () if hints.image_names else _note_on_single_frames(tuple(by_stem))
    if first_id == 0:
        notes = (*notes, "person_id counts from 0: identities are one more here")
    return gather_frames(folder, poses, skeleton, hints, (*reader.notes, *notes))


def _is_one_video(stems: tuple[str, ...], folder: Path) -> bool:
    """Return whether files are a video's frames by OpenPose's own naming; refuse several clips.

    Twelve digits that count from 0 are a video's; catalogue numbers have them too.
    """
    numbers: dict[str, set[int]] = defaultdict(set)
    matches = [match for stem in stems if (match := _FRAME_FILE.fullmatch(stem))]
    for match in matches:
        numbers[match["clip"]].add(int(match["number"]))
    is_video = {match["clip"]: len(match["number"]) == _VIDEO_DIGITS for match in matches}
    clips = [clip for clip, found in numbers.items() if len(found) > 1 and are_close(found)]
    for place, clip in enumerate(clips):
        for other in clips[:place]:
            # Pictures may be called alike in several folders; a video's frames may not.
            together = PurePosixPath(clip).parent == PurePosixPath(other).parent
            if numbers[clip] & numbers[other] and (together or is_video[clip]):
                raise ValueError(
                    f"{folder} holds several clips, {other or 'names without a beginning'} and "
                    f"{clip}: say which with --series {clip}"
                )
    found = next(iter(numbers.values()), set())
    return (
        len(matches) == len(stems)
        and len(numbers) == 1
        and all(is_video.values())
        and (are_close(found) or 0 in found)
    )


def _note_on_single_frames(stems: tuple[str, ...]) -> tuple[str, ...]:
    """Return a line on files of one frame number, which may be of several cameras."""
    matches = [match for stem in stems if (match := _FRAME_FILE.fullmatch(stem))]
    numbers = {(str(PurePosixPath(m["clip"]).parent), m["number"]) for m in matches}
    is_video = all(len(match["number"]) == _VIDEO_DIGITS for match in matches)
    if len(stems) < 2 or len(matches) < len(stems) or len(numbers) > 1 or not is_video:
        return ()
    return (
        f"{stems[0]} and {stems[1]} are taken as pictures, not as frames of several cameras; of "
        f"these say which with --series {matches[0]['clip']}",
    )


def _people_of(file: Path) -> list[dict[str, Any]]:
    document = load_json(file)
    people = document.get("people") if isinstance(document, dict) else None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise ValueError(f"{file} is no file of OpenPose's: it has no list of people")
    return people


def _flat_parts(person: Mapping[str, Any], key: object, folder: Path) -> dict[str, list[Any]]:
    """Return the flat joints of a person's parts that are there."""
    parts = {}
    for part in ("pose", *OPENPOSE_PARTS):
        flat = person.get(f"{part}_keypoints_2d", person.get(f"{part}_keypoints"))
        if part == "pose" and flat is None:
            raise ValueError(f"{folder}, {key}: a person has no pose_keypoints_2d")
        if flat:
            parts[part] = flat
    if not parts and any(person.get(key) for key in _EMPTY_3D):
        raise ValueError(
            f"{folder}, {key}: a person has joints in three dimensions alone; needed are those in "
            "the picture, pose_keypoints_2d"
        )
    for part, joints in OPENPOSE_PARTS.items():
        if part in parts and len(parts[part]) != 3 * len(joints):
            raise ValueError(
                f"{folder}, {key}: {_PART_KEYS[part]} has {len(parts[part])} numbers, needed are "
                f"{3 * len(joints)}"
            )
    return parts


def _skeleton_of(rows: Mapping[str, list[dict[str, list[Any]]]], folder: Path) -> Skeleton:
    everyone = [person for people in rows.values() for person in people]
    counts = {len(person["pose"]) for person in everyone if "pose" in person}
    by_count = {75: BODY_25, 54: OPENPOSE_18}
    if len(counts) > 1 or not counts <= set(by_count):
        found = sorted(count // 3 for count in counts)
        raise ValueError(f"{folder} has people of {found} joints, supported are 25 or 18")
    body = by_count[counts.pop()] if counts else BODY_25
    has_parts = any(set(person) - {"pose"} for person in everyone)
    return with_openpose_parts(body) if has_parts else body


def _in_one_row(parts: Mapping[str, list[Any]], skeleton: Skeleton) -> list[Any]:
    """Return body, face and hands of a person in turn, 0 0 0 for what is missing."""
    counts = {part: len(joints) for part, joints in OPENPOSE_PARTS.items()}
    body = skeleton.joint_count
    if body > BODY_25.joint_count:
        body -= sum(counts.values())
        counts = {"pose": body, **counts}
    else:
        counts = {"pose": body}
    row: list[Any] = []
    for part, count in counts.items():
        row += parts.get(part) or [0] * (3 * count)
    return row


def _first_id(people: Mapping[str, list[dict[str, Any]]]) -> int:
    """Return the lowest id that is given: OpenPose counts from 0, this program from 1."""
    found = [_raw_id(person) for persons in people.values() for person in persons]
    return min((identity for identity in found if identity >= 0), default=1)


def _id(person: Mapping[str, Any], first: int) -> int:
    identity = _raw_id(person)
    if identity < 0:
        return 0
    return identity + 1 if first == 0 else identity


def _raw_id(person: Mapping[str, Any]) -> int:
    ids = person.get("person_id")
    identity = ids[0] if isinstance(ids, list) and ids else ids
    if isinstance(identity, int | float) and abs(identity) < 2**62:
        return int(identity)
    return -1
