"""MPII Human Pose: the JSON splits that HRNet and mmpose use, and the release's own ``.mat``.

A person is a centre and a scale (height / 200 pixels); the box is the square that the field crops:
15 · scale below the centre, 200 · scale wide. Coordinates of both files count from 1 and are made
to count from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.array_files import load_arrays
from rmpe.datasets.keypoint_set import HEAD_SHARE, AnnotatedPerson, KeypointSet, Picture
from rmpe.json_files import load_json
from rmpe.skeletons import MPII_16

BODY_PIXELS = 200.0
"""MPII's scale is a person's height over this."""
CENTRE_DROP = 15.0
"""Pixels of scale 1 by which public code moves MPII's centre down, so that feet are in the crop."""


def read_mpii_set(annotations: Path | str, image_folder: Path | str | None = None) -> KeypointSet:
    """Return the annotation of a split's ``.json`` or of ``mpii_human_pose_v1_u12_1.mat``.

    Of the ``.mat``, training pictures' people with joints are read, with their head sizes; a
    ``.json`` has no head boxes. Picture ids count the files in order of appearance, annotation ids
    the people in order of the file.

    Args:
        annotations: the file.
        image_folder: folder of the pictures; missing ones are skipped. None does not look for them.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is no such file.
    """
    path = Path(annotations)
    entries = _mat_entries(path) if path.suffix == ".mat" else _json_entries(path)
    folder = Path(image_folder) if image_folder is not None else None
    pictures: dict[str, Picture] = {}
    people, skipped = [], []
    for place, entry in enumerate(entries):
        try:
            name = str(entry["image"])
            picture = pictures.get(name) or Picture(len(pictures), (folder or Path()) / name)
            person = _person(entry, picture, place)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            reason = f"has no {error}" if isinstance(error, KeyError) else str(error)
            skipped.append(f"person {place} {reason}")
            continue
        if folder is not None and name not in pictures and not picture.path.is_file():
            skipped.append(f"person {place}: {picture.path} is missing")
            continue
        pictures[name] = picture
        people.append(person)
    return KeypointSet(MPII_16, tuple(pictures.values()), tuple(people), tuple(skipped))


def _json_entries(path: Path) -> list[Mapping[str, Any]]:
    document = load_json(path)
    if not isinstance(document, list):
        raise ValueError(f"{path} is not a list of people as MPII's JSON splits are")
    return document


def _person(entry: Mapping[str, Any], picture: Picture, place: int) -> AnnotatedPerson:
    joints = np.asarray(entry["joints"], np.float64)
    visible = np.asarray(entry["joints_vis"], np.float64)
    if joints.shape != (16, 2) or visible.shape != (16,):
        raise ValueError(f"has joints {joints.shape}, needed are (16, 2)")
    if not np.isfinite(joints).all():
        raise ValueError("has joints that are not finite")
    scale = float(entry["scale"])
    if not 0 < scale < float("inf"):
        raise ValueError(f"has the scale {scale:g}")
    centre = np.asarray(entry["center"], np.float64).reshape(2) - 1
    if not np.isfinite(centre).all():
        raise ValueError("has a centre that is not finite")
    centre[1] += CENTRE_DROP * scale
    half = BODY_PIXELS * scale / 2
    return AnnotatedPerson(
        picture=picture,
        annotation_id=place,
        box_xyxy=np.concatenate([centre - half, centre + half]).astype(np.float32),
        keypoints_xy=(joints - 1).astype(np.float32),
        visibility=np.where(visible > 0, 2, 0).astype(np.uint8),
        area=(2 * half) ** 2,
        head_size=float(entry.get("head_size", float("nan"))),
    )


def _mat_entries(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the annotated training people of the release as the JSON splits give them."""
    arrays = load_arrays(path, squeeze_me=True, struct_as_record=False)
    if "RELEASE" not in arrays:
        raise ValueError(f"{path} is not the release of MPII, it has no RELEASE")
    release = arrays["RELEASE"]
    if not (hasattr(release, "annolist") and hasattr(release, "img_train")):
        raise ValueError(f"{path} is not the release of MPII, its RELEASE has no annolist")
    for picture, training in zip(np.atleast_1d(release.annolist), np.atleast_1d(release.img_train)):
        if not training:
            continue
        for person in np.atleast_1d(getattr(picture, "annorect", np.zeros(0))):
            points = getattr(getattr(person, "annopoints", None), "point", None)
            if points is not None:
                yield _mat_person(person, np.atleast_1d(points), picture.image.name)


def _mat_person(person: Any, points: NDArray, image: str) -> dict[str, Any]:
    """Return what is there of a person; MATLAB fills missing fields with empty arrays."""
    joints, visible = np.zeros((16, 2)), np.zeros(16)
    for point in points:
        if 0 <= int(point.id) < 16:
            joints[int(point.id)] = point.x, point.y
            visible[int(point.id)] = 1
    entry: dict[str, Any] = {"image": image, "joints": joints, "joints_vis": visible}
    place: Any = getattr(person, "objpos", None)
    if hasattr(place, "x") and hasattr(place, "y"):
        entry["center"] = [place.x, place.y]
    if np.size(getattr(person, "scale", ())) == 1:
        entry["scale"] = person.scale
    corners: list[Any] = [getattr(person, name, ()) for name in ("x1", "y1", "x2", "y2")]
    if all(np.size(corner) == 1 for corner in corners):
        x1, y1, x2, y2 = (float(corner) for corner in corners)
        entry["head_size"] = HEAD_SHARE * float(np.hypot(x2 - x1, y2 - y1))
    return entry
