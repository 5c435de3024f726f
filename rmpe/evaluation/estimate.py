"""Poses of a keypoint set's pictures by an estimator, and where their boxes come from."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet, Picture
from rmpe.formats.native import people_from_json, people_to_json
from rmpe.records import Boxes, ImageArray, Poses
from rmpe.skeletons import Skeleton, convert_joints

if TYPE_CHECKING:  # their packages load torch, which stored predictions do not need
    from rmpe.detectors.precomputed import PrecomputedBoxes
    from rmpe.estimator import PoseEstimator

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SetPoses:
    """Poses of a set's pictures, in the set's joints."""

    by_picture: Mapping[int, Poses]
    """Poses by picture id; with annotated boxes in the order of the annotation."""
    skipped: Sequence[str] = field(default=())
    """Pictures that could not be read: one line each."""


def estimate_set(
    estimator: PoseEstimator,
    keypoint_set: KeypointSet,
    boxes: PrecomputedBoxes | None = None,
    annotated_boxes: bool = True,
    progress_file: Path | None = None,
) -> SetPoses:
    """Return the poses of every picture of a set.

    Annotated boxes give one pose a person and nothing is suppressed. Boxes of a file and detected
    ones go the estimator's whole way. A picture that cannot be read is skipped and named.

    Args:
        estimator: detector and network.
        keypoint_set: pictures, and people where their boxes are used.
        boxes: boxes by picture id, instead of annotated or detected ones.
        annotated_boxes: use the annotation's boxes; False runs the detector.
        progress_file: results a picture, appended as they come; a run that was interrupted goes on
            from it. The caller gives one file to one set and estimator.

    Raises:
        ValueError: the progress file is of another set.
    """
    done = _read_progress(progress_file, keypoint_set.skeleton.joint_count)
    people = keypoint_set.people_by_picture()
    foreign = set(done) - set(people)
    if foreign:
        raise ValueError(
            f"{progress_file} has results of picture {min(foreign)}, which is not in this set; "
            "give another file"
        )
    skipped = []
    for picture in tqdm(keypoint_set.pictures, "pictures", disable=None, leave=False):
        if picture.image_id in done:
            continue
        try:
            image = picture.load()
        except OSError as error:
            skipped.append(f"picture {picture.image_id}: {error}")
            log.warning("skipped: %s", error)
            continue
        if boxes is None and annotated_boxes:
            poses = estimator.estimate(image, _boxes_of(people[picture.image_id]))
        else:
            found = _found_boxes(estimator, picture, image, boxes)
            poses = estimator.suppress(estimator.estimate(image, found))
        poses = in_skeleton(poses, estimator.skeleton, keypoint_set.skeleton)
        done[picture.image_id] = poses
        if progress_file is not None:
            _append_progress(progress_file, picture.image_id, poses)
    return SetPoses(done, tuple(skipped))


def _boxes_of(people: Sequence[AnnotatedPerson]) -> Boxes:
    if not people:
        return Boxes.empty()
    return Boxes(np.stack([p.box_xyxy for p in people]), np.ones(len(people), np.float32))


def _found_boxes(
    estimator: PoseEstimator, picture: Picture, image: ImageArray, boxes: PrecomputedBoxes | None
) -> Boxes:
    if boxes is None:
        return estimator.detect([image])[0]
    return estimator.limit(boxes.at(picture.image_id), image)


def in_skeleton(poses: Poses, source: Skeleton, target: Skeleton) -> Poses:
    """Return the poses in another skeleton's joints."""
    points, scores = convert_joints(poses.keypoints_xy, poses.keypoint_scores, source, target)
    return Poses(poses.boxes_xyxy, poses.box_scores, points, scores, poses.scores, poses.ids)


def coco_results(by_picture: Mapping[int, Poses]) -> list[dict[str, Any]]:
    """Return poses by picture id as COCO results."""
    results = []
    for image_id, poses in by_picture.items():
        rows = np.concatenate([poses.keypoints_xy, poses.keypoint_scores[..., None]], -1)
        for row, score in zip(rows, poses.scores):
            results.append(
                {
                    "image_id": image_id,
                    "category_id": 1,
                    "keypoints": row.reshape(-1).tolist(),
                    "score": float(score),
                }
            )
    return results


def people_xy(keypoint_set: KeypointSet, poses: SetPoses) -> np.ndarray:
    """Return the joints (N, K, 2) of poses made from annotated boxes, in the set's order.

    People of skipped pictures are NaN: they are near nothing, so they count as missed.
    """
    joints = np.full((len(keypoint_set.people), keypoint_set.skeleton.joint_count, 2), np.nan)
    taken: dict[int, int] = {}
    for row, person in enumerate(keypoint_set.people):
        image_id = person.picture.image_id
        place = taken[image_id] = taken.get(image_id, -1) + 1
        if image_id in poses.by_picture:
            joints[row] = poses.by_picture[image_id].keypoints_xy[place]
    return joints


def _append_progress(path: Path, image_id: int, poses: Poses) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"image_id": image_id, "people": people_to_json(poses)}) + "\n")


def _read_progress(path: Path | None, joint_count: int) -> dict[int, Poses]:
    """Return what an interrupted run left; a torn last line is cut off."""
    if path is None or not path.exists():
        return {}
    done, whole = {}, 0
    with path.open("rb") as file:
        for line in file:
            try:
                item = json.loads(line)
                done[int(item["image_id"])] = people_from_json(item["people"], joint_count)
            except (KeyError, TypeError, ValueError):
                break
            whole += len(line)
    with path.open("r+b") as file:
        file.truncate(whole)
    return done
