"""Random crops of one person: geometry, cut bodies, covered joints, colour and blur."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.pose_samples import FloatArray, ImageArray, PoseSample
from rmpe.geometry.augment import warp_affine
from rmpe.geometry.crop import HRNET, fit_crop_box
from rmpe.skeletons import COCO_19

CROP_FACTOR = HRNET.width_factor
BOX_PADDING = 0.15
"""A box made from joints reaches beyond them by this share of its longer side (LSPET's rule)."""


@dataclass(frozen=True)
class PoseAugmentation:
    """How far training crops differ from the plain crop of the box."""

    scale_spread: float = 0.18
    """Standard deviation of the logarithm of the crop's size."""
    shift_spread: float = 0.05
    """Standard deviation of the crop's centre, in crop sides."""
    tilt_share: float = 0.5
    """Share of the crops turned by a normal angle."""
    tilt_degrees: float = 22.0
    """Standard deviation of that angle."""
    any_angle_share: float = 0.15
    """Share of the crops turned by any angle at all."""
    cut_share: float = 0.25
    """Share of the people of whom a side or the lower part is cut away."""
    cover_share: float = 0.3
    """Share of the crops with a piece of another crop pasted over."""
    blur_share: float = 0.25
    """Share of the crops with a loss of sharpness."""
    colour_spread: float = 0.2
    """Largest relative change of a channel's gain; the gamma changes twice as much."""
    teacher_degrees: float = 30.0
    """Beyond this turn the teacher is not followed."""


@dataclass(frozen=True, eq=False)
class TrainingCrop:
    """One example: what the network sees, what the teacher sees, and the targets."""

    seen_bgr: ImageArray
    """Augmented crop, uint8 (H, W, 3)."""
    clean_bgr: ImageArray
    """The same crop without cover, blur and colour change."""
    keypoints_xy: FloatArray
    """Joints in pixels of the crop, (19, 2)."""
    trust: FloatArray
    """(19,); 0 where the joint is unknown or outside the crop."""
    teacher_trust: float
    """0..1, 0 on a crop that is turned too far for the teacher."""


def make_training_crop(
    sample: PoseSample,
    image_bgr: ImageArray,
    augmentation: PoseAugmentation,
    rng: np.random.Generator,
    cover_bgr: ImageArray | None,
    height: int,
    width: int,
) -> TrainingCrop:
    """Cut one random example out of the sample's picture.

    Args:
        sample: the person.
        image_bgr: its picture, uint8 (H, W, 3).
        augmentation: the amounts.
        rng: source of every draw.
        cover_bgr: another crop to paste a piece of, uint8 (height, width, 3), or None.
        height: rows of the crop.
        width: columns of the crop.
    """
    box, shown = sample.box_xyxy, np.ones(len(sample.trust), bool)
    if rng.random() < augmentation.cut_share:
        box = _cut_box(box, rng)
        if rng.random() < 0.5:
            image_bgr, shown = _end_picture(image_bgr, sample, box)
    degrees = _draw_angle(augmentation, rng)
    mirrored = bool(rng.random() < 0.5)
    matrix = _random_matrix(sample, box, degrees, mirrored, augmentation, rng, height, width)
    clean = warp_affine(image_bgr, matrix, height, width)
    points = sample.keypoints_xy @ matrix[:, :2].T + matrix[:, 2]
    trust = sample.trust * shown
    if mirrored:
        order = COCO_19.mirror_permutation
        points, trust = points[order], trust[order]
    inside = (points >= 0).all(1) & (points[:, 0] < width) & (points[:, 1] < height)
    trust *= inside
    seen = clean
    if cover_bgr is not None and rng.random() < augmentation.cover_share:
        seen, covered = _cover(clean, cover_bgr, points, rng)
        trust = np.where(covered, 0.5 * trust, trust)
    seen = _change_colour(_blur(seen, augmentation, rng), augmentation, rng)
    follows = abs(degrees) <= augmentation.teacher_degrees
    return TrainingCrop(
        seen,
        clean,
        points.astype(np.float32),
        trust.astype(np.float32),
        sample.teacher_trust if follows else 0.0,
    )


def _draw_angle(augmentation: PoseAugmentation, rng: np.random.Generator) -> float:
    draw = rng.random()
    if draw < augmentation.any_angle_share:
        return float(rng.uniform(-180, 180))
    if draw < augmentation.any_angle_share + augmentation.tilt_share:
        return float(rng.normal(0, augmentation.tilt_degrees))
    return 0.0


def _cut_box(box_xyxy: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The box of a person behind something or at the frame's edge: a part of it goes."""
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


def _end_picture(
    image_bgr: ImageArray, sample: PoseSample, box_xyxy: FloatArray
) -> tuple[ImageArray, NDArray[np.bool_]]:
    """Black out the picture where the box was cut; also say which joints are left."""
    height, width = image_bgr.shape[:2]
    moved = np.abs(box_xyxy - sample.box_xyxy) > 1e-3
    limits = np.where(moved, box_xyxy, [0, 0, width, height])
    x1, y1, x2, y2 = (int(value) for value in np.clip(limits, 0, [width, height, width, height]))
    ended = np.zeros_like(image_bgr)
    ended[y1:y2, x1:x2] = image_bgr[y1:y2, x1:x2]
    points = sample.keypoints_xy
    shown = (points >= limits[:2]).all(1) & (points <= limits[2:]).all(1)
    return ended, np.asarray(shown, bool)


def _turned_box(
    sample: PoseSample, box_xyxy: FloatArray, turn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The upright box of the turned person, xyxy in turned coordinates.

    A whole person has one from the joints; of a cut one the turned corners are taken.
    """
    known = sample.trust > 0
    if np.array_equal(box_xyxy, sample.box_xyxy) and known.sum() >= 8:
        points = sample.keypoints_xy[known].astype(np.float64) @ turn.T
        pad = BOX_PADDING * np.ptp(points, axis=0).max()
    else:
        x1, y1, x2, y2 = box_xyxy
        points = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64) @ turn.T
        pad = 0.0
    return np.concatenate([points.min(0) - pad, points.max(0) + pad])


def _random_matrix(
    sample: PoseSample,
    box_xyxy: FloatArray,
    degrees: float,
    mirrored: bool,
    augmentation: PoseAugmentation,
    rng: np.random.Generator,
    height: int,
    width: int,
) -> NDArray[np.float64]:
    """Affine map (2, 3) from picture pixels to crop pixels."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    box = _turned_box(sample, box_xyxy, turn) if degrees else box_xyxy.astype(np.float64)
    crop = fit_crop_box(box, width / height, HRNET).astype(np.float64)
    side = crop[2] - crop[0]
    factor = np.exp(rng.normal(0, augmentation.scale_spread))
    centre = (crop[:2] + crop[2:]) / 2 + side * rng.normal(0, augmentation.shift_spread, 2)
    scale = width / (side * factor)
    linear = scale * (turn if degrees else np.eye(2))
    offset = np.array([width, height]) / 2 - scale * centre
    if mirrored:
        linear[0] *= -1
        offset[0] = width - 1 - offset[0]
    return np.concatenate([linear, offset[:, None]], 1)


def _cover(
    crop_bgr: ImageArray,
    cover_bgr: ImageArray,
    points: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[ImageArray, NDArray[np.bool_]]:
    """Paste an ellipse or rectangle of another crop; also say which joints lie under it."""
    height, width = crop_bgr.shape[:2]
    extent = (rng.uniform(0.12, 0.4, 2) * [width, height]).astype(int) + 1
    corner = (rng.uniform(0, 1, 2) * ([width, height] - extent)).astype(int)
    mask = np.zeros((height, width), np.uint8)
    x1, y1, x2, y2 = (int(value) for value in (*corner, *(corner + extent)))
    if rng.random() < 0.5:
        mask[y1:y2, x1:x2] = 1
    else:
        middle = ((x1 + x2) // 2, (y1 + y2) // 2)
        axes = (int(extent[0]) // 2, int(extent[1]) // 2)
        cv2.ellipse(mask, middle, axes, 0, 0, 360, 1, -1)
    pasted = np.where(
        mask[..., None] > 0, np.roll(cover_bgr, rng.integers(-40, 40, 2), (0, 1)), crop_bgr
    )
    cells = np.clip(np.nan_to_num(points).round().astype(int), 0, [width - 1, height - 1])
    return pasted, mask[cells[:, 1], cells[:, 0]] > 0


def _blur(
    crop_bgr: ImageArray, augmentation: PoseAugmentation, rng: np.random.Generator
) -> ImageArray:
    """Loss of resolution, or the smear of a moving camera."""
    if rng.random() >= augmentation.blur_share:
        return crop_bgr
    height, width = crop_bgr.shape[:2]
    if rng.random() < 0.7:
        share = float(rng.uniform(0.2, 0.7))
        small = cv2.resize(
            crop_bgr, (int(width * share), int(height * share)), interpolation=cv2.INTER_AREA
        )
        return np.asarray(cv2.resize(small, (width, height)), np.uint8)
    length = int(rng.integers(3, 12))
    kernel = np.zeros((length, length), np.float32)
    end = (length - 1) * rng.random(2)
    cv2.line(
        kernel,
        (int(end[0]), int(end[1])),
        (length - 1 - int(end[0]), length - 1 - int(end[1])),
        1.0,
    )
    return np.asarray(cv2.filter2D(crop_bgr, -1, kernel / kernel.sum()), np.uint8)


def _change_colour(
    crop_bgr: ImageArray, augmentation: PoseAugmentation, rng: np.random.Generator
) -> ImageArray:
    """Gain of each channel and gamma; one crop in twenty is grey."""
    if rng.random() < 0.05:
        grey = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY)
        crop_bgr = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    spread = augmentation.colour_spread
    gains = 1 + rng.uniform(-spread, spread, 3) / 2 + rng.uniform(-spread, spread) / 2
    gamma = float(np.exp(rng.uniform(-2 * spread, 2 * spread)))
    levels = np.linspace(0, 1, 256)[:, None] ** gamma
    table = np.clip(255 * levels * gains, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(crop_bgr, table[None]), np.uint8)
