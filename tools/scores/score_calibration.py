"""Joint scores that mean what they say: a score of 0.7, about 70 % of the joints right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SIDE = 260
"""Of a reliability diagram's square."""
COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1")


def fit_logistic(
    values: ArrayLike, right: ArrayLike, steps: int = 50, ridge: float = 1e-3
) -> tuple[float, float]:
    """Slope and offset of the logistic curve through right and wrong answers.

    Newton's method on the log-likelihood with a small ridge (Platt, 1999).

    Args:
        values: what the score is made of, (N,).
        right: whether each answer was right, (N,).
        steps: iterations at most.
        ridge: keeps the slope finite where one value parts right from wrong.

    Raises:
        ValueError: the lengths differ or there is nothing to fit.
    """
    x, y = np.asarray(values, np.float64), np.asarray(right, np.float64)
    if x.shape != y.shape or x.ndim != 1 or not len(x):
        raise ValueError(f"got values {x.shape} and answers {y.shape}, needed are two equal (N,)")
    design = np.stack([x, np.ones_like(x)], 1)
    weights = np.zeros(2)
    for _ in range(steps):
        probability = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (y - probability) - ridge * weights
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design
        step = np.linalg.solve(curvature + ridge * np.eye(2), gradient)
        weights += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[0]), float(weights[1])


@dataclass(frozen=True)
class ScoreBin:
    """Joints, or poses, whose scores lie close together."""

    mean_score: float
    """What was said."""
    share_right: float
    """What was true: the share of right joints, the mean OKS of poses."""
    count: int
    """Number of joints or poses."""


def reliability(scores: ArrayLike, right: ArrayLike, bins: int = 10) -> list[ScoreBin]:
    """Mean score and share of right answers in equal ranges of the score 0..1; empty ones go.

    Args:
        scores: (N,), 0..1.
        right: whether, or how far (0..1), each answer was right, (N,).
        bins: number of ranges.
    """
    said, true = np.asarray(scores, np.float64), np.asarray(right, np.float64)
    place = np.clip((said * bins).astype(int), 0, bins - 1)
    return [
        ScoreBin(
            float(said[place == index].mean()),
            float(true[place == index].mean()),
            int((place == index).sum()),
        )
        for index in range(bins)
        if (place == index).any()
    ]


def calibration_error(scores: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Mean distance between what the scores say and what is true, weighted by joints (ECE)."""
    found = reliability(scores, right, bins)
    total = sum(entry.count for entry in found)
    if not total:
        return 0.0
    return sum(abs(e.mean_score - e.share_right) * e.count for e in found) / total


def draw_reliability(
    curves: Mapping[str, Sequence[ScoreBin]], path: Path, across: str, up: str
) -> None:
    """Write a reliability diagram as SVG: what was true over what was said.

    Args:
        curves: name to its ranges, at most as many as there are ``COLOURS``.
        path: file to write.
        across: what the horizontal axis is called.
        up: what the vertical one is.
    """
    points = {name: [(e.mean_score, e.share_right) for e in bins] for name, bins in curves.items()}
    diagonal = f'<path d="M0 {SIDE}L{SIDE} 0" stroke="#bbb" stroke-dasharray="4"/>'
    dots = [
        f'<circle cx="{SIDE * x:.1f}" cy="{SIDE * (1 - y):.1f}" r="3" fill="{colour}"/>'
        for curve, colour in zip(points.values(), COLOURS)
        for x, y in curve
    ]
    draw_curves(points, path, across, up, [diagonal, *dots])


def draw_curves(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    path: Path,
    across: str,
    up: str,
    more: Sequence[str] = (),
) -> None:
    """Write curves through points (x, y) of 0..1 as SVG, with ``more`` elements below them."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-40 -20 {SIDE + 260} {SIDE + 70}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>',
        f'<text x="{SIDE / 2}" y="{SIDE + 35}" text-anchor="middle">{across}</text>',
        f'<text x="-8" y="-6">{up}</text>',
        *more,
    ]
    for tick in (0, 0.5, 1):
        lines.append(f'<text x="{SIDE * tick}" y="{SIDE + 18}" text-anchor="middle">{tick}</text>')
        lines.append(f'<text x="-8" y="{SIDE * (1 - tick) + 4}" text-anchor="end">{tick}</text>')
    for place, (name, points) in enumerate(curves.items()):
        colour = COLOURS[place]
        curve = "L".join(f"{SIDE * x:.1f} {SIDE * (1 - y):.1f}" for x, y in points)
        lines.append(f'<path d="M{curve}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{SIDE + 12}" y="{20 + 18 * place}" fill="{colour}">{name}</text>')
    path.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")
