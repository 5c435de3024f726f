"""The reports' charts as inline SVG: precision over recall, PCK over its limit, histograms."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH, HEIGHT = 430, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 26, 36
TICKS = 4
BINS = 20


def precision_svg(thresholds: Sequence[float], precision: ArrayLike) -> str:
    """Return precision over recall, a line for each OKS threshold.

    Args:
        thresholds: OKS thresholds, (T,).
        precision: precision at 101 recalls from 0 to 1, (T, 101); a row of -1 has no line.
    """
    rows = np.asarray(precision, np.float64)
    recalls = np.linspace(0, 1, rows.shape[1])
    lines, names = [], []
    for place, (threshold, row) in enumerate(zip(thresholds, rows)):
        if (row < 0).any():
            continue
        colour = _colour(place, len(thresholds))
        lines.append(_line(recalls, row, colour, f"OKS {threshold:.2f}"))
        names.append((f"{threshold:.2f}", colour))
    return _frame("recall", "precision", "".join(lines)) + _key("OKS", names)


def _key(title: str, names: Sequence[tuple[str, str]]) -> str:
    """Return what the colours of lines mean, in words below the chart; nothing without lines."""
    if not names:
        return ""
    items = "".join(
        f'<li><i style="background:{colour}"></i>{html.escape(name)}</li>' for name, colour in names
    )
    head = f"<li>{html.escape(title)}</li>" if title else ""
    return f'<ul class="key">{head}{items}</ul>'


def share_svg(limit: float, shares: Mapping[str, ArrayLike], across: str) -> str:
    """Return the share of joints within a distance over that distance, a line for each name.

    Args:
        limit: greatest distance; the least is 0.
        shares: values in 0..1 at evenly spaced distances, by what they are of.
        across: name of the distance.
    """
    parts, names = [], []
    for place, (name, values) in enumerate(shares.items()):
        row = np.asarray(values, np.float64)
        colour = _colour(place, len(shares))
        parts.append(_line(np.linspace(0, 1, len(row)), row, colour, name))
        names.append((name, colour))
    return _frame(across, "share of joints", "".join(parts), right=limit) + _key("", names)


def histogram_svg(values: Sequence[float], across: str = "OKS") -> str:
    """Return the histogram of values in 0..1, 20 bars, with what they are below it."""
    counts, edges = np.histogram(np.asarray(values, np.float64), BINS, (0, 1))
    top = max(-(-int(counts.max(initial=0)) // TICKS), 1) * TICKS
    bars = []
    for count, low, high in zip(counts, edges, edges[1:]):
        x, width = _x(low), _x(high) - _x(low) - 1
        y = _y(count / top)
        bars.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_y(0) - y:.1f}" '
            f'class="bar"><title>{low:.2f} to {high:.2f}: {count}</title></rect>'
        )
    return _frame(across, "people", "".join(bars), top=float(top))


def _colour(place: int, count: int) -> str:
    """Return blue for the first of several lines to red for the last."""
    return f"hsl({210 - 200 * place / max(count - 1, 1):.0f} 70% 52%)"


def _line(x: NDArray[np.float64], y: NDArray[np.float64], colour: str, title: str) -> str:
    return (
        f'<polyline points="{_points(x, y)}" fill="none" stroke-width="1.8" '
        f'stroke="{colour}"><title>{html.escape(title)}</title></polyline>'
    )


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return " ".join(f"{_x(a):.1f},{_y(b):.1f}" for a, b in zip(x, y))


def _frame(across: str, up: str, content: str, *, right: float = 1.0, top: float = 1.0) -> str:
    """Return the chart with its axes: 0..right across, 0..top up."""
    parts = []
    for tick in range(TICKS + 1):
        share = tick / TICKS
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(share):.1f}" y2="{_y(share):.1f}" '
            f'class="grid"/><text x="{LEFT - 6}" y="{_y(share) + 4:.1f}" text-anchor="end">'
            f"{share * top:g}</text>"
            f'<text x="{_x(share):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
            f"{share * right:g}</text>"
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
