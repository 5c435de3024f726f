"""The street behind the people: paved ground, house fronts, sky; drawn once and turned with the
camera."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rmpe.synthetic.appearance import random_bottom_colour, random_cloth_colour
from rmpe.synthetic.camera import Camera

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]
AnyFloat = npt.NDArray[np.floating[Any]]
UintArray = npt.NDArray[np.uint8]

GROUND_METRES = 16.0
FACADE_METRES = 24.0


class Backdrop:
    """A street seen by a camera that may turn to the sides but stays in its place.

    Args:
        camera: the camera at rest.
        seed: the same seed gives the same street.
        reach: greatest turn of the camera to either side, radians (at most 1).
    """

    def __init__(self, camera: Camera, seed: int, reach: float = 0.0) -> None:
        if not 0.0 <= reach <= 1.0:
            raise ValueError(f"got a backdrop reach of {reach} radians, supported are 0 to 1")
        half = np.arctan(camera.width / 2.0 / camera.focal) + reach + 0.02
        width = int(2.0 * camera.focal * np.tan(min(half, 1.35))) + 2
        tall = int(camera.height / np.cos(min(half, 1.35)) ** (1.0 if reach else 0.0)) + 2
        self._camera = replace(camera, width=width, height=tall)
        self._picture = _draw_street(self._camera, np.random.default_rng(seed))

    def view(self, camera: Camera) -> UintArray:
        """Picture (height, width, 3) BGR of the street through `camera`, which may differ by its
        turn only."""
        base = self._camera
        turn = base.rotation @ camera.rotation.T
        to_base = base.intrinsics @ turn @ np.linalg.inv(camera.intrinsics)
        return np.asarray(
            cv2.warpPerspective(
                self._picture,
                to_base,
                (camera.width, camera.height),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            dtype=np.uint8,
        )


def _draw_street(camera: Camera, rng: np.random.Generator) -> UintArray:
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width].astype(np.float32)
    centre = ((camera.width - 1) / 2.0, (camera.height - 1) / 2.0)
    rays = np.stack(
        [
            (columns - centre[0]) / camera.focal,
            (rows - centre[1]) / camera.focal,
            np.ones_like(rows),
        ],
        axis=2,
    ) @ camera.rotation.astype(np.float32)
    texture_size = 1024 if camera.height > 400 else 512
    wall_distance = float(rng.uniform(11.0, 20.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        to_ground = np.where(rays[..., 1] < -1e-4, -camera.position[1] / rays[..., 1], np.inf)
        to_wall = np.where(rays[..., 2] < -1e-4, -wall_distance / rays[..., 2], np.inf)
    picture: AnyFloat = _sky(rays, rng)
    ahead = np.isfinite(to_wall)
    wall_x = rays[..., 0] * np.where(ahead, to_wall, 0.0)
    wall_y = camera.position[1] + rays[..., 1] * np.where(ahead, to_wall, 0.0)
    skyline = np.interp(wall_x.ravel(), *_skyline(rng)).reshape(wall_x.shape)
    on_wall = (wall_y >= 0.0) & (wall_y < skyline) & ahead
    facade = _sample(_facade_texture(rng, texture_size)[::-1], wall_x + 11.0, wall_y, FACADE_METRES)
    picture[on_wall] = facade[on_wall]
    on_ground = (to_ground < to_wall) & np.isfinite(to_ground)
    reached = np.where(on_ground, to_ground, 0.0)
    ground_x, ground_z = rays[..., 0] * reached, rays[..., 2] * reached
    ground = _sample(_ground_texture(rng, texture_size), ground_x + 6.0, ground_z, GROUND_METRES)
    haze = np.clip(1.0 - reached / 60.0, 0.6, 1.0)[..., None]
    hazy = ground * haze + 150.0 * (1.0 - haze)
    kerb = (ground_z < -wall_distance + 2.2)[..., None]
    paved = np.where(kerb, np.minimum(hazy * 1.18 + 8.0, 255.0), hazy)
    picture[on_ground] = paved[on_ground]
    foot = np.clip(1.0 - np.abs(wall_y) / 0.5, 0.0, 1.0) * on_wall
    picture *= 1.0 - 0.35 * foot[..., None]
    return np.clip(picture, 0.0, 255.0).astype(np.uint8)


def _sample(texture: FloatImage, x: AnyFloat, y: AnyFloat, metres: float) -> FloatImage:
    size = len(texture)
    scale = size / metres
    period = 2.0 * (size - 1)
    # Every second tile is mirrored, so that tiles meet without a seam.
    columns = size - 1 - np.abs(x * scale % period - (size - 1))
    rows = size - 1 - np.abs(y * scale % period - (size - 1))
    return np.asarray(
        cv2.remap(texture, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR),
        dtype=np.float32,
    )


def _sky(rays: FloatImage, rng: np.random.Generator) -> FloatImage:
    up = np.clip(rays[..., 1] / np.linalg.norm(rays, axis=2), 0.0, 0.7)[..., None] / 0.7
    horizon = np.array([225.0, 222.0, 218.0]) + rng.normal(0.0, 6.0, 3)
    zenith = np.array([205.0, 165.0, 120.0]) * rng.uniform(0.8, 1.15)
    clouds = cv2.resize(_noise(rng, 256), (rays.shape[1], rays.shape[0]))[..., None]
    sky = horizon * (1.0 - up) + zenith * up + 22.0 * clouds
    return np.asarray(sky, dtype=np.float32)


def _skyline(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    edges, heights, place = [], [], -90.0
    while place < 90.0:
        width, height = rng.uniform(7.0, 16.0), rng.uniform(4.0, 12.0)
        edges += [place, place + width - 0.01]
        heights += [height, height]
        place += width
    return np.array(edges), np.array(heights)


def _noise(rng: np.random.Generator, size: int) -> FloatImage:
    """Noise of several grain sizes, (size, size), about -1..1."""
    total = np.zeros((size, size), np.float32)
    for grain, weight in ((4, 0.45), (16, 0.3), (64, 0.25), (size, 0.25)):
        coarse = rng.normal(size=(grain, grain)).astype(np.float32)
        total += weight * cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return total


def _ground_texture(rng: np.random.Generator, size: int) -> FloatImage:
    """Paving or asphalt with stains, (size, size, 3) BGR."""
    base = np.full((size, size, 3), rng.uniform(95.0, 165.0), np.float32)
    base += rng.normal(0.0, 5.0, 3).astype(np.float32)
    base += 14.0 * _noise(rng, size)[..., None]
    if rng.random() < 0.65:
        rows, columns = 2 ** int(rng.integers(3, 6)), 2 ** int(rng.integers(3, 6))
        tint = rng.normal(0.0, 7.0, (rows, columns)).astype(np.float32)
        slabs = cv2.resize(tint, (size, size), interpolation=cv2.INTER_NEAREST)
        base += slabs[..., None]
        for line in range(0, size, size // rows):
            base[line : line + 2] -= 32.0
        for line in range(0, size, size // columns):
            base[:, line : line + 2] -= 32.0
    else:
        speckle = rng.normal(0.0, 13.0, (size, size, 1)).astype(np.float32)
        base += cv2.GaussianBlur(speckle, (0, 0), 0.7)[..., None]
        width = size // 20
        for line in range(0, size, size // 4):
            base[:, line : line + width // 2] = base[:, line : line + width // 2] * 0.4 + 130.0
    for _ in range(30):
        spot = tuple(int(value) for value in rng.integers(0, size, 2))
        colour = (base[spot[1], spot[0]] * rng.uniform(0.75, 1.1)).tolist()
        cv2.circle(base, spot, int(rng.integers(2, 9)), colour, -1, cv2.LINE_AA)
    return base


def _facade_texture(rng: np.random.Generator, size: int) -> FloatImage:
    """A row of houses with windows, doors and signs, (size, size, 3) BGR; the ground is its lower
    edge."""
    metre = size / FACADE_METRES
    picture = np.zeros((size, size, 3), np.float32)
    left = 0
    while left < size:
        right = min(size, left + int(rng.uniform(5.0, 9.0) * metre))
        _draw_house(picture, left, right, metre, rng)
        left = right
    picture += 9.0 * _noise(rng, size)[..., None]
    grain = rng.normal(0.0, 6.0, (size, size, 1)).astype(np.float32)
    picture += grain
    return np.clip(picture, 0.0, 255.0)


def _draw_house(
    picture: FloatImage, left: int, right: int, metre: float, rng: np.random.Generator
) -> None:
    size = picture.shape[0]
    warmth = rng.uniform(-2.0, 14.0)
    tone = rng.uniform(75.0, 205.0) + warmth * np.array([-1.0, 0.0, 0.8]) + rng.normal(0.0, 4.0, 3)
    picture[:, left:right] = tone
    if rng.random() < 0.5:
        course = max(3, int(0.12 * metre))
        picture[::course, left:right] *= 0.86
        for number, row in enumerate(range(0, size, course)):
            begin = left + (number % 2) * course
            picture[row : row + course, begin : right : 2 * course] *= 0.88
    frame = np.clip(tone * rng.uniform(0.5, 1.4), 0.0, 255.0)
    storey, gap = 3.0 * metre, rng.uniform(1.5, 2.4) * metre
    wide, tall = rng.uniform(0.8, 1.2) * metre, rng.uniform(1.2, 1.7) * metre
    for floor in range(int(FACADE_METRES / 3.0)):
        bottom = size - floor * storey - (0.9 if floor else 0.7) * metre
        place = left + 0.5 * metre
        while place + wide < right - 0.3 * metre:
            glass = rng.uniform(25.0, 120.0) + rng.normal(0.0, 8.0, 3)
            low, high = (int(place), int(bottom - tall)), (int(place + wide), int(bottom))
            edge = max(1, int(0.08 * metre))
            outer = (slice(low[1] - edge, high[1] + edge), slice(low[0] - edge, high[0] + edge))
            picture[outer] = frame
            picture[low[1] : high[1], low[0] : high[0]] = glass
            middle = (low[0] + high[0]) // 2
            picture[low[1] : high[1], middle : middle + edge] = frame
            place += wide + gap
    door = int(rng.uniform(left + 0.3 * metre, max(left + 0.31 * metre, right - 1.5 * metre)))
    colour = np.array(random_bottom_colour(rng))
    picture[size - int(2.2 * metre) :, door : door + int(1.1 * metre)] = colour
    if rng.random() < 0.5:
        sign = slice(size - int(3.1 * metre), size - int(2.6 * metre))
        picture[sign, left + 8 : right - 8] = random_cloth_colour(rng)
