"""Annotation and results of an OKS evaluation, read and checked before they are counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from rmpe.datasets.keypoint_set import checked_box, checked_joints
from rmpe.json_files import load_json


@dataclass(frozen=True, eq=False)
class OksTruth:
    """A COCO-style document of which everything can be counted."""

    document: dict[str, Any]
    """A copy, its annotations sound and complete."""
    skipped: tuple[str, ...]
    """Broken annotations, which are left out: one line each."""


def read_annotations(source: str | Path | Mapping[str, Any], joint_count: int) -> OksTruth:
    """Return a COCO-style document (a file's, or a given one) without its broken annotations.

    What official files have and others may lack is filled in: ``iscrowd`` 0, the box's area, the
    number of joints, the joints of a crowd, the category 1. Annotations of a category that names no
    keypoints and has none are left aside.

    Args:
        source: the document.
        joint_count: joints of its people.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the document has no images or annotations, an image has no id, or every
            annotation is broken.
    """
    document = load_json(source) if isinstance(source, (str, Path)) else source
    name = source if isinstance(source, (str, Path)) else "the annotations"
    if not isinstance(document, Mapping) or not {"images", "annotations"} <= set(document):
        raise ValueError(f"{name}: not a COCO-style file, it needs images and annotations")
    for place, image in enumerate(document["images"]):
        if not isinstance(image, Mapping) or image.get("id") is None:
            raise ValueError(f"{name}: picture number {place} has no id")
    categories = document.get("categories") or [{"id": 1, "name": "person"}]
    plain = {c["id"] for c in categories if not c.get("keypoints")} - {1}
    pictures = {image["id"] for image in document["images"]}
    sound, skipped = [], []
    for place, item in enumerate(document["annotations"]):
        if (
            isinstance(item, Mapping)
            and item.get("category_id") in plain
            and ("keypoints" not in item)
        ):
            continue
        try:
            sound.append(_sound_annotation(item, pictures, joint_count))
        except (KeyError, ValueError) as error:
            label = item.get("id") if isinstance(item, Mapping) else None
            reason = f"has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
            skipped.append(f"annotation {f'number {place}' if label is None else label} {reason}")
    if skipped and not sound:
        raise ValueError(f"{name}: none of its annotations can be counted; {skipped[0]}")
    whole = {**document, "annotations": sound, "categories": categories}
    return OksTruth(whole, tuple(skipped))


def _sound_annotation(item: Any, pictures: set[Any], joint_count: int) -> dict[str, Any]:
    """Return an annotation with all that is counted; KeyError or ValueError says what is broken."""
    if not isinstance(item, Mapping):
        raise ValueError("is no object")
    if item.get("iscrowd") and "keypoints" not in item:
        item = {**item, "keypoints": [0] * (3 * joint_count)}
    for key in ("id", "image_id", "keypoints", "bbox"):
        if key not in item:
            raise KeyError(key)
    if item["image_id"] not in pictures:
        raise ValueError(f"names picture {item['image_id']}, which the file does not list")
    joints = checked_joints(item["keypoints"], joint_count)
    _, _, width, height = checked_box(item["bbox"])
    area = item.get("area")
    if area is None:
        area = width * height
    elif not _is_finite(area):
        raise ValueError(f"has the area {area!r}")
    defaults = {"iscrowd": 0, "category_id": 1, "num_keypoints": int((joints[:, 2] > 0).sum())}
    return {**defaults, **item, "area": area}


def read_predictions(
    source: str | Path | Sequence[Mapping[str, Any]], truth: Mapping[str, Any], joint_count: int
) -> list[Mapping[str, Any]]:
    """Return COCO results (a file's, or given ones), checked against the annotations.

    Raises:
        OSError: the file cannot be opened.
        ValueError: a result lacks a key, has another number of joints, no number as its score, or
            names an unknown picture.
    """
    items = load_json(source) if isinstance(source, (str, Path)) else source
    name = source if isinstance(source, (str, Path)) else "the predictions"
    if not isinstance(items, Sequence) or isinstance(items, (str, bytes)):
        raise ValueError(f"{name}: not a list of COCO results")
    known = {image["id"] for image in truth["images"]}
    for place, item in enumerate(items):
        try:
            _check_result(item, known, joint_count)
        except ValueError as error:
            raise ValueError(f"{name}: result {place} {error}") from error
    return [{"category_id": 1, **item} for item in items]


def _check_result(item: Any, known: set[Any], joint_count: int) -> None:
    if not isinstance(item, Mapping):
        raise ValueError("is no object")
    missing = {"image_id", "keypoints", "score"} - set(item)
    if missing:
        raise ValueError(f"has no {sorted(missing)[0]}")
    checked_joints(item["keypoints"], joint_count)
    if not _is_finite(item["score"]):
        raise ValueError(f"has the score {item['score']!r}, needed is a number")
    if item["image_id"] not in known:
        raise ValueError(f"is for picture {item['image_id']}, which is not annotated")


def _is_finite(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(value)
