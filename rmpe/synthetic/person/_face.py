"""Eyes, brows, nose and mouth as quads that lie on the front of the head."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person._trunk import HEAD_PROFILE
from rmpe.synthetic.person.appearance import Appearance
from rmpe.synthetic.person.body import (
    SKULL_HALF_DEPTH,
    SKULL_HALF_HEIGHT,
    SKULL_HALF_WIDTH,
    PosedBody,
    Proportions,
)
from rmpe.synthetic.person.mesh import Mesh, quads

FloatArray = npt.NDArray[np.float64]

LIFT = 0.012
EYE_X, EYE_Y = 0.42, 0.06
NOSE = np.array(
    [
        [0.0, 0.04, 1.00],
        [0.0, -0.26, 1.17],
        [0.17, -0.34, 0.98],
        [-0.17, -0.34, 0.98],
        [0.0, -0.38, 1.00],
    ]
)


def face_mesh(body: PosedBody, proportions: Proportions, appearance: Appearance) -> list[Mesh]:
    """All features of the face."""
    size = np.array([SKULL_HALF_WIDTH, SKULL_HALF_HEIGHT, SKULL_HALF_DEPTH])
    size = size * proportions.stature * proportions.head_scale
    skin = np.array(appearance.skin)
    parts = [_nose(body, size, skin)]
    lip = skin * np.array([0.62, 0.58, 0.80])
    hair = np.array(appearance.hair)
    brow = 0.75 * hair if appearance.hair_style != "bald" else skin * 0.55
    for side in (1.0, -1.0):
        x = side * EYE_X
        parts.append(_patch(body, size, (x, EYE_Y), (0.26, 0.16), skin * 0.72, LIFT))
        white = np.array([215.0, 218.0, 222.0]) * (0.75 + 0.25 * skin.mean() / 255.0)
        parts.append(_patch(body, size, (x, EYE_Y), (0.20, 0.085), white, LIFT + 0.002))
        iris = np.array([30.0, 36.0, 45.0])
        parts.append(_patch(body, size, (x, EYE_Y), (0.09, 0.085), iris, LIFT + 0.004))
        parts.append(_patch(body, size, (x * 1.02, EYE_Y + 0.23), (0.27, 0.05), brow, LIFT))
        if appearance.glasses:
            rim = np.array([25.0, 25.0, 28.0])
            for height in (EYE_Y + 0.17, EYE_Y - 0.17):
                parts.append(_patch(body, size, (x, height), (0.32, 0.025), rim, LIFT + 0.006))
            for edge in (0.14, 0.72):
                parts.append(
                    _patch(body, size, (side * edge, EYE_Y), (0.03, 0.17), rim, LIFT + 0.006)
                )
    parts.append(_patch(body, size, (0.0, -0.585), (0.30, 0.075), lip, LIFT))
    parts.append(_patch(body, size, (0.0, -0.585), (0.30, 0.016), lip * 0.55, LIFT + 0.002))
    parts.append(_patch(body, size, (0.0, -0.70), (0.20, 0.03), skin * 0.82, LIFT))
    return parts


def _front_depth(x: FloatArray, y: FloatArray) -> FloatArray:
    """Depth of the head's front surface at (x, y), all in units of the skull's half sizes."""
    profile = np.array(HEAD_PROFILE)
    width = np.interp(y, profile[:, 0], profile[:, 1])
    depth = np.interp(y, profile[:, 0], profile[:, 2])
    shift = np.interp(y, profile[:, 0], profile[:, 3])
    return shift + depth * np.sqrt(np.clip(1.0 - (x / width) ** 2, 0.0, 1.0))


def _patch(
    body: PosedBody,
    size: FloatArray,
    middle: tuple[float, float],
    half: tuple[float, float],
    colour: FloatArray,
    lift: float,
) -> Mesh:
    """Six-sided patch of the face about `middle` (x, y), as two quads."""
    x = middle[0] + half[0] * np.array([-1.0, -0.5, 0.5, 1.0, 0.5, -0.5])
    y = middle[1] + half[1] * np.array([0.0, 1.0, 1.0, 0.0, -1.0, -1.0])
    points = np.stack([x, y, _front_depth(x, y) + 0.01], axis=1)
    world = body.head.point(points * size)
    corners = world[np.array([[0, 1, 2, 3], [0, 3, 4, 5]])]
    inside = body.head.point(np.array([0.0, middle[1], -0.1]) * size)
    return quads(corners, np.tile(colour, (2, 1)), inside, lift)


def _nose(body: PosedBody, size: FloatArray, skin: FloatArray) -> Mesh:
    bridge, tip, left, right, base = body.head.point(NOSE * size)
    corners = np.stack(
        [
            np.stack([bridge, bridge, tip, left]),
            np.stack([bridge, bridge, right, tip]),
            np.stack([tip, tip, base, left]),
            np.stack([tip, tip, right, base]),
        ]
    )
    inside = body.head.point(np.array([0.0, -0.2, 0.5]) * size)
    colours = np.stack([skin, skin, skin * 0.6, skin * 0.6])
    return quads(corners, colours, inside, 0.006)
