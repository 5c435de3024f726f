"""The report's two charts as inline SVG: precision over recall, and the histogram of OKS."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH, HEIGHT = 430, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 36
BINS = 20


def precision_svg(thresholds: Sequence[float], precision: ArrayLike) -> str:
    """Return precision over recall, a line for each OKS threshold.

    Args:
        thresholds: OKS thresholds, (T,).
        precision: precision at 101 recalls from 0 to 1, (T, 101); a row of -1 has no line.
    """
    rows = np.asarray(precision, np.float64)
    recalls = np.linspace(0, 1, rows.shape[1])
    lines = []
    for place, (threshold, row) in enumerate(zip(thresholds, rows)):
        if (row < 0).any():
            continue
        hue = 210 - 200 * place / max(len(thresholds) - 1, 1)
        lines.append(
            f'<polyline points="{_points(recalls, row)}" fill="none" stroke-width="1.8" '
            f'stroke="hsl({hue:.0f} 70% 45%)"><title>OKS {threshold:.2f}</title></polyline>'
        )
    note = (
        f'<text x="{WIDTH - RIGHT}" y="{TOP + 12}" text-anchor="end">OKS {thresholds[0]:.2f} (blue)'
        f" to {thresholds[-1]:.2f} (red)</text>"
    )
    return _frame("recall", "precision", "".join(lines) + note, 1.0, "{:.1f}")


def histogram_svg(values: Sequence[float]) -> str:
    """Return the histogram of values in 0..1, 20 bars."""
    counts, edges = np.histogram(np.asarray(values, np.float64), BINS, (0, 1))
    top = max(int(counts.max(initial=0)), 1)
    bars = []
    for count, low, high in zip(counts, edges, edges[1:]):
        x, width = _x(low), _x(high) - _x(low) - 1
        y = _y(count / top)
        bars.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_y(0) - y:.1f}" '
            f'fill="#4b86b4"><title>{low:.2f} to {high:.2f}: {count}</title></rect>'
        )
    return _frame("OKS", "people", "".join(bars), float(top), "{:.0f}")


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return " ".join(f"{_x(a):.1f},{_y(b):.1f}" for a, b in zip(x, y))


def _frame(across: str, up: str, content: str, top: float, form: str) -> str:
    """Return the chart with its axes: 0..1 across, 0..top up."""
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(share):.1f}" y2="{_y(share):.1f}" '
            f'stroke="#e3e8ee"/><text x="{LEFT - 6}" y="{_y(share) + 4:.1f}" text-anchor="end">'
            f"{form.format(share * top)}</text>"
            f'<text x="{_x(share):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
            f"{share:g}</text>"
        )
    parts.append(
        f'<text x="{_x(0.5):.1f}" y="{HEIGHT - 4}" text-anchor="middle">{across}</text>'
        f'<text transform="translate(11 {_y(0.5):.1f}) rotate(-90)" text-anchor="middle">'
        f"{up}</text>"
    )
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"{''.join(parts)}{content}</svg>"
    )
