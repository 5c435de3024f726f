"""People on one picture: limbs, joints, boxes and ids."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.drawing.colours import (
    OUTLINE,
    Colour,
    colour_of_id,
    fine_joints,
    joint_colours,
    limb_colours,
)
from rmpe.drawing.look import DrawingStyle
from rmpe.records import FloatArray, ImageArray, Poses
from rmpe.skeletons import Skeleton

SUBPIXEL_BITS = 3
"""Eighths of a pixel, as OpenCV takes them."""
# Below this height the dark edges of limbs and joints would hide the person.
_SMALL_PX = 90.0
# Colours have half the picture's resolution in a film: thinner lines turn grey.
_THINNEST = 2
_BLEND_OF_ELLIPSES = 0.6

Segment = list[list[int]]
"""Two ends x, y in fixed-point pixels."""


def draw_poses(
    image_bgr: ImageArray,
    poses: Poses,
    skeleton: Skeleton,
    style: DrawingStyle | None = None,
    out: ImageArray | None = None,
) -> ImageArray:
    """Return a copy of the picture with the poses on it.

    Args:
        image_bgr: picture, uint8 (H, W, 3) BGR, or (H, W, 4) with colours multiplied by the alpha;
            it is left as it is.
        poses: people in pixels of that picture; parts outside it are cut off.
        skeleton: which joints the poses hold and which limbs join them.
        style: what to draw; the default draws everything.
        out: takes the result, shaped as the picture and contiguous; a new array when None.

    Returns:
        uint8, shaped as the picture.

    Raises:
        ValueError: the skeleton's joint count is not the poses'.
    """
    style = style or DrawingStyle()
    if poses.joint_count != skeleton.joint_count:
        raise ValueError(
            f"got poses of {poses.joint_count} joints and the skeleton {skeleton.name!r} of "
            f"{skeleton.joint_count}: convert the poses or name their own skeleton"
        )
    drawn = np.empty(image_bgr.shape, np.uint8) if out is None else out
    np.copyto(drawn, image_bgr)
    whole = joined_skeleton(skeleton)
    xy, scores = _with_neck(skeleton, whole, poses)
    for row in range(len(poses)):
        if style.boxes:
            _draw_box(drawn, poses.boxes_xyxy[row], colour_of_id(int(poses.ids[row])))
        if style.limbs:
            identity = int(poses.ids[row])
            _draw_person(drawn, xy[row], scores[row], poses.boxes_xyxy[row], whole, identity, style)
    if style.ids:
        for row in np.flatnonzero(poses.ids > 0).tolist():
            _draw_label(drawn, poses.boxes_xyxy[row], int(poses.ids[row]), style.id_size)
    return drawn


def limb_thickness(box_xyxy: FloatArray) -> int:
    """Width in pixels of the limbs of a person with this box (4,): 2 for small ones, 6 at most."""
    size = max(float(box_xyxy[2] - box_xyxy[0]), float(box_xyxy[3] - box_xyxy[1]))
    if not np.isfinite(size):
        return _THINNEST
    return int(np.clip(round(size / 90.0), _THINNEST, 6))


@lru_cache(maxsize=64)
def joined_skeleton(skeleton: Skeleton) -> Skeleton:
    """Return a skeleton whose head is joined to its body.

    Where there are shoulders, a neck (their middle, if the skeleton has none) is joined to them and
    to the nose or the head top; limbs that the skeleton has stay as they are.
    """
    joints = skeleton.joints
    shoulders = ("left_shoulder", "right_shoulder")
    heads = [name for name in ("nose", "head_top") if name in joints]
    if not heads or not all(name in joints for name in shoulders):
        return skeleton
    if "neck" not in joints:
        joints = (*joints, "neck")
    limbs = list(skeleton.limbs)
    neck = joints.index("neck")
    for group in (shoulders, heads):
        reached = _reached(neck, limbs)
        places = [joints.index(name) for name in group]
        limbs += [(neck, place) for place in places if place not in reached]
    if len(limbs) == len(skeleton.limbs):
        return skeleton
    if "neck" not in skeleton.joints:
        # The line between the shoulders is drawn by the neck's two.
        across = {joints.index(name) for name in shoulders}
        limbs = [limb for limb in limbs if set(limb) != across]
    sigmas = (*skeleton.sigmas, *(0.079,) * (len(joints) - skeleton.joint_count))
    return Skeleton(skeleton.name, joints, tuple(limbs), sigmas)


def _reached(start: int, limbs: list[tuple[int, int]]) -> set[int]:
    """Return the joints that limbs lead to from a joint, itself too."""
    reached = {start}
    while True:
        more = {end for limb in limbs if reached & set(limb) for end in limb} | reached
        if more == reached:
            return reached
        reached = more


def _with_neck(skeleton: Skeleton, whole: Skeleton, poses: Poses) -> tuple[FloatArray, FloatArray]:
    """Return joints (N, L, 2) and scores (N, L) of the joined skeleton."""
    if whole.joint_count == skeleton.joint_count:
        return poses.keypoints_xy, poses.keypoint_scores
    pair = [skeleton.joints.index(f"{side}_shoulder") for side in ("left", "right")]
    neck = poses.keypoints_xy[:, pair].mean(1, keepdims=True)
    score = poses.keypoint_scores[:, pair].min(1, keepdims=True)
    return (
        np.concatenate([poses.keypoints_xy, neck], 1),
        np.concatenate([poses.keypoint_scores, score], 1),
    )


def _draw_person(
    image: ImageArray,
    keypoints_xy: FloatArray,
    scores: FloatArray,
    box_xyxy: FloatArray,
    skeleton: Skeleton,
    identity: int,
    style: DrawingStyle,
) -> None:
    points, drawable = _fixed_point(image, keypoints_xy)
    shown = (scores >= style.min_joint_score) & drawable
    sure = scores >= style.sure_joint_score
    thickness = limb_thickness(box_xyxy) if style.thickness is None else style.thickness
    small = float(box_xyxy[3] - box_xyxy[1]) < _SMALL_PX
    edge = 2 if style.limb_style == "outlined" and not small else 0
    fine = np.array(fine_joints(skeleton))
    limbs = np.array(skeleton.limbs, np.int64).reshape(-1, 2)
    widths = _widths(fine[limbs[:, 1]], thickness)
    chosen = np.flatnonzero(shown[limbs].all(axis=1))
    colours = limb_colours(skeleton, style.palette, identity)
    if thickness:
        if style.limb_style == "ellipses":
            _draw_ellipses(image, keypoints_xy[limbs], chosen, colours, widths)
        else:
            whole = [bool(ends_seen.all()) for ends_seen in sure[limbs]]
            ends = points[limbs].tolist()
            segments = {
                place: [ends[place]] if whole[place] else _dashes(ends[place], widths[place])
                for place in chosen.tolist()
            }
            if edge:
                for place in chosen[~fine[limbs[chosen, 1]]].tolist():
                    _draw_lines(image, segments[place], OUTLINE, thickness + edge)
            for place, lines in segments.items():
                _draw_lines(image, lines, colours[place], widths[place])
    size = style.joint_size
    if size is None:
        size = thickness + (2 if edge or style.limb_style == "ellipses" else 0)
    if size:
        own = joint_colours(skeleton, style.palette, identity)
        # A face is its lines; dots as near to each other as its own would hide them.
        places, told = points.tolist(), sure.tolist()
        dots = np.flatnonzero(shown & ~fine).tolist()
        _draw_joints(image, places, dots, told, own, size, edge)
        dots = np.flatnonzero(shown & fine).tolist()
        _draw_joints(image, places, dots, [True] * len(told), own, max(size // 3, 1), 0)


def _widths(fine: NDArray[np.bool_], thickness: int) -> list[int]:
    """Return the width of every limb: of faces and hands a third of the others', at least 1."""
    return [max(thickness // 3, 1) if thin else thickness for thin in fine.tolist()]


def _draw_joints(
    image: ImageArray,
    points: list[list[int]],
    chosen: list[int],
    sure: list[bool],
    colours: list[Colour],
    size: int,
    edge: int,
) -> None:
    # A line without length is a dot as wide as the line.
    for place in chosen:
        dot = [[points[place], points[place]]]
        if edge:
            _draw_lines(image, dot, OUTLINE, size + edge)
        _draw_lines(image, dot, colours[place], size)
        if not sure[place] and size > 3:
            _draw_lines(image, dot, OUTLINE, size - 3)


def _dashes(limb: Segment, thickness: int) -> list[Segment]:
    """Return a limb that is not sure as short lines."""
    ends = np.array(limb)
    way = ends[1] - ends[0]
    length = float(np.linalg.norm(way)) / (1 << SUBPIXEL_BITS)
    count = max(int(length / (5.0 * max(thickness, 1))), 1)
    starts = np.arange(count)[:, None] / count
    lines = np.stack([ends[0] + starts * way, ends[0] + (starts + 0.5 / count) * way], 1)
    dashes: list[Segment] = np.rint(lines).astype(np.int32).tolist()
    return dashes


def _draw_ellipses(
    image: ImageArray,
    segments: FloatArray,
    chosen: NDArray[np.int64],
    colours: list[Colour],
    widths: list[int],
) -> None:
    """Draw limbs as OpenPose does: filled ellipses that let the picture shine through."""
    filled = image.copy()
    for place in chosen.tolist():
        first, second = segments[place].astype(np.float64)
        middle = (first + second) / 2
        half = np.linalg.norm(second - first) / 2
        turn = np.degrees(np.arctan2(second[1] - first[1], second[0] - first[0]))
        outline = cv2.ellipse2Poly(
            np.rint(middle).astype(int).tolist(),
            (int(half), widths[place]),
            int(turn),
            0,
            360,
            5,
        )
        cv2.fillConvexPoly(filled, np.asarray(outline, np.int32), _ink(image, colours[place]))
    cv2.addWeighted(filled, _BLEND_OF_ELLIPSES, image, 1 - _BLEND_OF_ELLIPSES, 0, dst=image)


def _ink(image: ImageArray, colour: Colour) -> tuple[int, ...]:
    """Return a colour as the picture's channels need it."""
    return (*colour, 255) if image.shape[2] == 4 else colour


def _draw_lines(image: ImageArray, segments: list[Segment], colour: Colour, thickness: int) -> None:
    """Draw lines between two ends each."""
    ink = _ink(image, colour)
    for first, last in segments:
        cv2.line(image, first, last, ink, thickness, cv2.LINE_8, SUBPIXEL_BITS)


def _fixed_point(
    image: ImageArray, points_xy: FloatArray
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Points as OpenCV's fixed-point integers, and which of them lie near enough to be drawn."""
    height, width = image.shape[:2]
    reach = 4.0 * max(height, width)
    drawable = (np.abs(points_xy) < reach).all(axis=-1)
    scaled = np.where(drawable[..., None], points_xy, 0.0) * (1 << SUBPIXEL_BITS)
    return np.round(scaled).astype(np.int32), drawable


def _draw_box(image: ImageArray, box_xyxy: FloatArray, colour: Colour) -> None:
    corners, drawable = _fixed_point(image, box_xyxy.reshape(2, 2))
    if drawable.all():
        first, last = corners.tolist()
        width = _THINNEST if max(image.shape[:2]) < 1600 else 3
        cv2.rectangle(image, first, last, _ink(image, colour), width, cv2.LINE_8, SUBPIXEL_BITS)


def _draw_label(image: ImageArray, box_xyxy: FloatArray, identity: int, size: float) -> None:
    if not np.isfinite(box_xyxy).all():
        return
    height, width = image.shape[:2]
    scale = size * (0.45 if height < 900 else 0.45 * height / 900.0)
    pen = max(round(size), 1)
    text = str(identity)
    (wide, tall), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, pen)
    left = int(np.clip(box_xyxy[0], 0, max(width - wide - 5, 0)))
    bottom = int(np.clip(box_xyxy[1], tall + base + 1, height - 1))
    colour = colour_of_id(identity)
    corners = (left, bottom - tall - base - 1), (left + wide + 4, bottom)
    cv2.rectangle(image, *corners, _ink(image, colour), -1)
    dark_on_light = 0.11 * colour[0] + 0.59 * colour[1] + 0.3 * colour[2] > 110
    ink = _ink(image, (0, 0, 0) if dark_on_light else (255, 255, 255))
    origin = (left + 2, bottom - base + 1)
    cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, pen, cv2.LINE_AA)
