"""Rendered pictures with person boxes, some before a photograph without people."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.synthetic import random_people_picture
from rmpe.training.bundled.person_boxes import PersonPicture

ImageArray = NDArray[np.uint8]

LEAST_VISIBLE = 0.3
"""People of whom less is to be seen are ignored, not counted as background."""
_SIZES = ((480, 360), (512, 288), (360, 480), (400, 400))


def render_people_pictures(
    count: int, seed: int, backgrounds: Sequence[PersonPicture] = ()
) -> list[PersonPicture]:
    """Render ``count`` pictures of 1 to 8 people with complete boxes.

    Args:
        count: pictures; a picture takes about 0.15 s.
        seed: of everything random.
        backgrounds: pictures without people, of which half the rendered people get one behind them.

    Returns:
        Pictures of source ``synthetic``, kept in memory as JPEG.
    """
    random = np.random.default_rng(seed)
    return [_render(number, random, backgrounds) for number in range(count)]


def _render(
    number: int, random: np.random.Generator, backgrounds: Sequence[PersonPicture]
) -> PersonPicture:
    width, height = _SIZES[int(random.integers(len(_SIZES)))]
    background = None
    if backgrounds and random.random() < 0.5:
        chosen = backgrounds[int(random.integers(len(backgrounds)))].load()
        background = np.asarray(cv2.resize(chosen, (width, height)), np.uint8)
    frame = random_people_picture(
        random,
        int(random.integers(1, 9)),
        width,
        height,
        rare=bool(random.random() < 0.4),
        background_bgr=background,
        smallest=float(random.uniform(0.08, 0.3)),
    )
    quality = int(random.integers(70, 96))
    stored = cv2.imencode(".jpg", frame.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    seen = frame.visible_fraction >= LEAST_VISIBLE
    return PersonPicture(
        f"{number:06d}",
        "synthetic",
        frame.boxes_xyxy[seen],
        frame.boxes_xyxy[~seen],
        True,
        partial(_decode, stored),
    )


def _decode(stored: NDArray[np.uint8]) -> ImageArray:
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)
