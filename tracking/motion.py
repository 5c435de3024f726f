"""Where people who were seen before are expected now: the camera's motion and their own."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.records import ImageArray
from tracking.parameters import FloatArray

_FEWEST_MATCHES = 30
"""Beside people; with fewer the camera is taken to stand still."""
_FEWEST_INLIERS_SHARE = 0.5
"""Of the matches that must move as one, or it is not the camera that moved."""
_LARGEST_ZOOM = 0.1
"""Scale and turn from frame to frame beyond which the fit is no camera's motion."""
_INLIER_PX = 3.0
"""Distance up to which a match moves as the camera does; OpenCV's own default."""
_GLANCE_SIZE = (16, 9)
"""Patches across and down: enough to tell one scene from another, too few for what moves in it."""
_GLANCE_STEP_PX = 160
"""The picture's longer side is thinned to about that many pixels before patches are averaged."""
_CUT_DIFFERENCE = 0.25
"""Mean change of the patches, in their spread over the picture, that only a cut makes."""


def still_camera() -> FloatArray:
    """Return the motion of a camera that does not move, (2, 3)."""
    return np.eye(2, 3)


def camera_motion(correspondences: ArrayLike, moving_boxes_xyxy: ArrayLike) -> FloatArray:
    """Return the matrix (2, 3) that moves points of the earlier frame as the camera's motion does.

    A rotation, zoom and shift is fitted (RANSAC) to the matches that start outside every person;
    when they are few or do not agree the camera counts as still.

    Args:
        correspondences: matches x1 y1 x2 y2 in pixels, (R, 4).
        moving_boxes_xyxy: boxes of the people of the earlier frame, (N, 4).
    """
    rows = np.asarray(correspondences, np.float64).reshape(-1, 4)
    boxes = np.asarray(moving_boxes_xyxy, np.float64).reshape(-1, 4, 1)
    x, y = rows[:, 0], rows[:, 1]
    inside = (x >= boxes[:, 0]) & (x <= boxes[:, 2]) & (y >= boxes[:, 1]) & (y <= boxes[:, 3])
    rows = rows[~inside.any(0)]
    if len(rows) < _FEWEST_MATCHES:
        return still_camera()
    if np.mean(np.abs(rows[:, :2] - rows[:, 2:]).max(1) < 1.0) > 0.5:
        return still_camera()
    matrix, inliers = cv2.estimateAffinePartial2D(
        np.ascontiguousarray(rows[:, :2]),
        np.ascontiguousarray(rows[:, 2:]),
        method=cv2.RANSAC,
        ransacReprojThreshold=_INLIER_PX,
    )
    if matrix is None or inliers.mean() < _FEWEST_INLIERS_SHARE:
        return still_camera()
    if np.abs(matrix[:, :2] - np.eye(2)).max() > _LARGEST_ZOOM:
        return still_camera()
    return np.asarray(matrix, np.float64)


def move_points(points_xy: FloatArray, matrix: FloatArray) -> FloatArray:
    """Return points (..., 2) moved by a matrix (2, 3)."""
    return np.asarray(points_xy @ matrix[:, :2].T + matrix[:, 2], np.float64)


def displacement(earlier_xy: FloatArray, later_xy: FloatArray, counted: NDArray) -> FloatArray:
    """Return how far each person moved as a whole, in pixels: the median over joints.

    Args:
        earlier_xy: joints, (N, K, 2).
        later_xy: joints of the same people, (N, K, 2).
        counted: which joints count, bool (N, K); a person without any has not moved.

    Returns:
        (N, 2).
    """
    if earlier_xy.shape[0] == 0:
        return np.zeros((0, 2))
    moved = np.where(counted[..., None], later_xy - earlier_xy, np.inf)
    moved = np.sort(moved, 1)  # those that do not count come last
    rows, count = np.arange(len(moved)), counted.sum(1)
    middle = (moved[rows, (count - 1) // 2] + moved[rows, count // 2]) / 2
    return np.where(count[:, None] > 0, middle, 0.0)


def glance_at(image_bgr: ImageArray) -> FloatArray:
    """Return the brightness of a picture in a few patches, grey levels, (9, 16)."""
    step = max(max(image_bgr.shape) // _GLANCE_STEP_PX, 1)
    patches = cv2.resize(image_bgr[::step, ::step], _GLANCE_SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(patches.mean(-1), np.float64)


def looks_cut(before: FloatArray, now: FloatArray) -> bool:
    """Return whether two glances differ by much of their contrast, as those of two places do.

    Small people on even ground leave few matches from frame to frame without any cut.
    """
    return bool(np.abs(now - before).mean() > _CUT_DIFFERENCE * max(now.std(), before.std()))
