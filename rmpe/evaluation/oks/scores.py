"""OKS scores of a keypoint set: the official figures, by size, by joint and by person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rmpe.oks import oks_terms
from rmpe.skeletons import Skeleton

if TYPE_CHECKING:
    from rmpe.evaluation.oks._engine import OksEvaluation

FloatArray = NDArray[np.float64]

# A joint's own similarity exp(-e): above the first it is good, below the second missed
# (Ronchi and Perona, "Benchmarking and error diagnosis in multi-instance pose estimation", 2017).
GOOD, MISSED = 0.85, 0.5


@dataclass(frozen=True)
class JointScore:
    """How well one joint is found on the people that were found."""

    joint: str
    """Joint name."""
    count: int
    """Annotated joints on matched people."""
    similarity: float
    """Mean of the joint's OKS term, 0..1."""
    good: float
    """Share with a term of 0.85 or more."""
    missed: float
    """Share with a term below 0.5."""


@dataclass(frozen=True)
class PersonScore:
    """One annotated person and the prediction that greedy matching by score gave to it."""

    image_id: int | str
    """Picture, as the annotation calls it."""
    annotation_id: int | str
    """Annotation, as the file calls it; its place where it has no name."""
    area: float
    """Area in square pixels that OKS uses."""
    oks: float
    """Similarity, 0 if nobody was predicted here."""
    prediction: int | None
    """Place of the prediction in the results, None if there is none."""


@dataclass(frozen=True, eq=False)
class OksScores:
    """Everything that one OKS evaluation says."""

    stats: dict[str, float]
    """Official figures by name; -1 where there is nothing to count."""
    thresholds: tuple[float, ...]
    """OKS thresholds, 0.50 to 0.95."""
    ap_per_threshold: tuple[float, ...]
    """Average precision at each threshold."""
    recall_per_threshold: tuple[float, ...]
    """Highest recall at each threshold."""
    precision: FloatArray
    """Precision at each threshold and 101 recalls from 0 to 1, (10, 101); -1 without people."""
    by_size: dict[str, dict[str, float]]
    """AP, AR and number of people for all, medium (32² to 96² px) and large ones."""
    by_joint: tuple[JointScore, ...]
    """One entry a joint."""
    people: tuple[PersonScore, ...]
    """One entry an annotated person that counts."""
    table: tuple[str, ...]
    """The official printout."""
    skipped: tuple[str, ...] = ()
    """Broken annotations that are not counted: one line each."""
    notes: tuple[str, ...] = ()
    """What was filled in or chosen in reading: one line each."""

    def to_json(self) -> dict[str, Any]:
        """Return the scores without curves and people, for a file."""
        return {
            "stats": self.stats,
            "thresholds": list(self.thresholds),
            "ap_per_threshold": list(self.ap_per_threshold),
            "recall_per_threshold": list(self.recall_per_threshold),
            "by_size": self.by_size,
            "by_joint": [vars(joint) for joint in self.by_joint],
            "mean_oks": self.mean_oks,
            "people": len(self.people),
        }

    def breakdown(self) -> list[str]:
        """Return a printout by size and by joint, beside the official one."""
        lines = [f"{'size':<16} {'people':>7} {'AP':>6} {'AR':>6}"]
        for size, values in self.by_size.items():
            lines.append(
                f"{size:<16} {values['people']:7.0f} {values['AP']:6.3f} {values['AR']:6.3f}"
            )
        lines.append(f"{'joint':<16} {'count':>7} {'OKS':>6} {'good':>6} {'missed':>6}")
        for joint in self.by_joint:
            lines.append(
                f"{joint.joint:<16} {joint.count:7d} {joint.similarity:6.3f} {joint.good:6.3f} "
                f"{joint.missed:6.3f}"
            )
        return lines

    @property
    def mean_oks(self) -> float:
        """Mean OKS over annotated people, missed ones counting 0; NaN without people."""
        return float(np.mean([p.oks for p in self.people])) if self.people else float("nan")


def mean_precision(engine: OksEvaluation, threshold: float | None = None, area: int = 0) -> float:
    """Return AP over all thresholds or at one, as pycocotools summarises it; -1 if undefined."""
    return _mean_known(engine.eval["precision"][_rows(engine, threshold), :, :, area, 0])


def mean_recall(engine: OksEvaluation, threshold: float | None = None, area: int = 0) -> float:
    """Return AR over all thresholds or at one, as pycocotools summarises it; -1 if undefined."""
    return _mean_known(engine.eval["recall"][_rows(engine, threshold), :, area, 0])


def _rows(engine: OksEvaluation, threshold: float | None) -> slice | NDArray[np.intp]:
    if threshold is None:
        return slice(None)
    return np.flatnonzero(np.isclose(engine.params.iouThrs, threshold))


def _mean_known(values: FloatArray) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0


def collect_scores(
    engine: OksEvaluation,
    skeleton: Skeleton,
    sigmas: Sequence[float],
    stats: dict[str, float],
    table: Sequence[str],
    skipped: Sequence[str],
    notes: Sequence[str] = (),
) -> OksScores:
    """Return the scores of a finished evaluation with all three sizes."""
    thresholds = tuple(float(value) for value in np.round(engine.params.iouThrs, 2))
    people, pairs = _match_people(engine)
    precision = engine.eval["precision"][:, :, :, 0, 0].mean(-1)
    sizes = engine.params.areaRngLbl
    counts = _people_by_size(engine, people)
    return OksScores(
        stats=stats,
        thresholds=thresholds,
        ap_per_threshold=tuple(mean_precision(engine, value) for value in thresholds),
        recall_per_threshold=tuple(mean_recall(engine, value) for value in thresholds),
        precision=precision,
        by_size={
            size: {
                "AP": mean_precision(engine, None, place),
                "AR": mean_recall(engine, None, place),
                "people": counts[place],
            }
            for place, size in enumerate(sizes)
        },
        by_joint=_score_joints(pairs, skeleton, np.asarray(sigmas, np.float64)),
        people=tuple(people),
        table=tuple(table),
        skipped=tuple(skipped),
        notes=tuple(notes),
    )


def _people_by_size(engine: OksEvaluation, people: Sequence[PersonScore]) -> list[int]:
    areas = np.array([person.area for person in people])
    return [int(((areas >= low) & (areas <= high)).sum()) for low, high in engine.params.areaRng]


def _match_people(
    engine: OksEvaluation,
) -> tuple[list[PersonScore], list[tuple[Mapping[str, Any], Mapping[str, Any]]]]:
    """Match greedily: every prediction by score takes the free person it resembles most."""
    people: list[PersonScore] = []
    pairs = []
    for (image_id, category_id), similarity in engine.ious.items():
        truths = engine._gts[image_id, category_id]
        found = engine._dts[image_id, category_id]
        order = np.argsort([-item["score"] for item in found], kind="mergesort")
        taken: dict[int, tuple[float, int]] = {}
        free = np.array([not truth["ignore"] for truth in truths], bool)
        for row in range(len(similarity)):
            open_values = np.where(free, similarity[row], 0)
            best = int(open_values.argmax())
            if open_values[best] > 0:
                free[best] = False
                taken[best] = (float(open_values[best]), int(order[row]))
        for place, truth in enumerate(truths):
            if truth["ignore"]:
                continue
            oks, row = taken.get(place, (0.0, -1))
            prediction = int(found[row]["place"]) if row >= 0 else None
            people.append(
                PersonScore(
                    truth["file_image_id"],
                    truth["file_id"],
                    float(truth["area"]),
                    oks,
                    prediction,
                )
            )
            if row >= 0:
                pairs.append((truth, found[row]))
    return people, pairs


def _score_joints(
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    skeleton: Skeleton,
    sigmas: FloatArray,
) -> tuple[JointScore, ...]:
    shape = (len(pairs), skeleton.joint_count, 3)
    truth = np.array([pair[0]["keypoints"] for pair in pairs], np.float64).reshape(shape)
    found = np.array([pair[1]["keypoints"] for pair in pairs], np.float64).reshape(shape)
    areas = np.array([pair[0]["area"] for pair in pairs], np.float64).reshape(-1, 1)
    squared = ((truth[..., :2] - found[..., :2]) ** 2).sum(-1)
    terms = oks_terms(squared, areas, sigmas)  # (P, K)
    result = []
    for place, joint in enumerate(skeleton.joints):
        values = terms[truth[:, place, 2] > 0, place]
        means = (
            [float(values.mean()), float((values >= GOOD).mean()), float((values < MISSED).mean())]
            if len(values)
            else [float("nan")] * 3
        )
        result.append(JointScore(joint, len(values), *means))
    return tuple(result)
