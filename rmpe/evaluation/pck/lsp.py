"""LSP and its extended set: annotation and predictions for PCK@0.2 of the torso."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.datasets.array_files import load_arrays
from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet, Picture
from rmpe.evaluation.pck.scores import (
    LIMB_JOINTS,
    JointErrors,
    PckScores,
    pck_scores,
    relative_errors,
    torso_lengths,
)
from rmpe.json_files import load_numbers
from rmpe.skeletons import LSP_14

FloatArray = NDArray[np.float64]

BOX_PADDING = 0.15


@dataclass(frozen=True, eq=False)
class LspTruth:
    """Annotated joints of single people."""

    keypoints_xy: FloatArray
    """Joints in pixels, (N, 14, 2)."""
    visible: NDArray[np.bool_]
    """Which are annotated, (N, 14)."""
    file_names: tuple[str, ...]
    """Picture of every person."""


def read_lsp_truth(path: str | Path, validation_only: bool = False) -> LspTruth:
    """Return the annotation of ``joints.mat`` (LSP or LSPET) or of an ``.npz`` with ``joints``.

    LSP's third value is 1 for a *hidden* joint: all its joints count. LSPET's is 1 for an annotated
    one. An ``.npz`` holds ``joints`` (N, 14, 3) with LSPET's flag, and may name its pictures
    (``file_names``) and its held-out rows (``is_val``).

    Raises:
        OSError: the file cannot be opened.
        ValueError: it has no joints of such a shape.
    """
    path = Path(path)
    arrays = load_arrays(path)
    joints = np.asarray(arrays.get("joints", np.zeros(0)), np.float64)
    if path.suffix == ".mat" and joints.ndim == 3:
        # LSP stores (3, 14, N), LSPET (14, 3, N); four and five digits in their picture names.
        lsp = joints.shape[:2] == (3, 14)
        joints, digits = joints.transpose((2, 1, 0) if lsp else (2, 0, 1)), 4 if lsp else 5
    else:
        lsp, digits = False, 5
    if joints.ndim != 3 or joints.shape[1:] != (14, 3):
        raise ValueError(f"{path} has joints of shape {joints.shape}, needed is (N, 14, 3)")
    flags = np.ones(joints.shape[:2], bool) if lsp else joints[..., 2] > 0
    names = [f"im{number:0{digits}d}.jpg" for number in range(1, len(joints) + 1)]
    if "file_names" in arrays:
        names = [str(name) for name in arrays["file_names"]]
    rows = np.arange(len(joints))
    if validation_only:
        if "is_val" not in arrays:
            raise ValueError(f"{path} does not say which rows are held out")
        rows = np.flatnonzero(arrays["is_val"])
    return LspTruth(joints[rows, :, :2], flags[rows], tuple(names[row] for row in rows))


def read_lsp_predictions(path: str | Path) -> FloatArray:
    """Return predicted joints (N, 14, 2): ``.npy``, ``.npz`` (``preds``) or a ``.json`` list.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the joints have another shape.
    """
    path = Path(path)
    if path.suffix == ".json":
        values = load_numbers(path)
    else:
        loaded = np.load(path, allow_pickle=False)
        values = loaded if isinstance(loaded, np.ndarray) else loaded["preds"]
    if values.ndim != 3 or values.shape[1] != 14 or values.shape[2] not in (2, 3):
        raise ValueError(f"{path} has joints of shape {values.shape}, needed is (N, 14, 2)")
    return np.asarray(values[..., :2], np.float64)


def evaluate_lsp(truth: LspTruth, predicted_xy: ArrayLike) -> PckScores:
    """Return PCK@0.2 of the 12 limb joints against the mean shoulder–hip length."""
    lengths = torso_lengths(truth.keypoints_xy, truth.visible, LSP_14)
    return pck_scores(predicted_xy, truth.keypoints_xy, truth.visible, lengths, LSP_14)


def lsp_errors(truth: LspTruth, predicted_xy: ArrayLike) -> JointErrors:
    """Return the errors of the limb joints in torsos."""
    lengths = torso_lengths(truth.keypoints_xy, truth.visible, LSP_14)
    predicted = np.asarray(predicted_xy, np.float64)
    places = [LSP_14.index(joint) for joint in LIMB_JOINTS]
    errors = relative_errors(predicted, truth.keypoints_xy, truth.visible, lengths, places)
    return JointErrors("PCK@0.2", "torsos", 0.2, LIMB_JOINTS, errors, predicted)


def lsp_set(truth: LspTruth, image_folder: str | Path) -> KeypointSet:
    """Return the annotation as a keypoint set; boxes are the joints' extent, padded by 15 %.

    Every person keeps a row, pictures that are missing are found when they are loaded.
    """
    people = []
    for row, name in enumerate(truth.file_names):
        seen = truth.visible[row]
        points = truth.keypoints_xy[row][seen] if seen.any() else np.zeros((1, 2))
        low, high = points.min(0), points.max(0)
        padding = BOX_PADDING * max(float((high - low).max()), 1.0)
        box = np.concatenate([low - padding, high + padding]).astype(np.float32)
        people.append(
            AnnotatedPerson(
                picture=Picture(row, Path(image_folder) / name),
                annotation_id=row,
                box_xyxy=box,
                keypoints_xy=truth.keypoints_xy[row].astype(np.float32),
                visibility=np.where(seen, 2, 0).astype(np.uint8),
                area=float(np.prod(box[2:] - box[:2])),
            )
        )
    return KeypointSet(LSP_14, tuple(p.picture for p in people), tuple(people), ())
