"""What the pages of scores are made of: frame, sections, tables, pictures with people on them."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.keypoint_set import AnnotatedPerson

WORST_PICTURES = 25
PICTURE_WIDTH = 440
# BGR: what the annotators drew, and what was predicted.
TRUTH_COLOUR, PREDICTION_COLOUR = (80, 220, 80), (40, 90, 255)
# The truth is drawn first and broader, so that it shows on both sides of a prediction.
TRUTH_WIDTH, PREDICTION_WIDTH = 5, 2

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1180px;padding:0 1rem;
color:#1c2733;background:#fff}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .6rem}p{margin:.3rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.22rem .7rem;text-align:right;border-bottom:1px solid #dde3ea}
th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid #9aa8b6}
.row{display:flex;flex-wrap:wrap;gap:2.2rem;align-items:flex-start}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:1rem}
figure{margin:0}figure img{width:100%;border-radius:4px}figcaption{font-size:.85rem;color:#51606f}
.truth{color:#2c9c2c}.found{color:#e2531b}svg text{font:12px system-ui,sans-serif;fill:#51606f}
"""


def page(title: str, sections: Sequence[str]) -> str:
    """Return a whole page."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style><body><h1>{html.escape(title)}</h1>{''.join(sections)}</body></html>\n"
    )


def skipped_section(lines: Sequence[str]) -> str:
    """Return the list of what is broken; nothing where there is none."""
    if not lines:
        return ""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return section(f"Skipped ({len(lines)})", f"<ul>{items}</ul>")


def worst_section(figures: Sequence[str]) -> str:
    """Return the sheet of the worst pictures."""
    legend = '<p><span class="truth">■ truth</span> <span class="found">■ prediction</span></p>'
    return section(
        f"The {len(figures)} worst pictures", f'{legend}<div class="sheet">{"".join(figures)}</div>'
    )


def figure(name: str, drawn_bgr: NDArray[np.uint8], told: str) -> str:
    """Return a drawn picture with its file's name and what is to be said of it."""
    name = html.escape(name)
    return (
        f'<figure><img alt="{name}" src="{_data_address(drawn_bgr)}"><figcaption>{name}: {told}'
        "</figcaption></figure>"
    )


def draw_failure(
    image_bgr: NDArray[np.uint8],
    truth: Sequence[AnnotatedPerson],
    predicted: Sequence[NDArray[np.float64]],
    limbs: Sequence[tuple[int, int]],
) -> NDArray[np.uint8]:
    """Return a small copy of a picture with truth (green) and predictions (orange) on it.

    Args:
        image_bgr: picture, uint8 (H, W, 3).
        truth: annotated people.
        predicted: joints (K, 3) of every predicted person.
        limbs: pairs of joints to join.
    """
    scale = min(1.0, PICTURE_WIDTH / image_bgr.shape[1])
    size = (round(image_bgr.shape[1] * scale), max(round(image_bgr.shape[0] * scale), 1))
    canvas = np.asarray(cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA), np.uint8)
    for person in truth:
        points = person.keypoints_xy.astype(np.float64) * scale
        _draw_person(canvas, points, person.visibility > 0, limbs, TRUTH_COLOUR, TRUTH_WIDTH)
    for joints in predicted:
        points, shown = joints[:, :2] * scale, joints[:, 2] > 0
        _draw_person(canvas, points, shown, limbs, PREDICTION_COLOUR, PREDICTION_WIDTH)
    return canvas


def _draw_person(
    canvas: NDArray[np.uint8],
    points: NDArray[np.float64],
    shown: NDArray[np.bool_],
    limbs: Sequence[tuple[int, int]],
    colour: tuple[int, int, int],
    width: int,
) -> None:
    # Far outside the picture nothing can be seen, and OpenCV takes 32-bit integers only.
    places = np.clip(points, -10_000, 10_000).round().astype(int).tolist()
    for first, second in limbs:
        if shown[first] and shown[second]:
            cv2.line(canvas, places[first], places[second], colour, width, cv2.LINE_AA)
    for place, visible in zip(places, shown):
        if visible:
            cv2.circle(canvas, place, width // 2 + 2, colour, -1, cv2.LINE_AA)


def _data_address(image_bgr: NDArray[np.uint8]) -> str:
    _, encoded = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def section(title: str, body: str) -> str:
    """Return a headed part of the page; ``body`` is HTML."""
    return f"<section><h2>{html.escape(title)}</h2>{body}</section>"


def table(head: Sequence[str], rows: Sequence[Sequence[str | float]]) -> str:
    """Return a table; see :func:`number` for its cells."""
    cells = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{number(value)}</td>" for value in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def number(value: str | float) -> str:
    """Return a cell: words as they are, counts whole, shares with three digits, nothing as –."""
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, int):
        return str(value)
    return "–" if np.isnan(value) or value < 0 else f"{value:.3f}"
