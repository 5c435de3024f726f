"""Poses of a keypoint set's pictures by an estimator, and where their boxes come from."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet, Picture
from rmpe.formats.native_lines import people_from_json, people_to_json
from rmpe.records import Boxes, ImageArray, Poses
from rmpe.skeletons import Skeleton, convert_joints, joints_given

if TYPE_CHECKING:  # their packages load torch, which stored predictions do not need
    from rmpe.detectors.precomputed import PrecomputedBoxes
    from rmpe.estimator import PoseEstimator

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SetPoses:
    """Poses of a set's pictures, in the set's joints."""

    by_picture: Mapping[int | str, Poses]
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
            from it.

    Raises:
        ValueError: the progress file is of another network, set, or way to find boxes.
    """
    run = run_digests(estimator, keypoint_set, boxes, annotated_boxes)
    done = _read_progress(progress_file, keypoint_set.skeleton.joint_count, run)
    people = keypoint_set.people_by_picture()
    foreign = set(done) - set(people)
    if foreign:
        raise ValueError(
            f"{progress_file} has results of picture {min(foreign, key=str)}, which is not in this "
            "set; give another file"
        )
    found_in = (
        None
        if boxes is None
        else boxes.of_pictures(
            {picture.image_id: picture.path.as_posix() for picture in keypoint_set.pictures}
        )
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
            found = _found_boxes(estimator, picture, image, found_in)
            poses = estimator.suppress(estimator.estimate(image, found))
        poses = in_skeleton(poses, estimator.skeleton, keypoint_set.skeleton)
        done[picture.image_id] = poses
        if progress_file is not None:
            _append_progress(progress_file, picture.image_id, poses, run)
    return SetPoses(done, tuple(skipped))


def _boxes_of(people: Sequence[AnnotatedPerson]) -> Boxes:
    if not people:
        return Boxes.empty()
    return Boxes(np.stack([p.box_xyxy for p in people]), np.ones(len(people), np.float32))


def _found_boxes(
    estimator: PoseEstimator,
    picture: Picture,
    image: ImageArray,
    boxes: Mapping[int | str, Boxes] | None,
) -> Boxes:
    if boxes is None:
        return estimator.detect([image])[0]
    return estimator.limit(boxes.get(picture.image_id, Boxes.empty()), image)


def run_digests(
    estimator: PoseEstimator,
    keypoint_set: KeypointSet,
    boxes: PrecomputedBoxes | None,
    annotated_boxes: bool,
) -> dict[str, str]:
    """Return what results depend on, in eight digits each: a run goes on only with the same."""
    kind = "annotated" if annotated_boxes else "detected"
    people = [
        (str(person.picture.path), person.box_xyxy.tolist(), person.keypoints_xy.tolist())
        for person in keypoint_set.people
    ]
    pictures = [(picture.image_id, str(picture.path)) for picture in keypoint_set.pictures]
    parts = {
        # An estimator of tests may have neither of the two.
        "network": getattr(estimator, "engine", type(estimator).__name__),
        "options": (repr(getattr(estimator, "options", "")), kind),
        "boxes": None if boxes is None else boxes.digest,
        "annotations": (keypoint_set.skeleton.joints, pictures, people),
    }
    return {
        name: hashlib.sha256(repr(value).encode()).hexdigest()[:8] for name, value in parts.items()
    }


def check_shared_joints(annotated: Skeleton, found: Skeleton, who: str) -> str:
    """Return one line on the annotated joints that ``who`` does not give; "" if it gives all.

    Raises:
        ValueError: it gives less than half of them.
    """
    missing = [
        joint for joint, given in zip(annotated.joints, joints_given(found, annotated)) if not given
    ]
    if 2 * len(missing) > annotated.joint_count:
        raise ValueError(
            f"{who} gives {annotated.joint_count - len(missing)} of the {annotated.joint_count} "
            f"annotated joints by name; not {', '.join(missing[:4])}"
            f"{', …' if len(missing) > 4 else ''}: name the annotation's --skeleton, or map names "
            "with --joints"
        )
    if not missing:
        return ""
    return f"{who} does not give {', '.join(missing)}: these joints count as missed"


def in_skeleton(poses: Poses, source: Skeleton, target: Skeleton) -> Poses:
    """Return the poses in another skeleton's joints."""
    points, scores = convert_joints(poses.keypoints_xy, poses.keypoint_scores, source, target)
    return Poses(poses.boxes_xyxy, poses.box_scores, points, scores, poses.scores, poses.ids)


def coco_results(by_picture: Mapping[int | str, Poses]) -> list[dict[str, Any]]:
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
    taken: dict[int | str, int] = {}
    for row, person in enumerate(keypoint_set.people):
        image_id = person.picture.image_id
        place = taken[image_id] = taken.get(image_id, -1) + 1
        if image_id in poses.by_picture:
            joints[row] = poses.by_picture[image_id].keypoints_xy[place]
    return joints


def _append_progress(path: Path, image_id: int | str, poses: Poses, run: Mapping[str, str]) -> None:
    item = {"image_id": image_id, "people": people_to_json(poses), "run": run}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(item) + "\n")


def _read_progress(
    path: Path | None, joint_count: int, run: Mapping[str, str]
) -> dict[int | str, Poses]:
    """Return what an interrupted run left; a torn last line is cut off.

    Raises:
        ValueError: the lines are of another run, or of no run at all.
    """
    if path is None or not path.exists():
        return {}
    done: dict[int | str, Poses] = {}
    whole = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break
            try:
                item = json.loads(line)
                image_id, people, made = item["image_id"], item["people"], item["run"]
                differing = [name for name in run if made[name] != run[name]]
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}, line {number}: no results of an evaluation; give another file"
                ) from error
            if differing:
                raise ValueError(
                    f"{path} has results of another run: {', '.join(differing)} differ; give "
                    "another file"
                )
            done[image_id] = people_from_json(people, joint_count)
            whole += len(line)
    with path.open("r+b") as file:
        file.truncate(whole)
    return done
