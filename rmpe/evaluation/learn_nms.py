"""Fitting pose-NMS to files: stored candidates joined with COCO annotations."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from tqdm import tqdm

from rmpe.datasets.coco_document import (
    AnnotationChoices,
    CocoAnnotation,
    CocoDocument,
    ImageId,
    read_coco_document,
)
from rmpe.formats import PoseReader, read_records
from rmpe.formats.pictures import match_pictures, picture_number
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.pose_nms.learn import ValidationFrame, average_precision, learn_parameters
from rmpe.pose_nms.parameters import get_parameters, save_parameters
from rmpe.records import Poses
from rmpe.skeletons import COCO_17, Skeleton, convert_joints

log = logging.getLogger(__name__)


def fit_pose_nms(
    candidates: str | Path,
    annotations: str | Path,
    output: str | Path,
    start: str = "alphapose",
    truth_skeleton: Skeleton = COCO_17,
    held_out_every: int = 4,
) -> list[str]:
    """Fit pose-NMS on files, write the parameters, and return what to tell the user.

    Args:
        candidates: poses that nothing has suppressed, in any format.
        annotations: COCO keypoint annotations of the same pictures.
        output: parameters file to write; ``--nms-parameters`` takes it.
        start: a parameter set's name or file.
        truth_skeleton: joints of the annotations.
        held_out_every: every how many pictures one is kept out of the search to measure the gain
            on; 0 searches on all.

    Raises:
        OSError, ValueError: as :func:`read_nms_frames`, or the set to start from is unknown.
    """
    if held_out_every < 0 or held_out_every == 1:
        raise ValueError(f"got every {held_out_every}th picture held out, allowed is 0, 2 or more")
    first = get_parameters(start)
    frames, skeleton = read_nms_frames(candidates, annotations, truth_skeleton)
    aside = frames[::held_out_every] if held_out_every else []
    fitted = [frame for n, frame in enumerate(frames) if not held_out_every or n % held_out_every]
    with tqdm(desc="parameter sets", unit="set", disable=None) as bar:

        def advance(_: int, best: float) -> None:
            bar.set_postfix(ap=f"{best:.3f}", refresh=False)
            bar.update()

        found = learn_parameters(fitted, skeleton.sigmas, first, advance)
    figures = {
        "pictures_fitted": len(fitted),
        "ap_fitted_start": found.start_average_precision,
        "ap_fitted": found.average_precision,
        "ap_fitted_unsuppressed": average_precision(fitted, skeleton.sigmas, None),
        "sets_tried": found.evaluations,
    }
    if aside:
        figures["pictures_held_out"] = len(aside)
        figures["ap_held_out_start"] = average_precision(aside, skeleton.sigmas, first)
        figures["ap_held_out"] = average_precision(aside, skeleton.sigmas, found.parameters)
    save_parameters(Path(output), found.parameters, {"start": start, **figures})
    lines = [f"{name.replace('_', ' '):>24}  {value:.4g}" for name, value in figures.items()]
    return [*lines, f"parameters -> {output}"]


def read_nms_frames(
    candidates: str | Path, annotations: str | Path, truth_skeleton: Skeleton = COCO_17
) -> tuple[list[ValidationFrame], Skeleton]:
    """Return a validation set, and the skeleton of its candidates.

    Args:
        candidates: poses that nothing has suppressed (``--nms none``), in any format.
        annotations: COCO keypoint annotations of the same pictures.
        truth_skeleton: joints of the annotations.

    Returns:
        One frame for every annotated picture; joints are matched by name, and those that the
        annotations do not know are left out of the scores.

    Raises:
        OSError: a file cannot be opened.
        ValueError: a file is malformed, or the two have no picture in common.
    """
    document = read_coco_document(annotations, AnnotationChoices(truth_skeleton))
    for line in document.skipped:
        log.warning("%s: skipped: %s", annotations, line)
    reader = read_records(candidates)
    skeleton = reader.header.skeleton
    found = _by_picture(reader, document)
    if not found:
        raise ValueError(
            f"{candidates} and {annotations} have no picture in common: the candidates' picture "
            "names must be the annotations' file names or end in their image ids"
        )
    people: dict[ImageId, list[CocoAnnotation]] = {image_id: [] for image_id in document.images}
    for annotation in document.people:
        people[annotation.image_id].append(annotation)
    nobody = Poses.empty(skeleton.joint_count)
    frames = [
        _frame(found.get(image_id, nobody), people[image_id], truth_skeleton, skeleton)
        for image_id in document.images
    ]
    return frames, skeleton


def _by_picture(reader: PoseReader, document: CocoDocument) -> dict[ImageId, Poses]:
    """Return the candidates of annotated pictures: by their names, else by the ids in these."""
    candidates = {reader.header.image_name(one.frame_index): one.poses for one in reader}
    names = [str(image.get("file_name", key)) for key, image in document.images.items()]
    places, _ = match_pictures(tuple(candidates), names)
    ids = tuple(document.images)
    found = {ids[place]: candidates[str(name)] for name, place in places.items()}
    for name, poses in candidates.items():
        number = picture_number(name)
        if name not in places and number is not None and number in document.images:
            found.setdefault(number, poses)
    return found


def _frame(
    candidates: Poses, people: list[CocoAnnotation], truth: Skeleton, skeleton: Skeleton
) -> ValidationFrame:
    """Return one picture's candidates and truth, in the candidates' joints."""
    ignored, flat, areas = [], [], []
    for person in people:
        joints = person.joints.astype(np.float32)
        if person.is_crowd or not (joints[:, 2] > 0).any():
            ignored.append(box_xywh_to_xyxy(person.box_xywh))
            continue
        flat.append(joints)
        areas.append(person.area)
    stacked = np.stack(flat) if flat else np.zeros((0, truth.joint_count, 3), np.float32)
    xy, visible = convert_joints(stacked[..., :2], stacked[..., 2], truth, skeleton)
    annotated = np.isin(skeleton.joints, truth.joints)
    return ValidationFrame(
        candidates=candidates,
        truth_xy=xy,
        truth_visible=(visible > 0) & annotated,
        truth_areas=np.asarray(areas, np.float32),
        ignored_boxes_xyxy=np.asarray(ignored, np.float32).reshape(-1, 4),
    )
