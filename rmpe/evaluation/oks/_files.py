"""Annotation and results of an OKS evaluation, read and checked before they are counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from rmpe.datasets.checks import check_pixels, checked_joints
from rmpe.datasets.coco_document import (
    AnnotationChoices,
    CocoAnnotation,
    CocoDocument,
    ImageId,
    find_id,
    plain_id,
    read_coco_document,
)
from rmpe.json_files import load_json
from rmpe.skeletons import Skeleton

COCO_PERSON = 1
"""COCO's own number of the category person, under which most tools write results."""


@dataclass(frozen=True, eq=False)
class OksTruth:
    """An annotation as pycocotools counts it rightly: ids from 1, no two the same, one category.

    Every annotation keeps its own names as ``file_id`` and ``file_image_id``.
    """

    document: dict[str, Any]
    """What pycocotools reads."""
    numbers: Mapping[ImageId, int]
    """Number in it of every picture of the file, in the order of the file's ids."""
    category_ids: frozenset[ImageId]
    """Ids under which results may name the people."""
    skipped: tuple[str, ...]
    """Broken annotations, which are left out: one line each."""
    notes: tuple[str, ...] = ()
    """What was filled in or chosen: one line each."""


def read_annotations(
    source: str | Path | Mapping[str, Any] | CocoDocument, skeleton: Skeleton
) -> OksTruth:
    """Return an annotation with new numbers, without its broken entries.

    pycocotools takes an annotation of id 0 for none, counts one of two with the same id, and only
    matches category with category; so none of these ids are handed on.

    Raises:
        OSError: the file cannot be opened.
        ValueError: see :func:`~rmpe.datasets.coco_document.read_coco_document`; or every annotation
            is broken.
    """
    choices = AnnotationChoices(skeleton)
    whole = source if isinstance(source, CocoDocument) else read_coco_document(source, choices)
    if whole.skipped and not whole.people:
        raise ValueError(
            f"{whole.name}: none of its annotations can be counted; {whole.skipped[-1]}"
        )
    ordered = sorted(whole.images, key=lambda key: (isinstance(key, str), key))
    numbers = {identity: number for number, identity in enumerate(ordered, 1)}
    annotations = [
        {
            **person.item,
            "id": number,
            "image_id": numbers[person.image_id],
            "category_id": COCO_PERSON,
            "bbox": list(person.box_xywh),
            "area": person.area,
            "iscrowd": int(person.is_crowd),
            "num_keypoints": _count_of_joints(person),
            "file_id": person.annotation_id,
            "file_image_id": person.image_id,
        }
        for number, person in enumerate(whole.people, 1)
    ]
    images = [{**whole.images[key], "id": number} for key, number in numbers.items()]
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": COCO_PERSON, "name": "person"}],
    }
    uncounted = sum(
        not item["num_keypoints"] and not person.is_crowd and bool((person.joints[:, 2] > 0).any())
        for item, person in zip(annotations, whole.people, strict=True)
    )
    said = f"{uncounted} people have joints and num_keypoints 0: by COCO's rules they do not count"
    notes = (*whole.notes, said) if uncounted else whole.notes
    return OksTruth(document, numbers, whole.category_ids, whole.skipped, notes)


def _count_of_joints(person: CocoAnnotation) -> int:
    """Return what the file counts, and counts itself where it does not: 0 leaves a person out."""
    stated = person.item.get("num_keypoints")
    if isinstance(stated, int) and not isinstance(stated, bool):
        return stated
    return int((person.joints[:, 2] > 0).sum())


def read_predictions(
    source: str | Path | Sequence[Mapping[str, Any]], truth: OksTruth, joint_count: int
) -> tuple[list[Mapping[str, Any]], tuple[str, ...]]:
    """Return COCO results (a file's, or given ones) under the truth's numbers, and notes on them.

    Every result keeps its place in the source as ``place``. Results of other categories than the
    people's are left out; COCO's own number of person is understood where the annotation's is
    another.

    Raises:
        OSError: the file cannot be opened.
        ValueError: a result lacks a key, has another number of joints, no number as its score, or
            names an unknown picture; or all are of other categories.
    """
    items = load_json(source) if isinstance(source, (str, Path)) else source
    name = source if isinstance(source, (str, Path)) else "the predictions"
    if not isinstance(items, Sequence) or isinstance(items, (str, bytes)):
        raise ValueError(f"{name}: not a list of COCO results")
    results: list[Mapping[str, Any]] = []
    joints = []
    for place, item in enumerate(items):
        try:
            image_id = _checked_result(item, truth)
            joints.append(checked_joints(item["keypoints"], joint_count))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: result {place} {error}") from error
        number = truth.numbers[image_id]
        results.append(
            {
                **item,
                "keypoints": joints[-1].ravel().tolist(),
                "image_id": number,
                "category_id": COCO_PERSON,
                "place": place,
            }
        )
    check_pixels(joints, str(name))
    categories = [plain_id(item.get("category_id")) for item in items]
    people = _people_of(set(categories), truth, str(name))
    kept = [result for result, category in zip(results, categories) if category in people]
    left_out = len(results) - len(kept)
    note = f"{left_out} results of other categories than the people's are left out"
    return kept, (note,) if left_out else ()


def _people_of(found: set[ImageId | None], truth: OksTruth, name: str) -> frozenset[ImageId | None]:
    """Return the categories of results that are people; None stands for no category."""
    own = {category for category in found if category is None or _is_own(category, truth)}
    if own or not found:
        return frozenset(own)
    if COCO_PERSON in found or not truth.category_ids:
        return frozenset({COCO_PERSON} if truth.category_ids else found)
    raise ValueError(
        f"{name}: its results are of category {', '.join(map(str, found))}, the annotation's "
        f"people are {', '.join(map(str, truth.category_ids))}"
    )


def _is_own(category: ImageId, truth: OksTruth) -> bool:
    return find_id(category, dict.fromkeys(truth.category_ids)) in truth.category_ids


def _checked_result(item: Any, truth: OksTruth) -> ImageId:
    """Return the picture that a result is for; ``ValueError`` says what is broken."""
    if not isinstance(item, Mapping):
        raise ValueError("is no object")
    missing = {"image_id", "keypoints", "score"} - set(item)
    if missing:
        raise ValueError(f"has no {sorted(missing)[0]}")
    score = item["score"]
    if not isinstance(score, Real) or isinstance(score, bool) or not math.isfinite(score):
        raise ValueError(f"has the score {score!r}, needed is a number")
    image_id = find_id(item["image_id"], truth.numbers)
    if image_id is None or image_id not in truth.numbers:
        raise ValueError(f"is for picture {item['image_id']}, which is not annotated")
    return image_id
