"""One evaluation from files to figures: what the command line's ``evaluate`` calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmpe.datasets.coco import read_coco_set
from rmpe.datasets.coco_document import (
    AnnotationChoices,
    CocoDocument,
    find_id,
    read_coco_document,
)
from rmpe.datasets.crowdpose import read_crowdpose_set
from rmpe.datasets.keypoint_set import KeypointSet, pictures_below
from rmpe.datasets.mpii import read_mpii_set
from rmpe.datasets.posetrack import read_posetrack_set
from rmpe.evaluation.estimate import (
    SetPoses,
    check_shared_joints,
    coco_results,
    estimate_set,
    in_skeleton,
    people_xy,
)
from rmpe.evaluation.mot.scores import evaluate_mot
from rmpe.evaluation.outcomes import (
    Dataset,
    Evaluation,
    lsp_evaluation,
    mot_evaluation,
    mpii_evaluation,
    oks_evaluation,
    posetrack_evaluation,
)
from rmpe.evaluation.pck.lsp import lsp_set, read_lsp_predictions, read_lsp_truth
from rmpe.evaluation.pck.mpii import MpiiTruth, read_mpii_predictions, read_mpii_truth
from rmpe.evaluation.posetrack.scores import (
    PoseTrackScores,
    evaluate_posetrack,
    evaluate_posetrack_folders,
    read_posetrack_folder,
)
from rmpe.formats import ReadHints, read_records
from rmpe.formats.catalogue import detect_format, notes_of
from rmpe.formats.posetrack.document import PoseTrackFrame, PoseTrackPerson
from rmpe.json_files import load_json
from rmpe.records import Poses
from rmpe.skeletons import CROWDPOSE_14, POSETRACK_15, Skeleton

if TYPE_CHECKING:  # their packages load torch, which stored predictions do not need
    from rmpe.detectors.precomputed import PrecomputedBoxes
    from rmpe.estimator import PoseEstimator


def evaluate_predictions(
    dataset: Dataset,
    annotations: str | Path,
    predictions: str | Path,
    *,
    tracking: bool = True,
    held_out: bool = False,
    head_boxes: str | Path | None = None,
    same_people: str | Path | None = None,
    choices: AnnotationChoices | None = None,
) -> Evaluation:
    """Return the scores of stored predictions.

    Args:
        dataset: whose rules to follow.
        annotations: the set's file; for PoseTrack a folder.
        predictions: COCO results or any format of :mod:`rmpe.formats` (COCO, CrowdPose, MOT),
            joints (MPII, LSP), a folder of files named as the annotations (PoseTrack).
        tracking: PoseTrack's tracking figures as well.
        held_out: LSP: only the rows that the annotation names as held out.
        head_boxes: MPII's ``gt_valid.mat``, needed for a ``.json`` split.
        same_people: MOT: file of the true identities that are one person who left and came back.
        choices: COCO: what the annotation does not say, or says otherwise.

    Raises:
        OSError: a file cannot be opened.
        ValueError: a file is malformed, or a library of the extra ``eval`` is missing.
    """
    if dataset == "mot":
        return mot_evaluation(evaluate_mot(annotations, predictions, same_people))
    if dataset == "mpii":
        found = read_mpii_predictions(predictions)
        if Path(annotations).suffix != ".json":
            return mpii_evaluation(read_mpii_truth(annotations), found, ())
        people = read_set(dataset, annotations, None)
        rows = [int(person.annotation_id) for person in people.people]
        if max(rows, default=-1) >= len(found):
            raise ValueError(f"{predictions} has {len(found)} people, {annotations} has more")
        heads = _head_truth(people, head_boxes)
        return mpii_evaluation(heads, found[rows], people.skipped, people)
    if dataset == "lsp":
        joints = read_lsp_truth(annotations, held_out)
        return lsp_evaluation(joints, read_lsp_predictions(predictions), (), lsp_set(joints, ""))
    if dataset == "posetrack":
        return posetrack_evaluation(
            evaluate_posetrack_folders(annotations, predictions, tracking), ()
        )
    document = read_coco_document(annotations, _choices(dataset, choices))
    notes: tuple[str, ...] = ()
    results = _results_of(predictions, document)
    if results is None:
        results, notes = _converted_results(predictions, document)
    return oks_evaluation(dataset, document, results, notes=notes, choices=choices)


def evaluate_images(
    dataset: Dataset,
    annotations: str | Path,
    images: str | Path,
    estimator: PoseEstimator,
    *,
    boxes: PrecomputedBoxes | None = None,
    annotated_boxes: bool = True,
    head_boxes: str | Path | None = None,
    progress_file: str | Path | None = None,
    held_out: bool = False,
    choices: AnnotationChoices | None = None,
) -> Evaluation:
    """Return the scores of an estimator on a set's pictures.

    Args:
        dataset: whose rules to follow; PoseTrack gives AP alone, its tracking figures need
            predictions with identities.
        annotations: the set's file; for PoseTrack a file or a folder.
        images: folder that the set's picture names start from, or an uncompressed ``.tar``.
        estimator: what to score.
        boxes: boxes by picture id, instead of annotated or detected ones.
        annotated_boxes: the annotation's boxes; False runs the detector.
        head_boxes: MPII's ``gt_valid.mat``, needed for a ``.json`` split: it has no head boxes.
        progress_file: see :func:`~rmpe.evaluation.estimate.estimate_set`.
        held_out: LSP: only the rows that the annotation names as held out.
        choices: COCO: what the annotation does not say, or says otherwise.

    Raises:
        OSError: a file cannot be opened.
        ValueError: a file is malformed, network and annotation share few joints, the set needs
            annotated boxes, or a library is missing.
    """
    named, single = None, dataset in ("mpii", "lsp")
    if single and (boxes is not None or not annotated_boxes):
        raise ValueError(f"{dataset} scores one person a box: use the annotation's boxes")
    lsp = read_lsp_truth(annotations, held_out) if dataset == "lsp" else None
    if single:
        # Every person keeps a row: of pictures that are missing all joints count as missed.
        named = lsp_set(lsp, "") if lsp else read_set(dataset, annotations, None)
        keypoint_set = pictures_below(named, images)
    else:
        keypoint_set = read_set(dataset, annotations, images, choices)
    shared = check_shared_joints(keypoint_set.skeleton, estimator.skeleton, "the network")
    if not any(picture.is_there() for picture in keypoint_set.pictures):
        raise ValueError(f"{images} has none of the pictures that {annotations} names")
    heads = _head_truth(keypoint_set, head_boxes) if dataset == "mpii" else None
    poses = estimate_set(
        estimator,
        keypoint_set,
        boxes,
        annotated_boxes,
        Path(progress_file) if progress_file is not None else None,
    )
    skipped = (*keypoint_set.skipped, *poses.skipped)
    if lsp is not None:
        return lsp_evaluation(lsp, people_xy(keypoint_set, poses), skipped, named)
    if heads is not None:
        return mpii_evaluation(heads, people_xy(keypoint_set, poses), skipped, named)
    if dataset == "posetrack":
        return posetrack_evaluation(
            _score_posetrack(annotations, images, keypoint_set, poses), skipped
        )
    document = read_coco_document(annotations, _choices(dataset, choices))
    results = coco_results(poses.by_picture)
    notes = (*keypoint_set.notes, shared)
    return oks_evaluation(dataset, document, results, skipped, notes, choices)


def _choices(dataset: Dataset, choices: AnnotationChoices | None) -> AnnotationChoices:
    """Return how a set's COCO-style file is read; CrowdPose's joints are fixed."""
    if dataset == "crowdpose":
        return AnnotationChoices(CROWDPOSE_14)
    return choices or AnnotationChoices()


def read_set(
    dataset: Dataset,
    annotations: str | Path,
    images: str | Path | None,
    choices: AnnotationChoices | None = None,
) -> KeypointSet:
    """Return the annotation of a set that has a file of people; pictures may be left aside."""
    if dataset == "coco":
        return read_coco_set(annotations, images, choices=choices)
    readers = {
        "crowdpose": read_crowdpose_set,
        "mpii": read_mpii_set,
        "posetrack": read_posetrack_set,
    }
    return readers[dataset](annotations, images)


def _results_of(path: str | Path, document: CocoDocument) -> list[dict[str, Any]] | None:
    """Return a file that holds COCO results in the set's joints as it is, None for any other.

    Picture ids are those of the annotation: whole numbers, but also numbers with a point or words.
    """
    kind = detect_format(path)
    if kind not in ("coco", "alphapose"):
        return None
    results = load_json(path)
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        return None
    known = [find_id(item.get("image_id"), document.images) in document.images for item in results]
    if kind == "alphapose" and not all(known):
        return None
    wanted = 3 * document.skeleton.joint_count
    joints = [result.get("keypoints") for result in results]
    if not all(isinstance(flat, list) and len(flat) == wanted for flat in joints):
        return None
    return results


def _converted_results(
    path: str | Path, document: CocoDocument
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return COCO results of a file in any format or joints, in the set's joints, and notes."""
    names = {
        str(image.get("file_name", identity)): identity
        for identity, image in document.images.items()
    }
    reader = read_records(path, hints=ReadHints(image_names=tuple(names)))
    skeleton = reader.header.skeleton
    note = check_shared_joints(document.skeleton, skeleton, str(path))
    by_picture: dict[int | str, Poses] = {}
    for record in reader:
        identity = names[reader.header.image_name(record.frame_index)]
        by_picture[identity] = in_skeleton(record.poses, skeleton, document.skeleton)
    return coco_results(by_picture), (*notes_of(reader), note)


def _head_truth(keypoint_set: KeypointSet, head_boxes: str | Path | None) -> MpiiTruth:
    """Return the people of a set with their head sizes, from the set or from ``gt_valid.mat``."""
    people = keypoint_set.people
    sizes = np.array([person.head_size for person in people])
    if head_boxes is not None:
        truth = read_mpii_truth(head_boxes)
        rows = [int(person.annotation_id) for person in people]
        if max(rows, default=0) >= len(truth.head_sizes):
            raise ValueError(f"{head_boxes} has {len(truth.head_sizes)} people, the split has more")
        sizes = truth.head_sizes[rows]
    if np.isnan(sizes).any():
        raise ValueError(
            "this annotation has no head boxes, PCKh needs them: give --head-boxes gt_valid.mat"
        )
    return MpiiTruth(
        keypoints_xy=np.array([person.keypoints_xy for person in people], np.float64),
        visible=np.array([person.visibility > 0 for person in people]),
        head_sizes=sizes,
    )


def _score_posetrack(
    annotations: str | Path, images: str | Path, keypoint_set: KeypointSet, poses: SetPoses
) -> PoseTrackScores:
    """Return AP of poses without identities; frames without a picture count as nobody found."""
    truth = read_posetrack_folder(Path(annotations))
    ids = {picture.path: picture.image_id for picture in keypoint_set.pictures}
    predicted: dict[str, list[PoseTrackFrame]] = {}
    for name, frames in truth.items():
        predicted[name] = []
        for frame in frames:
            found = poses.by_picture.get(ids.get(Path(images) / frame.image_name, ""))
            people = _posetrack_people(found, keypoint_set.skeleton) if found is not None else ()
            predicted[name].append(replace(frame, people=people, ignore_polygons=()))
    return evaluate_posetrack(truth, predicted, tracking=False)


def _posetrack_people(poses: Poses, skeleton: Skeleton) -> tuple[PoseTrackPerson, ...]:
    joints = in_skeleton(poses, skeleton, POSETRACK_15)
    return tuple(
        PoseTrackPerson(
            track_id=None,
            points_xy=joints.keypoints_xy[row].astype(np.float64),
            present=joints.keypoint_scores[row] > 0,
            scores=joints.keypoint_scores[row].astype(np.float64),
            head_xyxy=None,
            box_xywh=None,
        )
        for row in range(len(joints))
    )
