"""COCO-style keypoint files: COCO itself, CrowdPose, PoseTrack 2018, and a user's own skeleton.

The skeleton is read from ``categories``; names that sets use for the same joint are made one
(``head`` and ``head_top``, ``l_knee`` and ``left_knee``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from rmpe.datasets.coco_document import AnnotationChoices, CocoAnnotation, read_coco_document
from rmpe.datasets.keypoint_set import (
    HEAD_SHARE,
    AnnotatedPerson,
    KeypointSet,
    Picture,
    present_pictures,
)
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.skeletons import Skeleton


def read_coco_set(
    annotations: Path | str,
    image_folder: Path | str | None = None,
    skeleton: Skeleton | None = None,
    choices: AnnotationChoices | None = None,
) -> KeypointSet:
    """Return the annotation of a COCO-style file.

    Args:
        annotations: JSON with ``images``, ``annotations`` and ``categories``.
        image_folder: folder that ``file_name`` starts from; pictures missing there are skipped.
            None reads the annotation alone.
        skeleton: joints of the file, instead of those that its category names.
        choices: what else the file does not say, or says otherwise.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is no such file, names no joints, or leaves open which category is meant.
    """
    choices = choices or AnnotationChoices()
    if skeleton is not None:
        choices = replace(choices, skeleton=skeleton)
    document = read_coco_document(annotations, choices)
    pictures, missing, notes = present_pictures(document.images, image_folder)
    people, skipped = [], [*document.skipped, *missing]
    for annotation in document.people:
        if annotation.is_crowd or annotation.image_id not in pictures:
            continue
        try:
            person = _person(annotation, pictures)
        except (TypeError, ValueError, IndexError) as error:
            skipped.append(f"{annotation.label} {error}")
            continue
        if person.visibility.any():
            people.append(person)
    return KeypointSet(
        document.skeleton,
        tuple(pictures.values()),
        tuple(people),
        tuple(skipped),
        (*document.notes, *notes),
    )


def _person(annotation: CocoAnnotation, pictures: Mapping[int | str, Picture]) -> AnnotatedPerson:
    x, y, width, height = annotation.box_xywh
    if not (width > 0 and height > 0):
        raise ValueError(f"has the box {x:g}, {y:g}, {width:g}, {height:g}, which has no size")
    joints = annotation.joints
    head = annotation.item.get("bbox_head")
    track_id = annotation.item.get("track_id")
    return AnnotatedPerson(
        picture=pictures[annotation.image_id],
        annotation_id=annotation.annotation_id,
        box_xyxy=box_xywh_to_xyxy(annotation.box_xywh),
        keypoints_xy=joints[:, :2].astype(np.float32),
        visibility=np.clip(joints[:, 2], 0, 2).astype(np.uint8),
        area=annotation.area or width * height,
        head_size=HEAD_SHARE * float(np.hypot(head[2], head[3])) if head else float("nan"),
        track_id=None if track_id is None else int(track_id),
    )
