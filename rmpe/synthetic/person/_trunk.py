"""Trunk, neck, skirt, backpack and head as meshes over a posed body."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person.appearance import Appearance, fold_shade, top_colours
from rmpe.synthetic.person.body import (
    HIP_HEIGHT,
    LUMBAR_HEIGHT,
    NECK_HEIGHT,
    SKULL_HALF_DEPTH,
    SKULL_HALF_HEIGHT,
    SKULL_HALF_WIDTH,
    PosedBody,
    Proportions,
)
from rmpe.synthetic.person.mesh import (
    Mesh,
    Rings,
    loft,
    quads,
    resample,
    ring_angles,
    straight_tube,
)

FloatArray = npt.NDArray[np.float64]

# Rows: height, half-width, half-depth, shift to the front; fractions of stature.
TRUNK_PROFILE: list[tuple[float, ...]] = [
    (0.465, 0.020, 0.025, -0.002),
    (0.472, 0.060, 0.045, -0.004),
    (0.490, 0.086, 0.058, -0.006),
    (0.520, 0.096, 0.064, -0.007),
    (0.555, 0.092, 0.061, -0.003),
    (0.590, 0.083, 0.055, 0.000),
    (0.625, 0.081, 0.054, 0.002),
    (0.660, 0.085, 0.057, 0.002),
    (0.700, 0.091, 0.062, 0.002),
    (0.740, 0.096, 0.065, 0.002),
    (0.770, 0.096, 0.062, 0.000),
    (0.795, 0.094, 0.056, -0.004),
    (0.813, 0.091, 0.049, -0.007),
    (0.826, 0.080, 0.044, -0.009),
    (0.838, 0.061, 0.040, -0.010),
    (0.850, 0.043, 0.037, -0.009),
    (0.862, 0.035, 0.034, -0.007),
]
TRUNK_RINGS, TRUNK_SEGMENTS = 36, 28
# Rows: height (-1 chin, 1 crown), half-width, half-depth, shift to the front; in units of the
# skull's half sizes.
HEAD_PROFILE: list[tuple[float, ...]] = [
    (-1.00, 0.10, 0.10, 0.46),
    (-0.97, 0.34, 0.32, 0.44),
    (-0.85, 0.54, 0.54, 0.36),
    (-0.66, 0.70, 0.72, 0.24),
    (-0.40, 0.82, 0.85, 0.10),
    (-0.10, 0.92, 0.95, 0.02),
    (0.20, 0.98, 1.00, -0.02),
    (0.45, 0.99, 0.99, -0.04),
    (0.68, 0.88, 0.88, -0.05),
    (0.85, 0.66, 0.67, -0.05),
    (0.96, 0.36, 0.37, -0.05),
    (1.00, 0.05, 0.05, -0.05),
]
HEAD_RINGS, HEAD_SEGMENTS = 22, 24


def trunk_mesh(body: PosedBody, proportions: Proportions, appearance: Appearance) -> list[Mesh]:
    """Trunk in its clothes, the neck, and what hangs on them."""
    rows = resample(TRUNK_PROFILE, TRUNK_RINGS)
    rings = _trunk_rings(body, proportions, rows, appearance.looseness)
    heights = (rows[:-1, 0] + rows[1:, 0]) / 2.0
    angles = ring_angles(TRUNK_SEGMENTS)
    along = ((NECK_HEIGHT - heights) * proportions.stature)[:, None]
    colours = top_colours(appearance, angles[None, :], along)
    waist = 0.53 if appearance.bottoms in ("trousers", "shorts", "skirt") else 0.0
    legs = heights < waist
    belt = (heights >= 0.53) & (heights < 0.545) & (appearance.bottoms in ("trousers", "shorts"))
    colours = np.where(legs[:, None, None], np.array(appearance.bottom), colours)
    colours = np.where(belt[:, None, None], np.array(appearance.shoes) * 0.5, colours)
    opening = (heights[:, None] > 0.848) | (
        (heights[:, None] > 0.826) & (np.abs(angles - np.pi / 2) < 0.5)
    )
    colours = np.where(opening[..., None], np.array(appearance.skin), colours)
    folds = fold_shade((TRUNK_RINGS - 1, TRUNK_SEGMENTS), appearance.fold_seed + 5, 0.08)
    parts = [loft(rings, colours * folds[..., None], squareness=2.5)]
    parts.append(_neck(body, proportions, appearance))
    if appearance.bottoms in ("skirt", "dress", "coat"):
        parts.append(_skirt(body, proportions, appearance))
    if appearance.backpack is not None:
        parts.append(_backpack(body, proportions, appearance.backpack))
    return parts


def _trunk_rings(
    body: PosedBody, proportions: Proportions, rows: FloatArray, looseness: float
) -> Rings:
    stature = proportions.stature
    low = np.zeros((len(rows), 3))
    low[:, 1], low[:, 2] = (rows[:, 0] - HIP_HEIGHT) * stature, rows[:, 3] * stature
    high = low.copy()
    high[:, 1] = (rows[:, 0] - LUMBAR_HEIGHT) * stature
    share = np.clip((rows[:, 0] - 0.555) / 0.13, 0.0, 1.0)
    share = (share * share * (3.0 - 2.0 * share))[:, None]
    centres = body.pelvis.point(low) * (1.0 - share) + body.chest.point(high) * share
    sides = body.pelvis.axes[:, 0] * (1.0 - share) + body.chest.axes[:, 0] * share
    fronts = body.pelvis.axes[:, 2] * (1.0 - share) + body.chest.axes[:, 2] * share
    width = np.interp(
        rows[:, 0], [0.5, 0.6, 0.8], [proportions.hip_scale, 1.0, proportions.shoulder_scale]
    )
    loose = np.interp(rows[:, 0], [0.47, 0.53, 0.8, 0.83], [1.0, looseness, looseness, 1.0])
    girth = np.interp(rows[:, 0], [0.5, 0.6, 0.8, 0.84], [1.0, 1.25, 1.0, 0.7])
    girth = 1.0 + (proportions.girth - 1.0) * girth
    return Rings(
        centres,
        sides / np.linalg.norm(sides, axis=1, keepdims=True),
        fronts / np.linalg.norm(fronts, axis=1, keepdims=True),
        rows[:, 1] * stature * width * loose * np.sqrt(girth),
        rows[:, 2] * stature * loose * girth,
    )


def _neck(body: PosedBody, proportions: Proportions, appearance: Appearance) -> Mesh:
    stature = proportions.stature
    begin = body.chest.point((0.0, (0.825 - LUMBAR_HEIGHT) * stature, -0.008 * stature))
    end = body.head.point((0.0, -0.35 * SKULL_HALF_HEIGHT * stature, -0.006 * stature))
    profile = np.array(
        [[0.0, 0.040, 0.038], [0.3, 0.034, 0.034], [0.6, 0.031, 0.033], [1.0, 0.031, 0.034]]
    )
    profile[:, 1:] *= stature * np.sqrt(proportions.girth)
    colours = np.tile(np.array(appearance.skin) * 0.93, (3, 12, 1))
    return loft(straight_tube(begin, end, body.chest.axes[:, 0], profile), colours)


def _skirt(body: PosedBody, proportions: Proportions, appearance: Appearance) -> Mesh:
    stature = proportions.stature
    knees = [segments[1].origin for segments in body.legs]
    begin = body.pelvis.point((0.0, 0.045 * stature, -0.002 * stature))
    end = begin + ((knees[0] + knees[1]) / 2.0 - begin) * 0.92
    spread = float(np.linalg.norm(knees[0] - knees[1])) / 2.0
    side = body.pelvis.axes[:, 0]
    hem_wide = max(0.075 * stature, abs(float((knees[0] - knees[1]) @ side)) / 2 + 0.05 * stature)
    hem_deep = max(0.065 * stature, 0.75 * spread + 0.045 * stature)
    hip = 0.101 * stature * proportions.hip_scale * appearance.looseness
    profile = np.array(
        [
            [0.0, hip * 0.93, 0.066 * stature],
            [0.25, hip * 1.06, 0.080 * stature],
            [1.0, hem_wide, hem_deep],
        ]
    )
    profile[:, 1:] *= np.sqrt(proportions.girth)
    rows = np.stack(
        [np.interp(np.linspace(0, 1, 14), profile[:, 0], column) for column in profile.T], axis=1
    )
    colour = appearance.bottom if appearance.bottoms == "skirt" else appearance.top
    folds = fold_shade((13, 24), appearance.fold_seed + 11, 0.12)
    return loft(
        straight_tube(begin, end, side, rows), folds[..., None] * np.array(colour), lift=0.05
    )


def _backpack(
    body: PosedBody, proportions: Proportions, colour: tuple[float, float, float]
) -> Mesh:
    stature = proportions.stature
    back = -(0.060 * proportions.girth + 0.055) * stature
    begin = body.chest.point((0.0, (0.825 - LUMBAR_HEIGHT) * stature, back))
    end = body.chest.point((0.0, (0.615 - LUMBAR_HEIGHT) * stature, back))
    profile = np.array(
        [
            [0.0, 0.02, 0.02],
            [0.03, 0.065, 0.045],
            [0.2, 0.078, 0.055],
            [0.8, 0.082, 0.060],
            [0.97, 0.07, 0.05],
            [1.0, 0.02, 0.02],
        ]
    )
    profile[:, 1:] *= stature
    shades = np.ones((5, 16, 1))
    shades[3] = 0.8
    tube = straight_tube(begin, end, body.chest.axes[:, 0], profile)
    return loft(tube, shades * np.array(colour), squareness=3.5)


def head_mesh(body: PosedBody, proportions: Proportions, appearance: Appearance) -> list[Mesh]:
    """Skull with face and hair, ears, and long hair or a hat."""
    size = np.array([SKULL_HALF_WIDTH, SKULL_HALF_HEIGHT, SKULL_HALF_DEPTH])
    size = size * proportions.stature * proportions.head_scale
    rows = resample(HEAD_PROFILE, HEAD_RINGS)
    angles = ring_angles(HEAD_SEGMENTS)
    heights = (rows[:-1, 0] + rows[1:, 0])[:, None] / 2.0
    hair = heights > _hairline(angles, appearance)[None, :]
    skin = np.broadcast_to(np.array(appearance.skin), (*hair.shape, 3)).copy()
    if appearance.beard:
        chin = (heights < -0.42) & (np.sin(angles) > -0.2)[None, :]
        skin[chin] = 0.55 * np.array(appearance.hair) + 0.3 * np.array(appearance.skin)
    rng = np.random.default_rng(appearance.fold_seed + 17)
    hatted = appearance.hair_style in ("cap", "beanie")
    grain = 0.02 if hatted else 0.07
    strands = (
        1.0 + grain * rng.normal(size=(1, HEAD_SEGMENTS)) + grain * rng.normal(size=hair.shape)
    )
    colours = np.where(hair[..., None], np.array(_cover(appearance)) * strands[..., None], skin)
    local = Rings(
        np.stack([np.zeros(HEAD_RINGS), rows[:, 0], rows[:, 3]], axis=1),
        np.tile([1.0, 0.0, 0.0], (HEAD_RINGS, 1)),
        np.tile([0.0, 0.0, 1.0], (HEAD_RINGS, 1)),
        rows[:, 1],
        rows[:, 2],
    )
    rings = Rings(
        body.head.point(local.centres * size),
        np.broadcast_to(body.head.axes[:, 0], (HEAD_RINGS, 3)),
        np.broadcast_to(body.head.axes[:, 2], (HEAD_RINGS, 3)),
        rows[:, 1] * size[0] * _hair_bulk(rows[:, 0], appearance),
        rows[:, 2] * size[2] * _hair_bulk(rows[:, 0], appearance),
    )
    return [loft(rings, colours), *_hair_extras(body, size, appearance)]


def _hairline(angles: FloatArray, appearance: Appearance) -> FloatArray:
    """Lowest height of the hair (-1 chin, 1 crown) at `angles` about the head (pi/2 the face)."""
    facing = np.sin(angles)
    if appearance.hair_style == "bald":
        return np.full_like(angles, 2.0)
    if appearance.hair_style in ("cap", "beanie"):
        return np.interp(facing, [-1.0, -0.2, 1.0], [0.1, 0.28, 0.42])
    return np.interp(
        facing,
        [-1.0, -0.45, -0.1, 0.15, 0.5, 0.75, 1.0],
        [-0.62, -0.45, -0.05, 0.05, 0.5, 0.56, 0.6],
    )


def _hair_bulk(heights: FloatArray, appearance: Appearance) -> FloatArray:
    if appearance.hair_style == "bald":
        return np.ones_like(heights)
    return np.interp(heights, [0.2, 0.6, 1.0], [1.0, 1.07, 1.12])


def _cover(appearance: Appearance) -> tuple[float, float, float]:
    return appearance.hat if appearance.hair_style in ("cap", "beanie") else appearance.hair


def _hair_extras(body: PosedBody, size: FloatArray, appearance: Appearance) -> list[Mesh]:
    head, parts = body.head, []
    side = head.axes[:, 0]
    hair = np.array(appearance.hair)
    for direction in (1.0, -1.0):
        begin = head.point(np.array([direction * 0.97, 0.12, -0.06]) * size)
        end = head.point(np.array([direction * 0.95, -0.30, -0.02]) * size)
        profile = np.array(
            [[0.0, 0.02, 0.06], [0.25, 0.10, 0.17], [0.7, 0.08, 0.13], [1.0, 0.02, 0.05]]
        )
        profile[:, 1] *= size[0]
        profile[:, 2] *= size[2]
        ear = straight_tube(begin, end, side, profile)
        parts.append(loft(ear, np.tile(np.array(appearance.skin) * 0.92, (3, 8, 1)), lift=0.004))
    if appearance.hair_style == "long":
        begin = head.point(np.array([0.0, 0.75, -0.35]) * size)
        end = head.point(np.array([0.0, -1.75, -0.62]) * size)
        profile = np.array(
            [
                [0.0, 0.60, 0.45],
                [0.2, 1.06, 0.62],
                [0.5, 1.12, 0.55],
                [0.8, 1.05, 0.42],
                [1.0, 0.80, 0.25],
            ]
        )
        profile[:, 1] *= size[0]
        profile[:, 2] *= size[2]
        shades = fold_shade((4, 18), appearance.fold_seed + 23, 0.2)
        parts.append(loft(straight_tube(begin, end, side, profile), shades[..., None] * hair))
    elif appearance.hair_style == "bun":
        begin = head.point(np.array([0.0, 0.85, -0.75]) * size)
        end = head.point(np.array([0.0, 0.10, -1.15]) * size)
        profile = np.array(
            [[0.0, 0.10, 0.10], [0.3, 0.38, 0.32], [0.7, 0.38, 0.32], [1.0, 0.1, 0.1]]
        )
        profile[:, 1] *= size[0]
        profile[:, 2] *= size[2]
        parts.append(loft(straight_tube(begin, end, side, profile), np.tile(hair, (3, 10, 1))))
    elif appearance.hair_style == "cap":
        brim = np.array(
            [[-0.80, 0.50, 0.72], [0.80, 0.50, 0.72], [0.62, 0.40, 1.60], [-0.62, 0.40, 1.60]]
        )
        corners = head.point(brim * size)[None]
        below = head.point(np.array([0.0, 0.0, 0.9]) * size)
        above = head.point(np.array([0.0, 1.0, 0.9]) * size)
        colour = np.array([appearance.hat]) * 0.85
        parts.append(quads(corners, colour, below, 0.01))
        parts.append(quads(corners, colour * 0.6, above, 0.01))
    return parts
