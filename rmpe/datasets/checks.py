"""Joints and boxes as files have them, checked: numbers of the right count, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_pixels(joints: Sequence[NDArray[np.floating[Any]]], name: str) -> None:
    """Raise ``ValueError`` where all that is found of people is shares of a picture, 0 to 1.

    Args:
        joints: x, y, score of people, (…, 3) each; a score of 0 is not found.
        name: what to call them.
    """
    found = [person[person[..., 2] > 0][:, :2] for person in joints]
    places = np.concatenate([np.zeros((0, 2)), *found])
    if len(places) and np.abs(places).max() <= 1 and (places % 1).any():
        raise ValueError(
            f"{name}: all joints lie between -1 and 1, as shares of a picture; needed are pixels"
        )


def checked_joints(values: Any, joint_count: int) -> NDArray[np.float64]:
    """Return ``x y visibility …``, flat or in threes, as (K, 3); ``ValueError`` if it is none."""
    joints = _numbers(values, "keypoints")
    if joints.shape not in ((3 * joint_count,), (joint_count, 3)):
        raise ValueError(f"has {joints.size} keypoint numbers, needed are {3 * joint_count}")
    if not np.isfinite(joints).all():
        raise ValueError("has keypoints that are not finite")
    return joints.reshape(-1, 3)


def checked_box(box: Any) -> tuple[float, float, float, float]:
    """Return x, y, width, height; ``ValueError`` says what is broken. No size is no fault."""
    values = _numbers(box, "bbox")
    if values.shape != (4,) or not np.isfinite(values).all():
        raise ValueError(f"has the box {box!r}, needed are x, y, width, height")
    x, y, width, height = values.tolist()
    return x, y, width, height


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    """Return a list of numbers as an array; text that reads like a number is none."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.asarray(None)
    if array.size and array.dtype.kind not in "iuf":
        raise ValueError(f"has no list of numbers as its {name}")
    return array.astype(np.float64)
