"""The weights in the package: size, card, and people found in rendered scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rmpe.detectors import build_detector
from rmpe.training.bundled.synthetic_boxes import render_people_pictures
from tools.scores.detection_scores import BoxTruth, score_boxes

WEIGHTS = "rmpe/weights/compact_detector.safetensors"


def test_the_file_is_small_and_has_a_card(repository: Path) -> None:
    assert (repository / WEIGHTS).stat().st_size <= 12e6
    card = (repository / WEIGHTS).with_suffix(".md").read_text(encoding="utf-8")
    for part in ("Apache-2.0", "seed", "held-out", "Known failures"):
        assert part.lower() in card.lower()


def test_rendered_people_are_found() -> None:
    pictures = render_people_pictures(6, seed=12345)
    detector = build_detector("compact", device="cpu", runtime="torch", precision="fp32")
    found = [detector([picture.load()])[0] for picture in pictures]
    truth = [BoxTruth(p.boxes_xyxy, p.ignore_xyxy, p.complete) for p in pictures]
    scores = score_boxes(found, truth, min_height=80)
    assert scores.people > 5
    assert scores.recall()[-1] >= 0.5
    assert scores.precision()[-1] >= 0.5


def test_noise_has_nobody_in_it() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    detector = build_detector("compact", device="cpu", runtime="torch", precision="fp32")
    assert len(detector([noise])[0]) == 0
