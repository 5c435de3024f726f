"""What colours people wear, joint by joint: to tell them apart and to know them again."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.records import ImageArray
from tracking.parameters import FloatArray
from tracking.similarity import People, join_people, middles_of

CHANNELS = 3
_TOWARDS_MIDDLE = np.array([0.0, 0.1, 0.2])
"""Where a joint's colour is read: at it and a little towards the body, at whose edge it lies."""
_MAP_SIDE_PX = 480
"""Longer side of the map of who covers whom, which need not be finer than bodies are thick."""
_BODY_THICKNESS = 0.09
"""Width of the lines that stand for a body in that map, in longer sides of its box."""
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Appearance:
    """The colours at every joint of some people."""

    colours: FloatArray
    """Brightness, red against green, yellow against blue, in grey levels, (N, K, 3)."""
    weights: FloatArray
    """How much of a joint's colour was to be seen, 0..1, (N, K)."""

    def select(self, index: NDArray) -> Appearance:
        """Return the appearance of the people at ``index`` (integers or a mask), in that order."""
        return Appearance(self.colours[index], self.weights[index])


def unknown_appearance(count: int, joint_count: int) -> Appearance:
    """Return the appearance of people at whom nobody looked."""
    return Appearance(np.zeros((count, joint_count, CHANNELS)), np.zeros((count, joint_count)))


def measure_appearance(
    image_bgr: ImageArray,
    people: People,
    joint_scores: NDArray[np.floating],
    leaving: People | None = None,
) -> Appearance:
    """Return the colours of people at their joints and a little towards the middle of them.

    Points outside the picture are left out, and those that somebody else hides (:func:`_owners`).

    Args:
        image_bgr: picture (H, W, 3).
        people: the people in it, N.
        joint_scores: confidence of each joint, (N, K).
        leaving: others who may stand before them, half out of the picture and no longer found.
    """
    count, joints = people.joint_counts.shape
    if count == 0 or joints == 0:
        return unknown_appearance(count, joints)
    height, width = image_bgr.shape[:2]
    middles = middles_of(people)
    points = people.keypoints_xy[:, :, None]
    points = points + (middles[:, None, None] - points) * _TOWARDS_MIDDLE[:, None]
    inside = ((points >= 0) & (points <= np.array([width - 1, height - 1]))).all(-1)
    columns, rows = np.moveaxis(np.where(inside[..., None], points, 0).astype(np.int64), -1, 0)
    owners, scale = _owners(people, leaving, (width, height))
    mine = owners[(rows * scale).astype(np.int64), (columns * scale).astype(np.int64)]
    seen = inside & people.joint_counts[:, :, None]
    seen &= mine == np.arange(1, count + 1)[:, None, None]
    counts = seen.sum(-1)
    pixels = np.where(seen[..., None], image_bgr[rows, columns], 0).sum(2, dtype=np.float64)
    blue, green, red = np.moveaxis(pixels / np.maximum(counts, 1)[..., None], -1, 0)
    colours = np.stack([(blue + green + red) / 3, red - green, (red + green) / 2 - blue], -1)
    return Appearance(colours, counts / len(_TOWARDS_MIDDLE) * np.clip(joint_scores, 0.0, 1.0))


def _owners(
    people: People, leaving: People | None, size: tuple[int, int]
) -> tuple[NDArray[np.int32], float]:
    """Return a small map of who is to be seen where, 1..N, 0 or above N, and its scale.

    A body is drawn as thick lines from every joint to the middle of them; whose box reaches
    further down stands nearer and is drawn over the others.
    """
    if leaving is not None and len(leaving):
        people = join_people(people, leaving)
    middles = middles_of(people)
    width, height = size
    scale = min(_MAP_SIDE_PX / max(width, height), 1.0)
    owners = np.zeros((int(height * scale) + 1, int(width * scale) + 1), np.int32)
    sides = (people.boxes_xyxy[:, 2:] - people.boxes_xyxy[:, :2]).max(1)
    low = np.where(people.joint_counts, people.keypoints_xy[..., 1], -np.inf).max(1)
    ends = np.stack(np.broadcast_arrays(people.keypoints_xy, middles[:, None]), 2)
    lines = np.clip(np.round(ends * scale), -30000, 30000).astype(np.int32)
    thick = np.maximum(np.round(sides * _BODY_THICKNESS * scale), 1).astype(int).tolist()
    for person in np.argsort(low, kind="stable").tolist():
        drawn = lines[person][people.joint_counts[person]]
        cv2.polylines(owners, list(drawn), False, person + 1, thick[person])
    return owners, scale


def learn_appearance(
    means: FloatArray, variances: FloatArray, weights: FloatArray, now: Appearance, longest: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return running means and variances (N, K, 3) and weights (N, K) after one more sighting.

    Args:
        means: colours before it.
        variances: of them, before it.
        weights: sum of the sightings' weights before it, at most ``longest``.
        now: the sighting.
        longest: sightings over which colours are averaged.
    """
    total = weights + now.weights
    share = (now.weights / np.maximum(total, _TINY))[..., None]
    change = now.colours - means
    learned = means + share * change
    return learned, (1 - share) * (variances + share * change**2), np.minimum(total, longest)
