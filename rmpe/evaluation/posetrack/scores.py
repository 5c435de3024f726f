"""PoseTrack's scores: AP for every joint, and CLEAR MOT and identity figures by motmetrics.

The rules are those of poseval (leonid-pishchulin/poseval, commit 4258a15), MOTP as it is meant
(motmetrics 1.0.1): newer event tables hold raw rows that poseval adds to its sum of distances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpe._door import extra_module
from rmpe.evaluation.posetrack.matching import JOINT_COUNT, THRESHOLD, FrameMatch, match_sequence
from rmpe.formats.posetrack.document import PoseTrackFrame, parse_posetrack
from rmpe.json_files import files_in, load_json
from rmpe.skeletons import POSETRACK_15

FloatArray = NDArray[np.float64]

# The columns of poseval's tables; the last one is the mean over the 15 joints.
GROUPS: dict[str, tuple[str, ...]] = {
    "Head": ("head_top", "neck", "nose"),
    "Shou": ("left_shoulder", "right_shoulder"),
    "Elb": ("left_elbow", "right_elbow"),
    "Wri": ("left_wrist", "right_wrist"),
    "Hip": ("left_hip", "right_hip"),
    "Knee": ("left_knee", "right_knee"),
    "Ankl": ("left_ankle", "right_ankle"),
}
ALONE = "the sequence"
"""What a single file is called in messages."""
_COUNTS = (
    "num_misses",
    "num_switches",
    "num_false_positives",
    "num_objects",
    "num_detections",
    "idtp",
    "idfp",
    "idfn",
)


@dataclass(frozen=True)
class PoseTrackScores:
    """Figures in per cent by joint name, with ``total``; counts where the name says so."""

    ap: Mapping[str, float]
    """Average precision."""
    precision: Mapping[str, float]
    """Precision of all predicted joints."""
    recall: Mapping[str, float]
    """Recall of all predicted joints."""
    tracking: Mapping[str, Mapping[str, float]]
    """``mota motp precision recall idf1`` and the count ``switches``; empty without tracking."""

    def to_json(self) -> dict[str, Any]:
        """Return the scores for a file."""
        return {
            "ap": dict(self.ap),
            "precision": dict(self.precision),
            "recall": dict(self.recall),
            "tracking": {name: dict(values) for name, values in self.tracking.items()},
        }

    def table(self) -> list[str]:
        """Return the printout: poseval's columns, one line a figure."""
        rows = {"AP": self.ap}
        if self.tracking:
            rows.update(
                {name.upper(): self.tracking[name] for name in ("mota", "motp", "idf1")}
                | {f"MOT {name}": self.tracking[name] for name in ("precision", "recall")}
            )
        lines = [" ".join([f"{'':<14}", *(f"{group:>6}" for group in (*GROUPS, "Total"))])]
        for name, values in rows.items():
            cells = [float(np.mean([values[joint] for joint in GROUPS[g]])) for g in GROUPS]
            cells.append(values["total"])
            lines.append(" ".join([f"{name:<14}", *(f"{value:6.1f}" for value in cells)]))
        if self.tracking:
            lines.append(f"identity switches of joints: {self.tracking['switches']['total']:.0f}")
        return lines


def evaluate_posetrack_folders(
    annotations: str | Path, predictions: str | Path, tracking: bool = True
) -> PoseTrackScores:
    """Return the scores of a folder of prediction files, paired by name with the annotations.

    ``NAME.json`` is paired with ``NAME.json`` or, as ``video --format posetrack`` writes it, with
    ``NAME_rmpe/posetrack.json``. Two single files are a pair whatever their names.

    Raises:
        OSError: a folder or file cannot be read.
        ValueError: a file has no partner or is malformed.
    """
    truth = read_posetrack_folder(Path(annotations))
    files = {name: _prediction_file(Path(predictions), name) for name in truth}
    predicted = {name: parse_posetrack(load_json(file), file) for name, file in files.items()}
    return evaluate_posetrack(truth, predicted, tracking)


def _prediction_file(folder: Path, name: str) -> Path:
    """Return where the predictions of a sequence are; ``video`` makes a folder for each clip."""
    if folder.is_file() and not name:
        return folder
    places = [folder / name, folder / f"{Path(name).stem}_rmpe" / "posetrack.json"]
    for place in places:
        if place.is_file():
            return place
    raise ValueError(f"{folder} has no file {name} (nor {places[1].relative_to(folder)})")


def read_posetrack_folder(folder: Path) -> dict[str, list[PoseTrackFrame]]:
    """Return the frames of every file of a folder by file name; a single file's name is empty.

    Raises:
        OSError: it cannot be read.
        ValueError: the folder has no file, or one is malformed.
    """
    files = [folder] if folder.is_file() else files_in(folder, "*.json")
    if not files:
        raise ValueError(f"{folder} has no .json file")
    return {
        "" if folder.is_file() else file.name: parse_posetrack(load_json(file), file)
        for file in files
    }


def evaluate_posetrack(
    truth: Mapping[str, Sequence[PoseTrackFrame]],
    predicted: Mapping[str, Sequence[PoseTrackFrame]],
    tracking: bool = True,
) -> PoseTrackScores:
    """Return the scores of predicted sequences.

    Args:
        truth: annotated frames by sequence name.
        predicted: predicted frames by the same names.
        tracking: also MOTA and the like; needs identities on both sides.

    Raises:
        ValueError: sequences or frames do not fit together, two people of a frame share an
            identity, or motmetrics (extra ``eval``) is missing.
    """
    sequences = {
        name: match_sequence(truth[name], predicted[name], name or ALONE) for name in truth
    }
    frames = [frame for matches in sequences.values() for frame in matches]
    ap, precision, recall = _average_precisions(frames)
    return PoseTrackScores(
        ap=_named(ap),
        precision=_named(precision),
        recall=_named(recall),
        tracking=_tracking_figures(sequences) if tracking else {},
    )


def _named(values: FloatArray, total: float | None = None) -> dict[str, float]:
    """Return values by joint name with their mean, or the given figure, as ``total``.

    A joint with nothing to count is NaN and left out of the mean.
    """
    named = {joint: float(value) for joint, value in zip(POSETRACK_15.joints, values)}
    known = values[~np.isnan(values)]
    mean = float(known.mean()) if known.size else float("nan")
    return {**named, "total": mean if total is None else total}


def _average_precisions(frames: Sequence[FrameMatch]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return AP, precision and recall of every joint in per cent, each (15,)."""
    result = np.zeros((3, JOINT_COUNT))
    for joint in range(JOINT_COUNT):
        truths = sum(int(frame.truth_present[:, joint].sum()) for frame in frames)
        found = [frame.predicted_present[:, joint] for frame in frames]
        scores = np.concatenate(
            [f.scores[mask, joint] for f, mask in zip(frames, found)] or [np.zeros(0)]
        )
        right = np.concatenate(
            [f.right[mask, joint] for f, mask in zip(frames, found)] or [np.zeros(0, bool)]
        )
        result[:, joint] = _precision_curve_figures(scores, right, truths)
    return result[0], result[1], result[2]


def _precision_curve_figures(
    scores: FloatArray, right: NDArray[np.bool_], truths: int
) -> tuple[float, float, float]:
    """Return the area under the monotone precision curve, and its last point, in per cent."""
    if not truths:
        return float("nan"), 0.0 if len(scores) else float("nan"), float("nan")
    if not len(scores):
        return 0.0, 0.0, 0.0
    true = right[np.argsort(-scores, kind="stable")].cumsum()
    precision = true / np.arange(1, len(true) + 1)
    recall = true / truths
    ceiling = np.maximum.accumulate(precision[::-1])[::-1]
    area = float((np.diff(recall, prepend=0) * ceiling).sum())
    return 100 * area, 100 * float(precision[-1]), 100 * float(recall[-1])


def _tracking_figures(
    sequences: Mapping[str, Sequence[FrameMatch]],
) -> dict[str, dict[str, float]]:
    """Return the CLEAR MOT and identity figures by joint."""
    motmetrics = extra_module("motmetrics", "eval", "this score")
    counts = {name: np.zeros(JOINT_COUNT) for name in (*_COUNTS, "distance")}
    host = motmetrics.metrics.create()
    for name, frames in sequences.items():
        _check_ids(frames, name or ALONE)
        for joint in range(JOINT_COUNT):
            events = motmetrics.MOTAccumulator(auto_id=True)
            # poseval leaves the last frame of every sequence out of the tracking figures.
            for frame in frames[:-1]:
                events.update(*_joint_distances(frame, joint))
            figures = host.compute(events, metrics=list(_COUNTS), return_dataframe=False)
            for figure, value in figures.items():
                counts[figure][joint] += value
            table = events.mot_events
            matched = table["Type"].isin(("MATCH", "SWITCH"))
            counts["distance"][joint] += table["D"][matched].sum()
    return _clear_mot(counts)


def _clear_mot(counts: Mapping[str, FloatArray]) -> dict[str, dict[str, float]]:
    wrong = counts["num_misses"] + counts["num_switches"] + counts["num_false_positives"]
    predicted = counts["num_detections"] + counts["num_false_positives"]
    identity = 2 * counts["idtp"] + counts["idfp"] + counts["idfn"]
    return {
        "mota": _named(100 * (1 - _ratio(wrong, counts["num_objects"]))),
        "motp": _named(100 * (1 - _ratio(counts["distance"], counts["num_detections"]))),
        "precision": _named(100 * _ratio(counts["num_detections"], predicted)),
        "recall": _named(100 * _ratio(counts["num_detections"], counts["num_objects"])),
        "idf1": _named(100 * _ratio(2 * counts["idtp"], identity)),
        "switches": _named(counts["num_switches"], float(counts["num_switches"].sum())),
    }


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, NaN where there is nothing."""
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _check_ids(frames: Sequence[FrameMatch], name: str) -> None:
    for frame in frames:
        for side, ids in (("annotation", frame.truth_ids), ("prediction", frame.predicted_ids)):
            if None in ids:
                raise ValueError(f"{name}: a person of the {side} has no track_id")
            if len(set(ids)) < len(ids):
                raise ValueError(f"{name}: two people of one frame of the {side} share a track_id")


def _joint_distances(
    frame: FrameMatch, joint: int
) -> tuple[list[int | None], list[int | None], FloatArray]:
    """Return ids of truths and predictions that have the joint, and distances, NaN if too far.

    A frame with people on one side only enters as one missed truth and one false prediction.
    """
    if not len(frame.truth_ids) or not len(frame.predicted_ids):
        return [0], [0], np.full((1, 1), np.nan)
    truths = np.flatnonzero(frame.truth_present[:, joint])
    found = np.flatnonzero(frame.predicted_present[:, joint])
    distances = frame.distances[..., joint][np.ix_(found, truths)].T
    return (
        [frame.truth_ids[place] for place in truths],
        [frame.predicted_ids[place] for place in found],
        np.where(distances <= THRESHOLD, distances, np.nan),
    )
