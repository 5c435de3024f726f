"""Surfaces of the surroundings as square uint8 BGR pictures: ground, house fronts, walls."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person.appearance import random_bottom_colour, random_cloth_colour

UintArray = npt.NDArray[np.uint8]
FloatImage = npt.NDArray[np.float32]

GROUND_METRES = 16.0
WALL_METRES = 24.0
STOREY_METRES = 3.0


def noise(rng: np.random.Generator, size: int, fine: float = 0.25) -> FloatImage:
    """Noise of several grain sizes, (size, size), about -1..1; `fine` weighs the finest grain."""
    total = np.zeros((size, size), np.float32)
    for grain, weight in ((4, 0.45), (16, 0.3), (64, 0.25)):
        coarse = rng.standard_normal((grain, grain), dtype=np.float32) * weight
        total += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)
    if fine:
        total += fine * rng.standard_normal((size, size), dtype=np.float32)
    return total


def finish(picture: FloatImage) -> UintArray:
    """Cut to 0..255 and make uint8."""
    return np.clip(picture, 0.0, 255.0).astype(np.uint8)


def paving(rng: np.random.Generator, size: int) -> UintArray:
    """Slabs with joints and stains, GROUND_METRES wide."""
    base = _plain(rng, size, rng.uniform(105.0, 170.0), 12.0)
    rows, columns = 2 ** int(rng.integers(3, 6)), 2 ** int(rng.integers(3, 6))
    tint = rng.normal(0.0, 6.0, (rows, columns)).astype(np.float32)
    base += cv2.resize(tint, (size, size), interpolation=cv2.INTER_NEAREST)[..., None]
    joint = max(1, size // 512)
    for line in range(0, size, size // rows):
        base[line : line + joint] -= 30.0
    for line in range(0, size, size // columns):
        base[:, line : line + joint] -= 30.0
    return finish(_spotted(base, rng))


def asphalt(rng: np.random.Generator, size: int) -> UintArray:
    """Asphalt with painted lines, GROUND_METRES wide."""
    base = _plain(rng, size, rng.uniform(70.0, 125.0), 10.0)
    speckle = rng.standard_normal((size, size), dtype=np.float32) * 9.0
    base += speckle[..., None]
    if rng.random() < 0.7:
        width = max(2, size // 110)
        for line in range(size // 8, size, size // 4):
            base[:, line : line + width] = base[:, line : line + width] * 0.35 + 140.0
    return finish(_spotted(base, rng))


def grass(rng: np.random.Generator, size: int) -> UintArray:
    """A lawn, GROUND_METRES wide."""
    base = _plain(rng, size, 90.0, 14.0)
    base *= np.array([0.45, 1.05, 0.75], np.float32) * rng.uniform(0.8, 1.3)
    blades = rng.standard_normal((size, size), dtype=np.float32) * 14.0
    base += blades[..., None] * np.array([0.5, 1.0, 0.7], np.float32)
    return finish(base)


def boards(rng: np.random.Generator, size: int) -> UintArray:
    """A wooden or linoleum floor, GROUND_METRES wide."""
    wood = np.array([90.0, 130.0, 175.0]) * rng.uniform(0.6, 1.15)
    base = np.full((size, size, 3), wood, np.float32)
    width = max(4, int(0.14 * size / GROUND_METRES) * int(rng.integers(1, 5)))
    lines = rng.normal(0.0, 9.0, (size // width + 1, 1)).astype(np.float32)
    base += np.repeat(lines, width, axis=0)[:size, :, None]
    base[::width] -= 25.0
    return finish(base + 6.0 * noise(rng, size)[..., None])


def hedge(rng: np.random.Generator, size: int) -> UintArray:
    """Leaves and bushes, WALL_METRES wide."""
    base = _plain(rng, size, 70.0, 22.0)
    base *= np.array([0.55, 1.1, 0.7], np.float32) * rng.uniform(0.7, 1.1)
    leaves = cv2.resize(
        rng.standard_normal((size // 3, size // 3), dtype=np.float32) * 20.0, (size, size)
    )
    base += leaves[..., None] * np.array([0.6, 1.0, 0.7], np.float32)
    return finish(base)


def plain_wall(rng: np.random.Generator, size: int) -> UintArray:
    """The wall of a room with pictures and doors, WALL_METRES wide; its lower edge is the floor."""
    base = _plain(rng, size, rng.uniform(120.0, 220.0), 4.0)
    metre = size / WALL_METRES
    base[size - int(0.12 * metre) :] *= 0.55
    place = 0.0
    while place < WALL_METRES:
        place += float(rng.uniform(0.8, 3.0))
        left = int(place * metre)
        if rng.random() < 0.3:
            top = size - int(2.1 * metre)
            base[top:, left : left + int(metre)] = random_bottom_colour(rng)
        else:
            top = size - int(rng.uniform(1.7, 2.4) * metre)
            right, bottom = left + int(rng.uniform(0.4, 1.2) * metre), top + int(0.6 * metre)
            base[top - 3 : bottom + 3, max(left - 3, 0) : right + 3] = 60.0
            base[top:bottom, left:right] = random_cloth_colour(rng)
        place += 1.0
    return finish(base)


def facade(rng: np.random.Generator, size: int) -> UintArray:
    """A row of houses, WALL_METRES wide; its lower edge is the ground."""
    metre = size / WALL_METRES
    picture = np.zeros((size, size, 3), np.float32)
    left = 0
    while left < size:
        right = min(size, left + int(rng.uniform(5.0, 9.0) * metre))
        _draw_house(picture, left, right, metre, rng)
        left = right
    picture += 8.0 * noise(rng, size, 0.8)[..., None]
    return finish(picture)


def _plain(rng: np.random.Generator, size: int, tone: float, spread: float) -> FloatImage:
    colour = np.full((1, 1, 3), tone, np.float32) + rng.normal(0.0, 4.0, 3).astype(np.float32)
    return np.asarray(colour + spread * noise(rng, size)[..., None], np.float32)


def _spotted(picture: FloatImage, rng: np.random.Generator) -> FloatImage:
    size = len(picture)
    for _ in range(30):
        x, y = (int(value) for value in rng.integers(0, size, 2))
        colour = (picture[y, x] * rng.uniform(0.75, 1.1)).tolist()
        axes = (int(rng.integers(1, size // 90 + 2)), int(rng.integers(1, size // 90 + 2)))
        cv2.ellipse(picture, (x, y), axes, 0.0, 0.0, 360.0, colour, -1)
    return picture


def _draw_house(
    picture: FloatImage, left: int, right: int, metre: float, rng: np.random.Generator
) -> None:
    size = len(picture)
    warmth = float(rng.uniform(-2.0, 16.0))
    tone = rng.uniform(75.0, 205.0) + warmth * np.array([-1.0, 0.0, 0.8]) + rng.normal(0.0, 3.0, 3)
    picture[:, left:right] = tone
    if rng.random() < 0.5:
        course = max(3, int(0.12 * metre))
        for number, row in enumerate(range(0, size, course)):
            picture[row, left:right] *= 0.86
            begin = left + (number % 2) * course
            picture[row : row + course, begin : right : 2 * course] *= 0.9
    frame = np.clip(tone * rng.uniform(0.5, 1.4), 0.0, 235.0)
    wide, tall = rng.uniform(0.9, 1.3) * metre, rng.uniform(1.3, 1.7) * metre
    gap = rng.uniform(1.2, 2.2) * metre
    shop = right - left > 4.0 * metre and rng.random() < 0.45
    for floor in range(1 if shop else 0, int(WALL_METRES / STOREY_METRES)):
        bottom = size - floor * STOREY_METRES * metre - 0.85 * metre
        place = left + 0.5 * metre
        while place + wide < right - 0.3 * metre:
            _draw_window(picture, int(place), int(bottom), int(wide), int(tall), frame, rng)
            place += wide + gap
    if shop:
        _draw_shop(picture, left, right, metre, rng)
    door = int(rng.uniform(left + 0.3 * metre, max(left + 0.31 * metre, right - 1.5 * metre)))
    top = size - int(2.2 * metre)
    picture[top - 3 :, max(door - 3, 0) : door + int(1.1 * metre) + 3] = frame
    picture[top:, door : door + int(1.1 * metre)] = random_bottom_colour(rng)


def _draw_window(
    picture: FloatImage,
    left: int,
    bottom: int,
    wide: int,
    tall: int,
    frame: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    edge = max(1, wide // 14)
    top, right = bottom - tall, left + wide
    picture[top - edge : bottom + 2 * edge, left - edge : right + edge] = frame
    glass = rng.uniform(25.0, 95.0) + np.array([10.0, 4.0, -2.0])
    sheen = np.linspace(1.5, 0.75, tall)[:, None, None]
    picture[top:bottom, left:right] = glass * sheen
    if rng.random() < 0.4:
        curtain = max(1, wide // 5)
        picture[top:bottom, left : left + curtain] = 150.0
        picture[top:bottom, right - curtain : right] = 150.0
    middle = (left + right) // 2
    picture[top:bottom, middle : middle + edge] = frame
    picture[bottom + edge : bottom + 2 * edge, left - 2 * edge : right + 2 * edge] *= 0.6


def _draw_shop(
    picture: FloatImage, left: int, right: int, metre: float, rng: np.random.Generator
) -> None:
    size = len(picture)
    sign = slice(size - int(3.0 * metre), size - int(2.55 * metre))
    picture[sign, left + 6 : right - 6] = random_cloth_colour(rng)
    pane = slice(size - int(2.4 * metre), size - int(0.5 * metre))
    picture[pane, left + int(0.4 * metre) : right - int(0.4 * metre)] = (70.0, 62.0, 55.0)
    for _ in range(14):
        x = int(rng.uniform(left + 0.4 * metre, right - 0.7 * metre))
        y = size - int(rng.uniform(0.6, 2.0) * metre)
        colour = np.array(random_cloth_colour(rng)) * 0.6
        picture[y : y + int(0.3 * metre), x : x + int(0.25 * metre)] = colour
    for x in range(left + int(0.4 * metre), right, max(2, int(1.6 * metre))):
        picture[pane, x : x + 2] = 40.0
