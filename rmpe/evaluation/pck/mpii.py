"""MPII's PCKh: the share of joints within half a head (http://human-pose.mpi-inf.mpg.de).

Facts of the evaluation that HRNet and MSPN share: a head is 0.6 of its box's diagonal; right means
error ≤ 0.5 heads; the mean is over all visible joints but pelvis and thorax; "Mean@0.1" is taken at
0.11 heads, an off-by-one in that code which every published value has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.datasets.array_files import load_arrays
from rmpe.datasets.keypoint_set import HEAD_SHARE
from rmpe.evaluation.pck.scores import JointErrors, PckScores, pck_scores, relative_errors
from rmpe.json_files import load_numbers
from rmpe.skeletons import MPII_16

FloatArray = NDArray[np.float64]

THRESHOLD = 0.5
"""Of the head's size: PCKh@0.5."""
STRICT_THRESHOLD = 0.11
"""What HRNet's code prints as Mean@0.1."""
NOT_IN_MEAN = ("pelvis", "thorax")
_GROUPS = {
    "Head": ("head_top",),
    **{
        joint.capitalize(): (f"left_{joint}", f"right_{joint}")
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    },
}


@dataclass(frozen=True, eq=False)
class MpiiTruth:
    """Annotation of single people."""

    keypoints_xy: FloatArray
    """Joints in pixels from 0, (N, 16, 2)."""
    visible: NDArray[np.bool_]
    """Which joints are annotated, (N, 16)."""
    head_sizes: FloatArray
    """0.6 of the head box's diagonal in pixels, (N,)."""


def mpii_truth(
    pos_gt_src: ArrayLike, jnt_missing: ArrayLike, headboxes_src: ArrayLike
) -> MpiiTruth:
    """Return the annotation from the arrays of the public ``gt_valid.mat``.

    Args:
        pos_gt_src: joints counted from 1, (16, 2, N).
        jnt_missing: 1 where a joint is not annotated, (16, N).
        headboxes_src: corners of the head box, (2, 2, N).
    """
    boxes = np.asarray(headboxes_src, np.float64)
    return MpiiTruth(
        keypoints_xy=np.asarray(pos_gt_src, np.float64).transpose(2, 0, 1) - 1,
        visible=np.asarray(jnt_missing).T == 0,
        head_sizes=HEAD_SHARE * np.linalg.norm(boxes[1] - boxes[0], axis=0),
    )


def read_mpii_truth(path: str | Path) -> MpiiTruth:
    """Return the annotation of a ``.mat`` or ``.npz`` file with the public arrays.

    Raises:
        OSError: the file cannot be opened.
        ValueError: an array is missing.
    """
    arrays = load_arrays(Path(path))
    names = ("pos_gt_src", "jnt_missing", "headboxes_src")
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"{path} has no array {missing[0]}; needed are {', '.join(names)}")
    return mpii_truth(*(arrays[name] for name in names))


def read_mpii_predictions(path: str | Path) -> FloatArray:
    """Return predicted joints (N, 16, 2) counted from 0, in the order of the annotation.

    Read are ``.mat`` (array ``preds`` counted from 1, as HRNet writes it), ``.npz`` (``preds``),
    ``.npy`` and ``.json`` (a list), the last three counted from 0. A third value (a score) is
    passed over.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the array is missing or has another shape.
    """
    path = Path(path)
    if path.suffix == ".json":
        values = load_numbers(path)
    elif path.suffix == ".npy":
        values = np.load(path, allow_pickle=False)
    else:
        arrays = load_arrays(path)
        if "preds" not in arrays:
            raise ValueError(f"{path} has no array preds")
        values = arrays["preds"] - (1 if path.suffix == ".mat" else 0)
    if values.ndim != 3 or values.shape[1] != MPII_16.joint_count or values.shape[2] not in (2, 3):
        raise ValueError(f"{path} has joints of shape {values.shape}, needed is (N, 16, 2)")
    return np.asarray(values[..., :2], np.float64)


def evaluate_mpii(truth: MpiiTruth, predicted_xy: ArrayLike) -> dict[str, float]:
    """Return PCKh in per cent: Head, Shoulder … Ankle, Mean and Mean@0.1.

    A group is the plain mean of left and right, the means weigh every visible joint alike.

    Args:
        truth: the annotation of N people.
        predicted_xy: joints in pixels from 0, (N, 16, 2).

    Raises:
        ValueError: the predictions are for another number of people.
    """
    predicted = np.asarray(predicted_xy, np.float64)
    if predicted.shape != truth.keypoints_xy.shape:
        raise ValueError(
            f"got predictions of shape {predicted.shape}, the annotation needs "
            f"{truth.keypoints_xy.shape}"
        )
    averaged = tuple(joint for joint in MPII_16.joints if joint not in NOT_IN_MEAN)
    loose, strict = (
        pck_scores(
            predicted,
            truth.keypoints_xy,
            truth.visible,
            truth.head_sizes,
            MPII_16,
            threshold,
            averaged,
        )
        for threshold in (THRESHOLD, STRICT_THRESHOLD)
    )
    result = {
        group: 100 * float(np.mean([loose.by_joint[joint] for joint in joints]))
        for group, joints in _GROUPS.items()
    }
    return {**result, "Mean": 100 * loose.mean, "Mean@0.1": 100 * strict.mean}


def mpii_joint_scores(truth: MpiiTruth, predicted_xy: ArrayLike) -> PckScores:
    """Return PCKh@0.5 of all 16 joints, each for itself; arguments as of :func:`evaluate_mpii`."""
    return pck_scores(
        predicted_xy,
        truth.keypoints_xy,
        truth.visible,
        truth.head_sizes,
        MPII_16,
        THRESHOLD,
        MPII_16.joints,
    )


def mpii_errors(truth: MpiiTruth, predicted_xy: ArrayLike) -> JointErrors:
    """Return the errors of the joints that the mean counts, in heads."""
    joints = tuple(joint for joint in MPII_16.joints if joint not in NOT_IN_MEAN)
    predicted = np.asarray(predicted_xy, np.float64)
    places = [MPII_16.index(joint) for joint in joints]
    errors = relative_errors(predicted, truth.keypoints_xy, truth.visible, truth.head_sizes, places)
    return JointErrors("PCKh@0.5", "heads", THRESHOLD, joints, errors, predicted)


def mpii_table(scores: Mapping[str, float]) -> list[str]:
    """Return the printout: names and values in per cent."""
    return [
        " | ".join(f"{name:>8}" for name in scores),
        " | ".join(f"{value:8.3f}" for value in scores.values()),
    ]
