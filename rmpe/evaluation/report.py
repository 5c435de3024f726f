"""One self-contained HTML page of an OKS evaluation: figures, curves, histogram, worst pictures."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet
from rmpe.evaluation.charts import histogram_svg, precision_svg
from rmpe.evaluation.oks_scores import OksScores, PersonScore
from rmpe.evaluation.runs import Evaluation, read_set

WORST_PICTURES = 25
PICTURE_WIDTH = 440
# BGR: what the annotators drew, and what was predicted.
TRUTH_COLOUR, PREDICTION_COLOUR = (80, 220, 80), (40, 90, 255)

_STYLE = """
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


def write_report(
    path: str | Path,
    evaluation: Evaluation,
    annotations: str | Path,
    images: str | Path | None = None,
) -> None:
    """Write the page; without ``images`` it has no pictures.

    Raises:
        OSError: the page or the annotation cannot be opened.
        ValueError: the evaluation has no OKS figures (MPII, PoseTrack, LSP).
    """
    scores = evaluation.oks
    if scores is None:
        raise ValueError(f"a report needs OKS scores, {evaluation.dataset} has none")
    title = f"{evaluation.dataset} · {Path(annotations).name}"
    sections = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{len(scores.people)} annotated people, {len(evaluation.predictions)} predictions, "
        f"mean OKS {_number(scores.mean_oks)}</p>",
        '<div class="row">',
        _section("Scores", _table(("", "value"), list(scores.stats.items()))),
        _section("Precision and recall", precision_svg(scores.thresholds, scores.precision)),
        _section("OKS of annotated people", histogram_svg([p.oks for p in scores.people])),
        "</div>",
        '<div class="row">',
        _section("By joint, on people that were found", _joint_table(scores)),
        _section("By size", _size_table(scores)),
        "</div>",
    ]
    if images is not None:
        keypoint_set = read_set(evaluation.dataset, annotations, images)
        sections.append(_failure_sheet(scores, evaluation.predictions, keypoint_set))
    if evaluation.skipped:
        lines = "".join(f"<li>{html.escape(line)}</li>" for line in evaluation.skipped)
        sections.append(_section(f"Skipped ({len(evaluation.skipped)})", f"<ul>{lines}</ul>"))
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><body>{''.join(sections)}</body></html>\n"
    )
    Path(path).write_text(page, encoding="utf-8")


def worst_pictures(people: Sequence[PersonScore], count: int) -> list[tuple[int | str, float, int]]:
    """Return (image id, mean OKS, people) of the pictures with the lowest mean, worst first."""
    grouped: dict[int | str, list[float]] = {}
    for person in people:
        grouped.setdefault(person.image_id, []).append(person.oks)
    means = [(key, float(np.mean(values)), len(values)) for key, values in grouped.items()]
    return sorted(means, key=lambda entry: (entry[1], entry[0]))[:count]


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
        _draw_person(canvas, points, person.visibility > 0, limbs, TRUTH_COLOUR)
    for joints in predicted:
        _draw_person(canvas, joints[:, :2] * scale, joints[:, 2] > 0, limbs, PREDICTION_COLOUR)
    return canvas


def _draw_person(
    canvas: NDArray[np.uint8],
    points: NDArray[np.float64],
    shown: NDArray[np.bool_],
    limbs: Sequence[tuple[int, int]],
    colour: tuple[int, int, int],
) -> None:
    # Far outside the picture nothing can be seen, and OpenCV takes 32-bit integers only.
    places = np.clip(points, -10_000, 10_000).round().astype(int).tolist()
    for first, second in limbs:
        if shown[first] and shown[second]:
            cv2.line(canvas, places[first], places[second], colour, 2, cv2.LINE_AA)
    for place, visible in zip(places, shown):
        if visible:
            cv2.circle(canvas, place, 3, colour, -1, cv2.LINE_AA)


def _failure_sheet(
    scores: OksScores, predictions: Sequence[Mapping[str, Any]], keypoint_set: KeypointSet
) -> str:
    by_picture = keypoint_set.people_by_picture()
    pictures = {picture.image_id: picture for picture in keypoint_set.pictures}
    found: dict[int | str, list[NDArray[np.float64]]] = {}
    for item in predictions:
        joints = np.asarray(item["keypoints"], np.float64).reshape(-1, 3)
        found.setdefault(item["image_id"], []).append(joints)
    figures = []
    for image_id, mean, count in worst_pictures(scores.people, WORST_PICTURES):
        if image_id not in pictures:
            continue
        try:
            image = pictures[image_id].load()
        except OSError:
            continue  # already named among the skipped ones
        drawn = draw_failure(
            image, by_picture[image_id], found.get(image_id, []), keypoint_set.skeleton.limbs
        )
        name = html.escape(pictures[image_id].path.name)
        figures.append(
            f'<figure><img alt="{name}" src="{_data_address(drawn)}"><figcaption>{name}: mean OKS '
            f"{mean:.3f}, {count} people</figcaption></figure>"
        )
    legend = '<p><span class="truth">■ truth</span> <span class="found">■ prediction</span></p>'
    return _section(
        f"The {len(figures)} worst pictures", f'{legend}<div class="sheet">{"".join(figures)}</div>'
    )


def _data_address(image_bgr: NDArray[np.uint8]) -> str:
    _, encoded = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def _section(title: str, body: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{body}</section>"


def _joint_table(scores: OksScores) -> str:
    rows = [
        (joint.joint, joint.count, joint.similarity, joint.good, joint.missed)
        for joint in scores.by_joint
    ]
    return _table(("joint", "count", "similarity", "good ≥ 0.85", "missed < 0.5"), rows)


def _size_table(scores: OksScores) -> str:
    rows = [(name, v["people"], v["AP"], v["AR"]) for name, v in scores.by_size.items()]
    return _table(("size", "people", "AP", "AR"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str | float]]) -> str:
    cells = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{_number(value)}</td>" for value in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _number(value: str | float) -> str:
    """Return a cell: words as they are, counts whole, shares with three digits, nothing as –."""
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, int):
        return str(value)
    return "–" if np.isnan(value) or value < 0 else f"{value:.3f}"
