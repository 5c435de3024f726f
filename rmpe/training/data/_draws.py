"""The frame of a training crop: random scale, turn, shift and mirror, half bodies, maps between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.keypoint_set import AnnotatedPerson
from rmpe.geometry.crop import CropChange
from rmpe.geometry.warp import Matrix
from rmpe.skeletons import Skeleton
from rmpe.training.recipes.settings import NetworkRecipe

FloatArray = NDArray[np.float32]

LOWER_PARTS = ("hip", "knee", "ankle", "heel", "toe", "pelvis", "foot")
HALF_BODY_GROWTH = 1.5
"""Side of a half body's crop over the extent of its joints (HRNet's code)."""


def inside_weights(points_xy: FloatArray, height: int, width: int) -> FloatArray:
    """Return 1 for the joints inside the crop, else 0; (K,)."""
    inside = (points_xy >= 0).all(-1) & (points_xy < (width, height)).all(-1)
    return np.asarray(inside, np.float32)


def draw_change(
    recipe: NetworkRecipe, box_xyxy: FloatArray, rng: np.random.Generator
) -> CropChange:
    """Return the random scale, turn, shift and mirror of one crop."""
    uniform = recipe.random_draw == "uniform"
    spread = max(recipe.scale_high - 1, 1 - recipe.scale_low)
    scale = (
        rng.uniform(recipe.scale_low, recipe.scale_high)
        if uniform
        else np.clip(rng.normal(1, spread), recipe.scale_low, recipe.scale_high)
    )
    limit = recipe.rotation_degrees
    turn = (
        rng.uniform(-limit, limit)
        if uniform
        else np.clip(rng.normal() * limit, -2 * limit, 2 * limit)
    )
    draw = rng.random()
    turned = draw < recipe.rotation_share
    if draw >= 1 - recipe.any_turn_share:
        turned, turn = True, rng.uniform(-180, 180)
    shift = rng.uniform(-1, 1, 2) * recipe.shift_share * (box_xyxy[2:] - box_xyxy[:2])
    return CropChange(
        scale=float(scale),
        degrees=float(turn) if turned else 0.0,
        shift_xy=(float(shift[0]), float(shift[1])),
        mirrored=bool(rng.random() < recipe.flip_share),
    )


def half_body_box(
    person: AnnotatedPerson, skeleton: Skeleton, more_than: int, rng: np.random.Generator
) -> FloatArray | None:
    """Return a box around the upper or lower half of a person, or None if it does not apply.

    It needs more than ``more_than`` annotated joints, and three of them in the drawn half.
    """
    known = person.visibility > 0
    if known.sum() <= more_than:
        return None
    lower = np.array([any(part in joint for part in LOWER_PARTS) for joint in skeleton.joints])
    halves = [known & ~lower, known & lower]  # (K,) each
    if rng.random() < 0.5:
        halves.reverse()
    chosen = next((half for half in halves if half.sum() > 2), None)
    if chosen is None or chosen.sum() == known.sum():
        return None
    points = person.keypoints_xy[chosen]  # (joints of the half, 2)
    centre = points.mean(0)
    # The style grows boxes by 1.25 on its own, which the factor includes.
    sides = np.maximum(np.ptp(points, axis=0), 1.0) * HALF_BODY_GROWTH / 1.25
    return np.concatenate([centre - sides / 2, centre + sides / 2]).astype(np.float32)


def normalised_map(target: Matrix, source: Matrix, height: int, width: int) -> FloatArray:
    """Return θ (2, 3) that takes points of the target crop to the same points of the source crop.

    Both are -1..1 from edge to edge, as :mod:`rmpe.sstn._affine` has them.

    Args:
        target: picture pixels to pixels of the crop wanted, (2, 3).
        source: picture pixels to pixels of the crop there is, (2, 3).
        height: rows of both crops.
        width: columns of both crops.
    """
    full = [np.vstack([matrix, [0, 0, 1]]) for matrix in (target, source)]  # (3, 3) each
    normalise = np.array(
        [[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]]
    )
    # -1..1 of the target -> its pixels -> the picture -> pixels of the source -> -1..1 of it.
    theta = normalise @ full[1] @ np.linalg.inv(full[0]) @ np.linalg.inv(normalise)
    return theta[:2].astype(np.float32)
