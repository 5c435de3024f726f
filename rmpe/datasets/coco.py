"""COCO-style keypoint files: COCO itself, CrowdPose, PoseTrack 2018, and a user's own skeleton.

The skeleton is read from ``categories``; names that sets use for the same joint are made one
(``head`` and ``head_top``, ``head_bottom`` and ``neck``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rmpe.datasets.keypoint_set import (
    HEAD_SHARE,
    AnnotatedPerson,
    KeypointSet,
    Picture,
    checked_box_xyxy,
    checked_joints,
    present_pictures,
)
from rmpe.json_files import load_json
from rmpe.skeletons import Skeleton, skeleton_from_names

JOINT_ALIASES = {"head": "head_top", "head_bottom": "neck", "upper_neck": "neck"}


def read_coco_set(
    annotations: Path | str,
    image_folder: Path | str | None = None,
    skeleton: Skeleton | None = None,
) -> KeypointSet:
    """Return the annotation of a COCO-style file.

    Args:
        annotations: JSON with ``images``, ``annotations`` and ``categories``.
        image_folder: folder that ``file_name`` starts from; pictures missing there are skipped.
            None reads the annotation alone.
        skeleton: joints of the file, instead of those that its category names.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is no such file, or names no joints.
    """
    document = read_coco_document(annotations)
    category = _keypoint_category(document, annotations) if skeleton is None else None
    joints = skeleton or skeleton_of_category(category or {})
    pictures, skipped = present_pictures(document["images"], image_folder)
    listed = {image.get("id") for image in document["images"] if isinstance(image, dict)}
    people = []
    for place, item in enumerate(document["annotations"]):
        if not isinstance(item, dict):
            skipped.append(f"annotation number {place} is no object")
            continue
        if item.get("iscrowd") or (category and item.get("category_id", 1) != category["id"]):
            continue
        name = f"annotation {item.get('id', f'number {place}')}"
        if item.get("image_id") in listed and item["image_id"] not in pictures:
            continue
        try:
            person = _person(item, pictures, joints)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
            skipped.append(f"{name} {reason}")
            continue
        if person.visibility.any():
            people.append(person)
    return KeypointSet(joints, tuple(pictures.values()), tuple(people), tuple(skipped))


def read_coco_document(path: Path | str) -> dict[str, Any]:
    """Return the JSON of a COCO-style file.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it has no list of images or none of annotations.
    """
    document = load_json(path)
    if not isinstance(document, dict) or not all(
        isinstance(document.get(part), list) for part in ("images", "annotations")
    ):
        raise ValueError(f"{path} is not a COCO-style file, it needs images and annotations")
    return document


def skeleton_of_document(document: Mapping[str, Any], path: Path | str) -> Skeleton:
    """Return the joints that a COCO-style document names.

    Raises ValueError, naming ``path``, if none of its categories does.
    """
    return skeleton_of_category(_keypoint_category(document, path))


def _keypoint_category(document: Mapping[str, Any], path: Path | str) -> Mapping[str, Any]:
    for category in document.get("categories") or ():
        if category.get("keypoints"):
            return dict(category)
    raise ValueError(
        f"{path}: no category names its keypoints; give one the list of its joints' names, "
        'such as "keypoints": ["nose", "left_hand", …]'
    )


def skeleton_of_category(category: Mapping[str, Any]) -> Skeleton:
    """Return the skeleton of a COCO category: ``keypoints``, and ``skeleton`` counted from 1."""
    joints = tuple(_joint_name(joint) for joint in category["keypoints"])
    limbs = tuple(
        (int(first) - 1, int(second) - 1)
        for first, second in category.get("skeleton", ())
        if 1 <= first <= len(joints) and 1 <= second <= len(joints)
    )
    return skeleton_from_names(str(category.get("name", "custom")), joints, limbs)


def _joint_name(name: str) -> str:
    plain = name.strip().lower().replace(" ", "_")
    return JOINT_ALIASES.get(plain, plain)


def _person(
    item: Mapping[str, Any], pictures: Mapping[int, Picture], skeleton: Skeleton
) -> AnnotatedPerson:
    if item["image_id"] not in pictures:
        raise ValueError(f"names picture {item['image_id']}, which the file does not list")
    joints = checked_joints(item["keypoints"], skeleton.joint_count)
    box = checked_box_xyxy(item["bbox"])
    head = item.get("bbox_head")
    track_id = item.get("track_id")
    return AnnotatedPerson(
        picture=pictures[item["image_id"]],
        annotation_id=int(item["id"]),
        box_xyxy=box,
        keypoints_xy=joints[:, :2].astype(np.float32),
        visibility=np.clip(joints[:, 2], 0, 2).astype(np.uint8),
        area=float(item.get("area") or np.prod(box[2:] - box[:2])),
        head_size=HEAD_SHARE * float(np.hypot(head[2], head[3])) if head else float("nan"),
        track_id=None if track_id is None else int(track_id),
    )
