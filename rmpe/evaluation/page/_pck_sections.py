"""Sections of a page of PCK scores: curves, histogram, joints, worst pictures (MPII, LSP)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet
from rmpe.evaluation.page._charts import histogram_svg, share_svg
from rmpe.evaluation.page._parts import (
    WORST_PICTURES,
    draw_failure,
    figure,
    section,
    table,
    worst_section,
)
from rmpe.evaluation.pck.scores import JointErrors

FloatArray = NDArray[np.float64]

LIMITS = np.linspace(0, 1, 101)
"""Distances of the curves, in units of the greatest one, twice the allowed error."""


def pck_sections(
    figures: Mapping[str, float], errors: JointErrors, people: KeypointSet | None
) -> list[str]:
    """Return the page's parts.

    Args:
        figures: official figures by name, in per cent.
        errors: of every person.
        people: the same people with their pictures; None draws none.
    """
    right = errors.right
    every = range(len(errors.joints))
    mean = float(errors.shares(every, [errors.threshold])[0])
    limit = 2 * errors.threshold
    groups = {"all": list(every)}
    for place, joint in enumerate(errors.joints):
        groups.setdefault(joint.removeprefix("left_").removeprefix("right_"), []).append(place)
    curves = {name: errors.shares(columns, LIMITS * limit) for name, columns in groups.items()}
    known = right[~np.isnan(right)]
    parts = [
        f"<p>{len(known)} people with annotated joints, {errors.measure} {100 * mean:.2f} %</p>",
        '<div class="row">',
        section("Scores", table(("", "%"), list(figures.items()))),
        section("Joints within a distance", share_svg(limit, curves, errors.unit)),
        section(
            f"{errors.measure} of each person",
            histogram_svg(known.tolist(), "share of the person's joints that are right"),
        ),
        "</div>",
        section("By joint", _joint_table(errors)),
    ]
    if people is not None:
        parts.append(_failures(errors, right, people))
    return parts


def _joint_table(errors: JointErrors) -> str:
    rows = []
    for place, joint in enumerate(errors.joints):
        values = errors.errors[:, place]
        values = values[~np.isnan(values)]
        finite = values[np.isfinite(values)]
        share = float((values <= errors.threshold).mean()) if len(values) else float("nan")
        middle = float(np.median(finite)) if len(finite) else float("nan")
        rows.append((joint, len(values), share, middle))
    return table(("joint", "count", errors.measure, f"median error in {errors.unit}"), rows)


def _failures(errors: JointErrors, right: FloatArray, people: KeypointSet) -> str:
    """Return the pictures with the smallest share of right joints, worst first."""
    rows: dict[int | str, list[int]] = {}
    for row, person in enumerate(people.people):
        if not np.isnan(right[row]):
            rows.setdefault(person.picture.image_id, []).append(row)
    means = {image_id: float(np.mean(right[chosen])) for image_id, chosen in rows.items()}
    figures = []
    for image_id in sorted(means, key=means.__getitem__):
        drawn = _drawn(
            errors,
            [people.people[row] for row in rows[image_id]],
            rows[image_id],
            people.skeleton.limbs,
        )
        if drawn is not None:
            name = people.people[rows[image_id][0]].picture.path.name
            count = len(rows[image_id])
            who = "1 person" if count == 1 else f"{count} people"
            told = f"{errors.measure} {100 * means[image_id]:.0f} %, {who}"
            figures.append(figure(name, drawn, told))
        if len(figures) == WORST_PICTURES:
            break
    return worst_section(figures)


def _drawn(
    errors: JointErrors,
    truth: list[AnnotatedPerson],
    rows: list[int],
    limbs: tuple[tuple[int, int], ...],
) -> NDArray[np.uint8] | None:
    """Return a picture with its people; None if it cannot be read, which the score has named."""
    try:
        image = truth[0].picture.load()
    except OSError:
        return None
    found = []
    for row in rows:
        joints = errors.predicted_xy[row]
        there = np.isfinite(joints).all(1, keepdims=True)
        found.append(np.concatenate([np.where(there, joints, 0), there], 1))
    return draw_failure(image, truth, found, limbs, errors.right[rows].tolist())
