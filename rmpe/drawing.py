"""Draw poses on a picture: limbs, joints, boxes and ids."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.records import Poses
from rmpe.skeletons import Skeleton

ImageArray = NDArray[np.uint8]
Colour = tuple[int, int, int]

SUBPIXEL_BITS = 3
OUTLINE: Colour = (24, 24, 24)
LEFT: Colour = (40, 150, 255)
RIGHT: Colour = (255, 190, 50)
MIDDLE: Colour = (110, 245, 150)
NO_ID: Colour = (200, 200, 200)


@dataclass(frozen=True)
class DrawingStyle:
    """What is drawn, and how."""

    min_joint_score: float = 0.3
    """Joints below it are left out, and the limbs that end in them."""
    limbs: bool = True
    """Draw limbs and joints: the person's left side orange, the right side blue."""
    boxes: bool = True
    """Draw each person's box in the colour of their id."""
    ids: bool = True
    """Write the id at the box; people without identity (id 0) get none."""
    thickness: int | None = None
    """Width of a limb in pixels; None takes it from the person's size."""


def draw_poses(
    image_bgr: ImageArray, poses: Poses, skeleton: Skeleton, style: DrawingStyle | None = None
) -> ImageArray:
    """Return a copy of the picture with the poses on it.

    Args:
        image_bgr: picture, uint8 (H, W, 3) BGR; it is left as it is.
        poses: people in pixels of that picture; parts outside it are cut off.
        skeleton: which joints the poses hold and which limbs join them.
        style: what to draw; the default draws everything.

    Returns:
        uint8 (H, W, 3) BGR.

    Raises:
        ValueError: the skeleton's joint count is not the poses'.
    """
    style = style or DrawingStyle()
    if poses.joint_count != skeleton.joint_count:
        raise ValueError(
            f"got poses of {poses.joint_count} joints and the skeleton {skeleton.name!r} of "
            f"{skeleton.joint_count}: convert the poses or name their own skeleton"
        )
    drawn = np.ascontiguousarray(image_bgr).copy()
    for row in range(len(poses)):
        if style.boxes:
            _draw_box(drawn, poses.boxes_xyxy[row], colour_of_id(int(poses.ids[row])))
        if style.limbs:
            thickness = style.thickness or limb_thickness(poses.boxes_xyxy[row])
            shown = poses.keypoint_scores[row] >= style.min_joint_score
            _draw_person(drawn, poses.keypoints_xy[row], shown, skeleton, thickness)
    if style.ids:
        for row in np.flatnonzero(poses.ids > 0).tolist():
            _draw_label(drawn, poses.boxes_xyxy[row], int(poses.ids[row]))
    return drawn


@lru_cache(maxsize=4096)
def colour_of_id(identity: int) -> Colour:
    """BGR colour of an identity, always the same one; ids that follow each other differ in hue.

    Id 0, nobody in particular, is grey.
    """
    if identity <= 0:
        return NO_ID
    # Steps of the golden ratio spread any number of hues evenly round the circle.
    hue = (0.02 + 0.61803398875 * (identity - 1)) % 1.0
    value = (1.0, 0.82)[(identity // 5) % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, (0.75, 0.55)[(identity // 3) % 2], value)
    return round(255 * blue), round(255 * green), round(255 * red)


def limb_thickness(box_xyxy: NDArray[np.float32]) -> int:
    """Width in pixels of the limbs of a person with this box (4,): 1 for small ones, 6 at most."""
    size = max(float(box_xyxy[2] - box_xyxy[0]), float(box_xyxy[3] - box_xyxy[1]))
    if not np.isfinite(size):
        return 1
    return int(np.clip(round(size / 90.0), 1, 6))


@lru_cache(maxsize=64)
def _sides(skeleton: Skeleton) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Side of each joint and of each limb: 0 middle, 1 left, 2 right."""
    sides = {"left": 1, "righ": 2}
    joints = np.array([sides.get(name[:4], 0) for name in skeleton.joints], np.int64)
    limbs = np.array(skeleton.limbs, np.int64).reshape(-1, 2)
    ends = joints[limbs]
    # The nose and the neck belong to no side: what leads from them to an eye or a shoulder does.
    side = np.where(ends[:, 0] == ends[:, 1], ends[:, 0], ends[:, 0] + ends[:, 1])
    return joints, np.where(side == 3, 0, side)


def _draw_person(
    image: ImageArray,
    keypoints_xy: NDArray[np.float32],
    shown: NDArray[np.bool_],
    skeleton: Skeleton,
    thickness: int,
) -> None:
    joint_sides, limb_sides = _sides(skeleton)
    points, drawable = _fixed_point(image, keypoints_xy)
    shown = shown & drawable
    limbs = np.array(skeleton.limbs, np.int64).reshape(-1, 2)
    chosen = shown[limbs].all(axis=1)
    segments = points[limbs]
    _draw_lines(image, segments[chosen], OUTLINE, thickness + 2)
    for side, colour in enumerate((MIDDLE, LEFT, RIGHT)):
        _draw_lines(image, segments[chosen & (limb_sides == side)], colour, thickness)
    # A line without length is a dot as wide as the line: one call draws all joints of a side.
    dots = np.stack([points, points], axis=1)
    _draw_lines(image, dots[shown], OUTLINE, thickness + 4)
    for side, colour in enumerate((MIDDLE, LEFT, RIGHT)):
        _draw_lines(image, dots[shown & (joint_sides == side)], colour, thickness + 2)


def _draw_lines(
    image: ImageArray, segments: NDArray[np.int32], colour: Colour, thickness: int
) -> None:
    """Draw lines (M, 2, 2), two ends each in fixed-point pixels; M may be 0."""
    if len(segments):
        cv2.polylines(image, list(segments), False, colour, thickness, cv2.LINE_8, SUBPIXEL_BITS)


def _fixed_point(
    image: ImageArray, points_xy: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Points as OpenCV's fixed-point integers, and which of them lie near enough to be drawn."""
    height, width = image.shape[:2]
    reach = 4.0 * max(height, width)
    drawable = (np.abs(points_xy) < reach).all(axis=-1)
    scaled = np.where(drawable[..., None], points_xy, 0.0) * (1 << SUBPIXEL_BITS)
    return np.round(scaled).astype(np.int32), drawable


def _draw_box(image: ImageArray, box_xyxy: NDArray[np.float32], colour: Colour) -> None:
    corners, drawable = _fixed_point(image, box_xyxy.reshape(2, 2))
    if drawable.all():
        first, last = corners.tolist()
        cv2.rectangle(image, first, last, colour, 1, cv2.LINE_8, SUBPIXEL_BITS)


def _draw_label(image: ImageArray, box_xyxy: NDArray[np.float32], identity: int) -> None:
    if not np.isfinite(box_xyxy).all():
        return
    height, width = image.shape[:2]
    scale = 0.45 if height < 900 else 0.45 * height / 900.0
    text = str(identity)
    (wide, tall), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    left = int(np.clip(box_xyxy[0], 0, max(width - wide - 5, 0)))
    bottom = int(np.clip(box_xyxy[1], tall + base + 1, height - 1))
    colour = colour_of_id(identity)
    cv2.rectangle(image, (left, bottom - tall - base - 1), (left + wide + 4, bottom), colour, -1)
    dark_on_light = 0.11 * colour[0] + 0.59 * colour[1] + 0.3 * colour[2] > 110
    ink = (0, 0, 0) if dark_on_light else (255, 255, 255)
    origin = (left + 2, bottom - base + 1)
    cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)
