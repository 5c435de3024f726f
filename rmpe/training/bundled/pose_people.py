"""The people that the bundled pose networks learn from: labelled by hand, and by a teacher."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet, Picture
from rmpe.datasets.lspet import read_lspet
from rmpe.skeletons import COCO_17, COCO_19
from rmpe.training.bundled.person_boxes import is_held_out
from rmpe.training.data.people import TrainingPeople
from rmpe.training.data.taught import TaughtPerson

FloatArray = NDArray[np.float32]

LEAST_HEIGHT = 50.0
LEAST_WIDTH = 14.0
"""Pixels of a box from which on a teacher is asked."""
FLICKR_MARGIN = 0.1
"""A Flickr picture is the person and a quarter around: the box leaves this share on each side."""
LEAST_CONFIDENCE = 0.3
"""Calibrated probability from which on a teacher's joint counts as known."""
LEAST_JOINTS = 4
"""Known joints that a person must have."""
SHARES = {
    "lspet": 0.40,
    "street": 0.20,
    "coco128": 0.12,
    "beside": 0.12,
    "flickr": 0.10,
    "clips": 0.06,
}
"""How often the people of each source are drawn; those that are there share the whole."""
FACE = 5
"""COCO's first joints are those of the face, for which LSPET has no human labels."""
LABEL_ARRAYS = {"source", "picture", "box", "joints", "confidence", "to_cells", "maps"}


def everyday_boxes(data: Path | str) -> list[tuple[str, Path, FloatArray]]:
    """Return source, picture and box of every person without joints, none of them held out.

    Raises OSError when a pack is missing.
    """
    folder = Path(data)
    found = []
    flickr = folder / "flickr_people"
    with np.load(flickr / "landmarks.npz") as labels:
        for name, size in zip(labels["file_names"], labels["image_size"], strict=True):
            margin = FLICKR_MARGIN * size
            box = np.concatenate([margin, size - margin]).astype(np.float32)
            found.append(("flickr", flickr / "images.tar" / str(name), box))
    detect = folder / "detect"
    for entry in json.loads((detect / "boxes.json").read_text(encoding="utf-8")):
        if entry["source"] == "empty" or is_held_out(entry["file"]):
            continue
        for box in np.asarray(entry["boxes_xyxy"], np.float32).reshape(-1, 4):
            width, height = box[2:] - box[:2]
            if height >= LEAST_HEIGHT and width >= LEAST_WIDTH:
                found.append((entry["source"], detect / "images.tar" / entry["file"], box))
    return found


def read_taught(labels: Path | str, data: Path | str) -> dict[str, list[AnnotatedPerson]]:
    """Return the people of ``tools/compact/teach_poses.py``'s files by source, in COCO-19 joints.

    Args:
        labels: one file or a folder of them.
        data: folder of the packs, below which the pictures lie.

    Raises:
        OSError: the file is missing, or the folder holds none.
        ValueError: a file is no such file.
    """
    path = Path(labels)
    files = sorted(path.glob("*.npz")) if path.is_dir() else [path]
    if not files:
        raise FileNotFoundError(f"{labels} holds no .npz of teach_poses.py")
    people: dict[str, list[AnnotatedPerson]] = {}
    for file in files:
        for person in _taught_of(file, Path(data)):
            people.setdefault(str(person.picture.image_id).partition(" ")[0], []).append(person)
    return people


def _taught_of(file: Path, data: Path) -> Iterator[TaughtPerson]:
    with np.load(file) as stored:
        missing = LABEL_ARRAYS - set(stored.files)
        if missing:
            raise ValueError(f"{file} lacks {', '.join(sorted(missing))}; see teach_poses.py")
        rows = {name: stored[name] for name in stored.files}
    for row, source in enumerate(rows["source"].tolist()):
        known = np.zeros(COCO_19.joint_count, np.float32)
        known[: COCO_17.joint_count] = rows["confidence"][row] >= LEAST_CONFIDENCE
        if known.sum() < LEAST_JOINTS:
            continue
        joints = np.zeros((COCO_19.joint_count, 2), np.float32)
        joints[: COCO_17.joint_count] = rows["joints"][row]
        box = rows["box"][row]
        name = f"{source} {file.stem} {row}"
        yield TaughtPerson(
            picture=Picture(name, data / str(rows["picture"][row])),
            annotation_id=name,
            box_xyxy=box,
            keypoints_xy=joints,
            visibility=(2 * known).astype(np.uint8),
            area=float(np.prod(box[2:] - box[:2])),
            weights=known,
            maps=rows["maps"][row],
            to_cells=rows["to_cells"][row],
        )


def with_maps(
    people: Sequence[AnnotatedPerson], taught: Sequence[AnnotatedPerson]
) -> list[AnnotatedPerson]:
    """Return labelled athletes, those with a teacher's maps of the same picture with both.

    The human joints keep their weights; the face, which nobody labelled, is the teacher's.
    """
    maps = {person.picture.path: person for person in taught}
    return [_with_maps(person, maps.get(person.picture.path)) for person in people]


def _with_maps(person: AnnotatedPerson, taught: AnnotatedPerson | None) -> AnnotatedPerson:
    if not isinstance(taught, TaughtPerson):
        return person
    points, weights = person.keypoints_xy.copy(), person.joint_weights.copy()
    labelled = person.joint_weights.copy()
    labelled[:FACE] = 0
    points[:FACE], weights[:FACE] = taught.keypoints_xy[:FACE], taught.joint_weights[:FACE]
    return replace(
        taught,
        picture=person.picture,
        annotation_id=person.annotation_id,
        keypoints_xy=points,
        visibility=(2 * (weights > 0)).astype(np.uint8),
        weights=weights,
        torso=person.torso,
        labelled=labelled,
    )


def read_pose_people(data: Path | str, labels: Path | str | None) -> TrainingPeople:
    """Return the training people in their shares, and the LSPET pack's people to score on.

    Args:
        data: folder of the packs ``lspet``, ``flickr_people`` and ``detect``.
        labels: what a teacher says, a file or a folder; None trains on LSPET's joints alone.

    Raises:
        OSError: a pack or the labels are missing.
        ValueError: the labels are none.
    """
    pack = Path(data) / "lspet"
    people = {"lspet": list(read_lspet(pack, "train").people)}
    if labels is not None:
        taught = read_taught(labels, data)
        people["lspet"] = with_maps(people["lspet"], taught.pop("lspet", []))
        people |= taught
    drawn = in_shares(people, SHARES)
    pictures = {person.picture.image_id: person.picture for person in drawn}
    train = KeypointSet(COCO_19, tuple(pictures.values()), tuple(drawn), ())
    return TrainingPeople(train, read_lspet(pack, "validation"))


def in_shares(
    people: dict[str, list[AnnotatedPerson]], shares: dict[str, float]
) -> list[AnnotatedPerson]:
    """Return the people, those of each source repeated until the shares hold.

    The source with the most people for its share comes once.
    """
    passes = max(len(group) / shares[source] for source, group in people.items())
    drawn: list[AnnotatedPerson] = []
    for source, group in people.items():
        drawn += _repeated(group, round(passes * shares[source]))
    return [replace(person, annotation_id=place) for place, person in enumerate(drawn)]


def _repeated(group: Sequence[AnnotatedPerson], count: int) -> list[AnnotatedPerson]:
    return [group[place % len(group)] for place in range(count)]
