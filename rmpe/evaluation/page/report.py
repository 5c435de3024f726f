"""One self-contained HTML page of an evaluation: figures, curves, histogram, worst pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.keypoint_set import KeypointSet, pictures_below
from rmpe.evaluation.oks.scores import OksScores, PersonScore
from rmpe.evaluation.outcomes import Evaluation
from rmpe.evaluation.page._charts import histogram_svg, precision_svg
from rmpe.evaluation.page._parts import (
    WORST_PICTURES,
    draw_failure,
    figure,
    number,
    page,
    section,
    skipped_section,
    table,
    worst_section,
)
from rmpe.evaluation.page._pck_sections import pck_sections
from rmpe.evaluation.runs import read_set


def write_report(
    path: str | Path,
    evaluation: Evaluation,
    annotations: str | Path,
    images: str | Path | None = None,
) -> None:
    """Write the page; without ``images`` it has no pictures.

    Raises:
        OSError: the page or the annotation cannot be opened.
        ValueError: the evaluation is PoseTrack's, which has no page.
    """
    if evaluation.oks is not None:
        parts = _oks_sections(evaluation.oks, evaluation)
        if images is not None:
            keypoint_set = read_set(evaluation.dataset, annotations, images, evaluation.choices)
            parts.append(_failure_sheet(evaluation.oks, evaluation.predictions, keypoint_set))
    elif evaluation.errors is not None:
        people = evaluation.people if images is not None else None
        if people is not None and images is not None:
            people = pictures_below(people, images)
        document = evaluation.document
        figures = document.get("PCKh") or {evaluation.errors.measure: 100 * document["PCK"]}
        parts = pck_sections(figures, evaluation.errors, people)
    else:
        raise ValueError(
            f"a report draws coco, crowdpose, mpii and lsp scores, {evaluation.dataset} has none"
        )
    parts.append(skipped_section(evaluation.skipped))
    title = f"{evaluation.dataset} · {Path(annotations).name}"
    Path(path).write_text(page(title, parts), encoding="utf-8")


def _oks_sections(scores: OksScores, evaluation: Evaluation) -> list[str]:
    return [
        f"<p>{len(scores.people)} annotated people, {len(evaluation.predictions)} predictions, "
        f"mean OKS {number(scores.mean_oks)}</p>",
        '<div class="row">',
        section("Scores", table(("", "value"), list(scores.stats.items()))),
        section("Precision and recall", precision_svg(scores.thresholds, scores.precision)),
        section("OKS of annotated people", histogram_svg([p.oks for p in scores.people])),
        "</div>",
        '<div class="row">',
        section("By joint, on people that were found", _joint_table(scores)),
        section("By size", _size_table(scores)),
        "</div>",
    ]


def worst_pictures(people: Sequence[PersonScore], count: int) -> list[tuple[int | str, float, int]]:
    """Return (image id, mean OKS, people) of the pictures with the lowest mean, worst first."""
    grouped: dict[int | str, list[float]] = {}
    for person in people:
        grouped.setdefault(person.image_id, []).append(person.oks)
    means = [(key, float(np.mean(values)), len(values)) for key, values in grouped.items()]
    return sorted(means, key=lambda entry: entry[1])[:count]


def _failure_sheet(
    scores: OksScores, predictions: Sequence[Mapping[str, Any]], keypoint_set: KeypointSet
) -> str:
    by_picture = keypoint_set.people_by_picture()
    pictures = {picture.image_id: picture for picture in keypoint_set.pictures}
    found: dict[int | str, list[NDArray[np.float64]]] = {}
    sure: dict[int | str, list[float | None]] = {}
    similarity = {(p.image_id, p.annotation_id): p.oks for p in scores.people}
    for item in predictions:
        joints = np.asarray(item["keypoints"], np.float64).reshape(-1, 3)
        found.setdefault(item["image_id"], []).append(joints)
        sure.setdefault(item["image_id"], []).append(item.get("score"))
    figures = []
    for image_id, mean, count in worst_pictures(scores.people, WORST_PICTURES):
        if image_id not in pictures:
            continue
        try:
            image = pictures[image_id].load()
        except OSError:
            continue  # already named among the skipped ones
        truth = by_picture[image_id]
        drawn = draw_failure(
            image,
            truth,
            found.get(image_id, []),
            keypoint_set.skeleton.limbs,
            [similarity.get((image_id, person.annotation_id)) for person in truth],
            sure.get(image_id, []),
        )
        people = "1 person" if count == 1 else f"{count} people"
        told = f"mean OKS {mean:.3f}, {people}"
        figures.append(figure(pictures[image_id].path.name, drawn, told))
    return worst_section(figures)


def _joint_table(scores: OksScores) -> str:
    rows = [
        (joint.joint, joint.count, joint.similarity, joint.good, joint.missed)
        for joint in scores.by_joint
    ]
    return table(("joint", "count", "similarity", "good ≥ 0.85", "missed < 0.5"), rows)


def _size_table(scores: OksScores) -> str:
    rows = [(name, v["people"], v["AP"], v["AR"]) for name, v in scores.by_size.items()]
    return table(("size", "people", "AP", "AR"), rows)
