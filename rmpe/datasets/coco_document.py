"""COCO-style annotation as people's tools write it, read once for training, scores and records.

What official files have and others lack is filled in, or refused in one sentence: any id of
pictures, annotations and the person's category, several categories, missing boxes and areas.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpe.datasets._category import PersonCategory, choose_category, skeleton_of_category
from rmpe.datasets.checks import check_pixels, checked_box, checked_joints
from rmpe.datasets.whole_body import has_whole_body, whole_bodies_note, with_whole_body
from rmpe.json_files import load_json
from rmpe.skeletons import COCO_WHOLEBODY_133, Skeleton

ImageId = int | str


@dataclass(frozen=True)
class AnnotationChoices:
    """What a COCO-style file may not say itself, or says in other words."""

    skeleton: Skeleton | None = None
    """Joints of the people in their order, instead of those that their category names."""
    joints: Mapping[str, str] = field(default_factory=dict)
    """This program's names of joints by the file's own: ``{"lk": "left_knee"}``."""
    category: str | None = None
    """Name or id of the people's category, where several name keypoints."""


@dataclass(frozen=True, eq=False)
class CocoAnnotation:
    """One annotated person of which everything can be counted."""

    label: str
    """What to call the annotation: its id, or its place in the file."""
    annotation_id: ImageId
    """Its id as the file says, or its place where it has none; need not be the only one."""
    image_id: ImageId
    """Picture that it is in, one of :attr:`CocoDocument.images`."""
    joints: NDArray[np.float64]
    """x, y, visibility, (K, 3)."""
    box_xywh: tuple[float, float, float, float]
    """Box in pixels; the joints' extent where the file has none."""
    area: float
    """Segmented area in square pixels, the box's where the file has none."""
    is_crowd: bool
    """Whether it marks a crowd."""
    item: Mapping[str, Any]
    """The annotation as the file has it."""


@dataclass(frozen=True, eq=False)
class CocoDocument:
    """A COCO-style file, its annotations sound and complete."""

    images: Mapping[ImageId, Mapping[str, Any]]
    """Pictures as the file has them, by id, in its order."""
    skeleton: Skeleton
    """Joints of the people."""
    people: tuple[CocoAnnotation, ...]
    """Annotations of the person's category, crowds too."""
    name: str
    """What to call the file in messages."""
    category_ids: frozenset[ImageId]
    """Ids under which results may name the category: the file's own."""
    skipped: tuple[str, ...] = ()
    """Broken annotations and pictures, which are left out: one line each."""
    notes: tuple[str, ...] = ()
    """What was filled in or chosen: one line each."""


def read_coco_document(
    source: str | Path | Mapping[str, Any],
    choices: AnnotationChoices | None = None,
    name: str = "the annotations",
) -> CocoDocument:
    """Return a COCO-style document (a file's, or a given one) without its broken annotations.

    Args:
        source: the document.
        choices: what it does not say, or says otherwise.
        name: what to call a given document in messages.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it has no images or annotations, names no joints, or leaves open which category
            is meant.
    """
    document = load_json(source) if isinstance(source, (str, Path)) else source
    name = str(source) if isinstance(source, (str, Path)) else name
    if not isinstance(document, Mapping) or not all(
        isinstance(document.get(part), Sequence) for part in ("images", "annotations")
    ):
        raise ValueError(f"{name} is not a COCO-style file, it needs images and annotations")
    choices = choices or AnnotationChoices()
    known = choices.skeleton is not None
    chosen, notes = choose_category(document, name, choices.category, known)
    joints = choices.skeleton or skeleton_of_category(chosen.item, name, choices.joints)
    images, skipped = _images(document["images"])
    reader = _AnnotationReader(images, joints)
    people = []
    for place, item in enumerate(document["annotations"]):
        if isinstance(item, Mapping) and not chosen.has(item):
            continue
        try:
            people.append(reader.read(item, place))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            reason = f"has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
            skipped.append(f"{_label(item, place)} {reason}")
    check_pixels([person.joints for person in people], name)
    return CocoDocument(
        images,
        joints,
        tuple(people),
        name,
        frozenset(chosen.ids),
        tuple(skipped),
        (*notes, *reader.notes, *_note_on_nobody(len(people), document, chosen)),
    )


def plain_id(value: Any) -> ImageId | None:
    """Return an id as whole numbers and words compare: 7.0 is 7; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) else None


def find_id(value: Any, known: Mapping[ImageId, Any]) -> ImageId | None:
    """Return the known id that a value means, also where one is a word and the other a number."""
    identity = plain_id(value)
    if identity is None or identity in known:
        return identity
    if isinstance(identity, int):
        return str(identity) if str(identity) in known else None
    number = int(identity) if identity.isascii() and identity.isdigit() else None
    return number if number is not None and number in known else None


def _images(
    items: Sequence[Any],
) -> tuple[dict[ImageId, Mapping[str, Any]], list[str]]:
    images: dict[ImageId, Mapping[str, Any]] = {}
    skipped = []
    for place, item in enumerate(items):
        identity = plain_id(item.get("id")) if isinstance(item, Mapping) else None
        if identity is None:
            got = item.get("id") if isinstance(item, Mapping) else None
            skipped.append(
                f"picture number {place} has the id {got!r}, needed is a whole number or a word"
            )
        elif identity in images:
            skipped.append(f"picture number {place} has the id {identity}, as one before it")
        else:
            images[identity] = item
    return images, skipped


def _note_on_nobody(
    people: int, document: Mapping[str, Any], category: PersonCategory
) -> tuple[str, ...]:
    """Return a line where nobody is annotated, so that no figure means anything."""
    if people:
        return ()
    given = {
        str(item.get("category_id")): None
        for item in document["annotations"]
        if isinstance(item, Mapping) and not category.has(item)
    }
    if not given:
        return ("nobody is annotated",)
    own = ", ".join(map(str, category.ids))
    return (
        f"nobody is annotated: people are of category {own}, annotations of {', '.join(given)}",
    )


def _label(item: Any, place: int) -> str:
    identity = item.get("id") if isinstance(item, Mapping) else None
    return f"annotation {f'number {place}' if identity is None else identity}"


class _AnnotationReader:
    """Reads annotations one by one and counts what it fills in."""

    def __init__(self, images: Mapping[ImageId, Any], skeleton: Skeleton) -> None:
        self._images = images
        self._joint_count = skeleton.joint_count
        self._is_whole = skeleton == COCO_WHOLEBODY_133
        self._without_box = 0
        self._without_area = 0
        self._whole_bodies = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was filled in: one line each."""
        said = []
        if self._without_box:
            said.append(
                f"{self._without_box} people have no box: the extent of their joints is taken"
            )
        if self._without_area:
            said.append(f"{self._without_area} people have an area of 0: their box's is taken")
        if self._whole_bodies and not self._is_whole:
            said.append(whole_bodies_note(self._whole_bodies))
        return tuple(said)

    def read(self, item: Any, place: int) -> CocoAnnotation:
        """Return an annotation; KeyError or ValueError says what is broken."""
        if not isinstance(item, Mapping):
            raise ValueError("is no object")
        is_crowd = bool(item.get("iscrowd"))
        if is_crowd and "keypoints" not in item:
            item = {**item, "keypoints": [0] * (3 * self._joint_count)}
        for key in ("image_id", "keypoints"):
            if key not in item:
                raise KeyError(key)
        if has_whole_body(item):
            self._whole_bodies += 1
            if self._is_whole:
                item = with_whole_body(item)
        image_id = find_id(item["image_id"], self._images)
        if image_id is None or image_id not in self._images:
            raise ValueError(f"names picture {item['image_id']}, which the file does not list")
        joints = checked_joints(item["keypoints"], self._joint_count)
        box, has_box = self._box(item.get("bbox"), joints)
        area = item.get("area")
        if area is None:
            area = box[2] * box[3]
        elif not isinstance(area, Real) or not math.isfinite(area):
            raise ValueError(f"has the area {area!r}")
        elif area <= 0 and (joints[:, 2] > 0).any():
            self._without_area += 1
            area = box[2] * box[3]
        self._without_box += not has_box
        identity = plain_id(item.get("id"))
        return CocoAnnotation(
            label=_label(item, place),
            annotation_id=place if identity is None else identity,
            image_id=image_id,
            joints=joints,
            box_xywh=box,
            area=float(area),
            is_crowd=is_crowd,
            item=item,
        )

    def _box(
        self, box: Any, joints: NDArray[np.float64]
    ) -> tuple[tuple[float, float, float, float], bool]:
        """Return the box, or the annotated joints' extent, and whether the file has one."""
        points = joints[joints[:, 2] > 0, :2]
        # Tools that have no boxes leave them out, or write null, [] or four zeros.
        missing = box is None or (isinstance(box, Sequence) and not any(box))
        if not missing or (box and not len(points)):
            return checked_box(box), True
        if not len(points):
            raise KeyError("bbox")
        low, high = points.min(0), points.max(0)
        if not (high > low).all():
            raise ValueError("has no bbox, and its joints have no extent")
        (x, y), (width, height) = low.tolist(), (high - low).tolist()
        return (x, y, width, height), False
