"""What is behind the people: a street, a park or a hall; drawn once and turned with the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from rmpe.synthetic.world import _textures as textures
from rmpe.synthetic.world.camera import Camera

FloatArray = npt.NDArray[np.float64]
UintArray = npt.NDArray[np.uint8]
Place = Literal["street", "park", "hall"]
Texture = Callable[[np.random.Generator, int], UintArray]

_WIDE_METRES = 120.0


class Backdrop:
    """The surroundings seen by a camera that may turn to the sides but stays in its place.

    Args:
        camera: the camera at rest.
        seed: the same seed gives the same surroundings.
        reach: greatest turn of the camera to either side, radians (at most 1).
        place: kind of surroundings.
        clear: ground kept free of walls and trees, metres ahead of the camera.

    Raises:
        ValueError: `reach` is out of range.
    """

    def __init__(
        self,
        camera: Camera,
        seed: int,
        reach: float = 0.0,
        place: Place = "street",
        clear: float = 10.0,
    ) -> None:
        if not 0.0 <= reach <= 1.0:
            raise ValueError(f"got a backdrop reach of {reach} radians, supported are 0 to 1")
        half = min(float(np.arctan(camera.width / 2.0 / camera.focal)) + reach, 1.35)
        width = int(2.0 * camera.focal * np.tan(half)) + 8
        height = int(camera.height / (np.cos(half) if reach else 1.0)) + 8
        self._camera = replace(camera, width=width, height=height)
        rng = np.random.default_rng(seed)
        self._picture = _draw_surroundings(self._camera, rng, place, clear)

    def view(self, camera: Camera) -> UintArray:
        """Picture (height, width, 3) BGR through `camera`, which differs by its turn at most."""
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


def _draw_surroundings(
    camera: Camera, rng: np.random.Generator, place: Place, clear: float
) -> UintArray:
    size = 1024 if camera.width * camera.height > 400_000 else 512
    picture = _sky(camera, rng)
    if place == "street":
        distance = clear + float(rng.uniform(1.5, 7.0))
        _draw_wall(picture, camera, distance, textures.facade(rng, size), _skyline(rng, 4.0, 12.0))
        ground: Texture = textures.paving if rng.random() < 0.6 else textures.asphalt
        _draw_ground(picture, camera, distance, ground(rng, size))
        _draw_pavement(picture, camera, distance)
        for _ in range(int(rng.integers(2, 7))):
            draw = _draw_tree if rng.random() < 0.5 else _draw_post
            draw(picture, camera, rng, float(rng.uniform(-12, 12)), -distance + 1.0)
    elif place == "park":
        distance = clear + float(rng.uniform(4.0, 20.0))
        _draw_wall(picture, camera, distance, textures.hedge(rng, size), _skyline(rng, 1.2, 7.0))
        _draw_ground(picture, camera, distance, textures.grass(rng, size))
        for _ in range(int(rng.integers(2, 9))):
            depth = -float(rng.uniform(clear + 0.5, distance))
            _draw_tree(picture, camera, rng, float(rng.uniform(-14, 14)), depth)
    else:
        distance = clear + float(rng.uniform(0.5, 4.0))
        high = [(-_WIDE_METRES, _WIDE_METRES, 12.0)]
        _draw_wall(picture, camera, distance, textures.plain_wall(rng, size), high)
        _draw_ground(picture, camera, distance, textures.boards(rng, size))
    return picture


def _sky(camera: Camera, rng: np.random.Generator) -> UintArray:
    rows = np.arange(camera.height) - (camera.height - 1) / 2.0
    upward = np.arctan(-rows / camera.focal) - camera.pitch
    up = np.clip(upward / 0.7, 0.0, 1.0)[:, None, None]
    horizon = np.array([225.0, 222.0, 218.0]) + rng.normal(0.0, 6.0, 3)
    zenith = np.array([205.0, 165.0, 120.0]) * rng.uniform(0.8, 1.15)
    clouds = cv2.resize(textures.noise(rng, 128, 0.0), (camera.width, camera.height))[..., None]
    sky = horizon * (1.0 - up) + zenith * up + 16.0 * clouds
    return np.clip(sky, 0.0, 255.0).astype(np.uint8)


def _skyline(
    rng: np.random.Generator, lowest: float, highest: float
) -> list[tuple[float, float, float]]:
    """Left end, right end and height of the pieces of a wall, metres."""
    pieces, place = [], -_WIDE_METRES
    while place < _WIDE_METRES:
        end = place + float(rng.uniform(7.0, 16.0))
        pieces.append((place, end, float(rng.uniform(lowest, highest))))
        place = end
    return pieces


def _plane_to_picture(
    camera: Camera, origin: FloatArray, across: FloatArray, along: FloatArray
) -> FloatArray:
    """Homography (3, 3) from (u, v) on the plane origin + u across + v along to pixels."""
    columns = np.stack([across, along, origin - np.array(camera.position)], axis=1)
    return np.asarray(camera.intrinsics @ camera.rotation @ columns)


def _lay_texture(
    picture: UintArray, texture: UintArray, to_picture: FloatArray, mask: UintArray
) -> None:
    """Cover `mask` with a texture whose tiles are mirrored, so that they meet without a seam."""
    height, width = picture.shape[:2]
    laid = cv2.warpPerspective(
        texture, to_picture, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    cv2.copyTo(laid, mask, picture)


def _draw_wall(
    picture: UintArray,
    camera: Camera,
    distance: float,
    texture: UintArray,
    pieces: list[tuple[float, float, float]],
) -> None:
    mask = np.zeros(picture.shape[:2], np.uint8)
    for left, right, height in pieces:
        _fill(mask, camera, _upright(left, right, 0.0, height, -distance), 255)
    metre = len(texture) / textures.WALL_METRES
    # Texture columns run to the right from 13 m left of the middle, its rows down from the top.
    origin = np.array([-13.0, textures.WALL_METRES, -distance])
    across, along = np.array([1.0, 0.0, 0.0]) / metre, np.array([0.0, -1.0, 0.0]) / metre
    _lay_texture(picture, texture, _plane_to_picture(camera, origin, across, along), mask)


def _draw_ground(picture: UintArray, camera: Camera, distance: float, texture: UintArray) -> None:
    mask = np.zeros(picture.shape[:2], np.uint8)
    mask[max(_ground_row(camera, distance), 0) :] = 255
    metre = len(texture) / textures.GROUND_METRES
    origin = np.array([-6.0, 0.0, -distance])
    across, along = np.array([1.0, 0.0, 0.0]) / metre, np.array([0.0, 0.0, 1.0]) / metre
    _lay_texture(picture, texture, _plane_to_picture(camera, origin, across, along), mask)
    # The foot of a wall is dark.
    row = _ground_row(camera, distance)
    shade = max(2, int(0.25 * camera.focal / distance))
    if 0 <= row < len(picture):
        foot = picture[max(row - shade, 0) : row]
        fade = np.linspace(0.95, 0.6, len(foot))[:, None, None]
        foot[...] = (foot * fade).astype(np.uint8)


def _draw_pavement(picture: UintArray, camera: Camera, distance: float) -> None:
    """A lighter strip before the houses, with a kerb."""
    top, bottom = _ground_row(camera, distance), _ground_row(camera, distance - 2.4)
    top, bottom = max(top, 0), min(bottom, len(picture) - 2)
    if bottom > top:
        strip = picture[top:bottom]
        strip[...] = np.minimum(strip * 1.15 + 10.0, 255.0).astype(np.uint8)
        picture[bottom : bottom + 2] //= 2


def _ground_row(camera: Camera, distance: float) -> int:
    """Row at which the ground lies `distance` metres ahead."""
    pixel, _ = camera.project(np.array([camera.position[0], 0.0, -distance]))
    return int(np.clip(round(float(pixel[1])), -1, camera.height))


def _draw_tree(
    picture: UintArray, camera: Camera, rng: np.random.Generator, x: float, z: float
) -> None:
    thick, high = float(rng.uniform(0.08, 0.2)), float(rng.uniform(1.8, 2.6))
    bark = (rng.uniform(0.5, 1.2) * np.array([40.0, 52.0, 66.0])).tolist()
    _fill(picture, camera, _upright(x - thick, x + thick, 0.0, high + 0.6, z), bark)
    centre, distance = camera.project(np.array([x, high + 1.1, z]))
    metre = camera.focal / max(float(distance), 1.0)
    green = rng.uniform(0.6, 1.2) * np.array([35.0, 85.0, 55.0])
    spread = rng.normal(0.0, 0.45, (240, 2)) * metre
    for offset in spread[np.argsort(-spread[:, 1])]:
        # Leaves that catch the light lie on top.
        light = rng.uniform(0.6, 1.2) - 0.25 * offset[1] / metre
        middle = np.round(centre + offset).astype(int).tolist()
        radius = max(1, int(rng.uniform(0.05, 0.17) * metre))
        cv2.circle(picture, middle, radius, np.clip(green * light, 0, 255).tolist(), -1)


def _draw_post(
    picture: UintArray, camera: Camera, rng: np.random.Generator, x: float, z: float
) -> None:
    high = float(rng.choice([0.9, 2.4, 4.5]))
    half = 0.05 if high > 1.0 else 0.09
    colour = (rng.uniform(30.0, 120.0) * np.ones(3)).tolist()
    _fill(picture, camera, _upright(x - half, x + half, 0.0, high, z), colour)
    if high == 2.4:
        sign = np.array(rng.uniform(40.0, 220.0, 3)).tolist()
        _fill(picture, camera, _upright(x - 0.32, x + 0.32, 1.9, 2.5, z), sign)


def _upright(left: float, right: float, low: float, high: float, z: float) -> FloatArray:
    """Corners (4, 3) of an upright rectangle that faces the camera."""
    return np.array([[left, low, z], [right, low, z], [right, high, z], [left, high, z]])


def _fill(
    picture: UintArray, camera: Camera, corners: FloatArray, colour: list[float] | int
) -> None:
    pixels, _ = camera.project(corners)
    limit = 16.0 * max(camera.width, camera.height)
    fixed = np.round(np.clip(pixels, -limit, limit) * 16.0).astype(np.int32)
    cv2.fillConvexPoly(picture, fixed, colour, cv2.LINE_AA, 4)
