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
:root{color-scheme:light dark;--page:#fff;--ink:#1c2733;--quiet:#51606f;--line:#dde3ea;
--strong:#9aa8b6;--truth:#1e8a1e;--found:#c9430f;--bar:#3b78a8}
@media(prefers-color-scheme:dark){:root{--page:#12171d;--ink:#e6ebf1;--quiet:#a3afbd;--line:#2b3440;
--strong:#5a6675;--truth:#5bd05b;--found:#ff8a4d;--bar:#6ea8d8}}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1180px;padding:0 1rem;
color:var(--ink);background:var(--page)}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .6rem}p{margin:.3rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.22rem .7rem;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid var(--strong)}
.row{display:flex;flex-wrap:wrap;gap:2.2rem;align-items:flex-start}
section{min-width:0;max-width:100%}.wide{overflow-x:auto}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:1rem}
figure{margin:0}figure img{width:100%;border-radius:4px}
figcaption{font-size:.85rem;color:var(--quiet)}
.truth{color:var(--truth);font-weight:600}.found{color:var(--found);font-weight:600}
svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--quiet)}
svg .grid{stroke:var(--line)}svg .bar{fill:var(--bar)}
.key{display:flex;flex-wrap:wrap;gap:.2rem .9rem;padding:0;margin:.3rem 0;list-style:none;
max-width:430px;font-size:.85rem}
.key i{display:inline-block;width:18px;height:4px;border-radius:2px;vertical-align:middle;
margin-right:.35rem}
"""


def page(title: str, sections: Sequence[str]) -> str:
    """Return a whole page."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
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
    legend = (
        '<p><span class="truth">■ truth</span>, broad, with how well it was found · '
        '<span class="found">■ prediction</span>, thin, with its score where there is one</p>'
    )
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
    truth_scores: Sequence[float | None] = (),
    predicted_scores: Sequence[float | None] = (),
) -> NDArray[np.uint8]:
    """Return a small copy of a picture with truth (green) and predictions (orange) on it.

    Args:
        image_bgr: picture, uint8 (H, W, 3).
        truth: annotated people.
        predicted: joints (K, 3) of every predicted person.
        limbs: pairs of joints to join.
        truth_scores: how well each annotated person was found, written above them; none of it if
            empty.
        predicted_scores: score of each prediction, written below it; none of it if empty.
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
    for person, score in zip(truth, truth_scores):
        points = person.keypoints_xy.astype(np.float64)[person.visibility > 0] * scale
        _write_score(canvas, points, score, TRUTH_COLOUR, above=True)
    for joints, score in zip(predicted, predicted_scores):
        points = joints[joints[:, 2] > 0, :2] * scale
        _write_score(canvas, points, score, PREDICTION_COLOUR, above=False)
    return canvas


def _write_score(
    canvas: NDArray[np.uint8],
    points: NDArray[np.float64],
    score: float | None,
    colour: tuple[int, int, int],
    above: bool,
) -> None:
    """Write a score at the uppermost or lowest joint, with a dark edge so that it can be read."""
    if score is None or not np.isfinite(score) or not len(points):
        return
    place = points[points[:, 1].argmin() if above else points[:, 1].argmax()]
    height, width = canvas.shape[:2]
    x = int(np.clip(place[0] - 14, 0, max(width - 36, 0)))
    y = int(np.clip(place[1] + (-8 if above else 16), 12, max(height - 3, 12)))
    for ink, thickness in (((0, 0, 0), 3), (colour, 1)):
        cv2.putText(
            canvas,
            f"{score:.2f}",
            (x, y),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.45,
            ink,
            thickness,
            cv2.LINE_AA,
        )


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
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Table">'
        f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def number(value: str | float) -> str:
    """Return a cell: words as they are, counts whole, shares with three digits, nothing as –."""
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, int):
        return str(value)
    return "–" if np.isnan(value) or value < 0 else f"{value:.3f}"
