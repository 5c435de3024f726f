"""What happens to a training crop beside its frame: cut bodies, what stands before it, colour.

The amounts are fields of :class:`NetworkRecipe`; every draw comes from the generator that is given.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.keypoint_set import AnnotatedPerson
from rmpe.geometry.warp import Matrix, warp_affine
from rmpe.training.recipes.settings import NetworkRecipe

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

BOX_PADDING = 0.15
"""A box made from joints reaches beyond them by this share of its longer side (LSPET's rule)."""
LEAST_JOINTS = 8
"""Annotated joints from which on they, not the box, tell how large a turned person is."""


def cut_box(box_xyxy: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the box (4,) of a person behind something or at the frame's edge: a part of it goes.

    It is the lower part most often, as in portraits and behind tables.
    """
    x1, y1, x2, y2 = (float(value) for value in box_xyxy)
    side = int(rng.choice(4, p=[0.6, 0.1, 0.15, 0.15]))
    kept = float(rng.uniform(0.4, 0.9))
    if side == 0:
        y2 = y1 + kept * (y2 - y1)
    elif side == 1:
        y1 = y2 - kept * (y2 - y1)
    elif side == 2:
        x2 = x1 + kept * (x2 - x1)
    else:
        x1 = x2 - kept * (x2 - x1)
    return np.array([x1, y1, x2, y2], np.float32)


def end_picture(
    image_bgr: ImageArray, person: AnnotatedPerson, box_xyxy: FloatArray
) -> tuple[ImageArray, NDArray[np.bool_]]:
    """Black out the picture where the box was cut; also say which joints (K,) are left."""
    height, width = image_bgr.shape[:2]
    moved = np.abs(box_xyxy - person.box_xyxy) > 1e-3
    # The cut sides, elsewhere the picture's own, (4,).
    limits = np.where(moved, box_xyxy, [0, 0, width, height])
    x1, y1, x2, y2 = (int(value) for value in np.clip(limits, 0, [width, height, width, height]))
    ended = np.zeros_like(image_bgr)
    ended[y1:y2, x1:x2] = image_bgr[y1:y2, x1:x2]
    points = person.keypoints_xy
    shown = (points >= limits[:2]).all(1) & (points <= limits[2:]).all(1)
    return ended, np.asarray(shown, bool)


def upright_box(person: AnnotatedPerson, box_xyxy: FloatArray, degrees: float) -> FloatArray:
    """Return the box that a person has after a turn, placed where its centre is before the turn.

    A whole person has it from the joints; of a cut one the box's own corners are turned.

    Args:
        person: with joints.
        box_xyxy: the person's box or a cut one, (4,).
        degrees: turn of the picture, clockwise as seen.
    """
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    known = person.joint_weights > 0
    if np.array_equal(box_xyxy, person.box_xyxy) and known.sum() >= LEAST_JOINTS:
        points = person.keypoints_xy[known].astype(np.float64) @ turn.T  # (known, 2), turned
        pad = BOX_PADDING * np.ptp(points, axis=0).max()
    else:
        x1, y1, x2, y2 = box_xyxy
        points = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64) @ turn.T
        pad = 0.0
    low, high = points.min(0) - pad, points.max(0) + pad  # (2,) each
    # The crop is turned about its centre, so the centre itself is turned back.
    centre = turn.T @ ((low + high) / 2)
    return np.concatenate([centre - (high - low) / 2, centre + (high - low) / 2]).astype(np.float32)


def cover(
    crop_bgr: ImageArray, patch_bgr: ImageArray, points_xy: FloatArray, rng: np.random.Generator
) -> tuple[ImageArray, NDArray[np.bool_]]:
    """Lay an ellipse or rectangle of another crop of the size over; say which joints lie under it.

    Args:
        crop_bgr: uint8 (H, W, 3).
        patch_bgr: the other crop, uint8 (H, W, 3).
        points_xy: joints in crop pixels, (K, 2).
        rng: of the place and the shape.
    """
    height, width = crop_bgr.shape[:2]
    extent = (rng.uniform(0.12, 0.4, 2) * [width, height]).astype(int) + 1  # (2,), pixels
    x1, y1 = (int(v) for v in rng.uniform(0, 1, 2) * ([width, height] - extent))
    x2, y2 = x1 + int(extent[0]), y1 + int(extent[1])
    mask = np.zeros((height, width), np.float32)
    if rng.random() < 0.5:
        mask[y1:y2, x1:x2] = 1
    else:
        axes = (int(extent[0]) // 2, int(extent[1]) // 2)
        cv2.ellipse(mask, ((x1 + x2) // 2, (y1 + y2) // 2), axes, 0, 0, 360, 1, -1)
    # Rolled, so that the other crop's person, in its middle, is not always what covers.
    patch = np.roll(patch_bgr, rng.integers(-40, 40, 2), (0, 1))
    return _mixed(crop_bgr, np.asarray(patch, np.uint8), mask, points_xy)


def set_beside(
    crop_bgr: ImageArray,
    picture_bgr: ImageArray,
    box_xyxy: FloatArray,
    points_xy: FloatArray,
    weights: FloatArray,
    rng: np.random.Generator,
) -> tuple[ImageArray, NDArray[np.bool_]]:
    """Set another person beside the one in the middle, before or behind; say which joints it hides.

    Args:
        crop_bgr: uint8 (H, W, 3).
        picture_bgr: picture of the other person.
        box_xyxy: the other person's box there, (4,).
        points_xy: joints in crop pixels, (K, 2).
        weights: of these joints, (K,).
        rng: of place and size.
    """
    height, width = crop_bgr.shape[:2]
    scale = float(np.exp(rng.normal(0, 0.2))) * 0.75 * height / max(box_xyxy[3] - box_xyxy[1], 1.0)
    aim = np.array(
        [
            width * (0.5 + rng.choice([-1, 1]) * rng.uniform(0.33, 0.75)),
            height * (0.5 + rng.normal(0, 0.12)),
        ]
    )
    # The other stands 0.33 to 0.75 of the crop's width beside the middle: overlapping, or just not.
    linear = np.diag([scale * (-1 if rng.random() < 0.5 else 1), scale])
    offset = aim - linear @ ((box_xyxy[:2] + box_xyxy[2:]) / 2)
    matrix: Matrix = np.concatenate([linear, offset[:, None]], 1)  # other picture -> crop, (2, 3)
    other = warp_affine(picture_bgr, matrix, height, width)
    half = np.abs(linear.diagonal()) * (box_xyxy[2:] - box_xyxy[:2]) / 2
    mask = _soft_box(np.concatenate([aim - half, aim + half]), height, width)
    known = points_xy[weights > 0]
    if rng.random() < 0.45 and len(known) > 3:  # behind: the person in the middle stays in front
        low, high = known.min(0) - 0.06 * height, known.max(0) + 0.06 * height
        mask = mask * (1 - _soft_box(np.concatenate([low, high]), height, width))
    return _mixed(crop_bgr, other, mask, points_xy)


def _soft_box(box_xyxy: NDArray[np.float64], height: int, width: int) -> FloatArray:
    """Return 1 inside the box and 0 outside, soft at its edges, (height, width)."""
    mask = np.zeros((height, width), np.float32)
    x1, y1, x2, y2 = (int(v) for v in np.clip(box_xyxy, -1, [width, height, width, height]))
    cv2.rectangle(mask, (x1, y1), (x2, y2), 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 4), np.float32)


def _mixed(
    crop_bgr: ImageArray, over_bgr: ImageArray, mask: FloatArray, points_xy: FloatArray
) -> tuple[ImageArray, NDArray[np.bool_]]:
    height, width = mask.shape
    mixed = crop_bgr * (1 - mask[..., None]) + over_bgr * mask[..., None]  # (H, W, 3)
    # mask (H, W); joints at x, y are its columns and rows.
    cells = np.clip(np.nan_to_num(points_xy).round().astype(int), 0, [width - 1, height - 1])
    return mixed.astype(np.uint8), mask[cells[:, 1], cells[:, 0]] > 0.5


def change_colours(
    crop_bgr: ImageArray, recipe: NetworkRecipe, rng: np.random.Generator
) -> ImageArray:
    """Return the crop with the recipe's blur, gains and gamma."""
    if rng.random() < recipe.blur_share:
        crop_bgr = _blurred(crop_bgr, rng)
    spread = recipe.colour_spread
    if spread == 0:
        return crop_bgr
    if rng.random() < 0.05:
        grey = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY)
        crop_bgr = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    gains = 1 + rng.uniform(-spread, spread, 3) / 2 + rng.uniform(-spread, spread) / 2
    gamma = float(np.exp(rng.uniform(-2 * spread, 2 * spread)))
    levels = np.linspace(0, 1, 256)[:, None] ** gamma  # (256, 1) * gains (3,) -> table (256, 3)
    table = np.clip(255 * levels * gains, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(crop_bgr, table[None]), np.uint8)


def _blurred(crop_bgr: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Loss of resolution, or the smear of a moving camera."""
    height, width = crop_bgr.shape[:2]
    if rng.random() < 0.7:
        share = float(rng.uniform(0.2, 0.7))
        size = (max(int(width * share), 1), max(int(height * share), 1))
        small = cv2.resize(crop_bgr, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height)), np.uint8)
    length = int(rng.integers(3, 12))
    kernel = np.zeros((length, length), np.float32)
    x, y = (int(v) for v in (length - 1) * rng.random(2))
    cv2.line(kernel, (x, y), (length - 1 - x, length - 1 - y), 1.0)
    return np.asarray(cv2.filter2D(crop_bgr, -1, kernel / kernel.sum()), np.uint8)
