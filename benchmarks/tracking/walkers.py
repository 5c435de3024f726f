"""A street of drawn walkers with known poses and identities, for measuring the tracker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.records import Frame, Poses

FloatArray = NDArray[np.float64]

# COCO-17 joints of a standing figure of height 1: x to its left, y down from the crown.
_STANDING = np.array(
    [
        [0.00, 0.08], [0.02, 0.06], [-0.02, 0.06], [0.05, 0.07], [-0.05, 0.07],
        [0.12, 0.20], [-0.12, 0.20], [0.15, 0.36], [-0.15, 0.36], [0.15, 0.50], [-0.15, 0.50],
        [0.08, 0.52], [-0.08, 0.52], [0.08, 0.75], [-0.08, 0.75], [0.08, 0.97], [-0.08, 0.97],
    ]
)  # fmt: skip
_SWING = np.zeros((17, 2))
_SWING[[7, 9, 13, 15], 0] = [-0.05, -0.12, 0.10, 0.16]
_SWING[[8, 10, 14, 16], 0] = [0.05, 0.12, -0.10, -0.16]
_LIMBS = [(5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16)]
_AWAY_FRAMES = (8, 40)


@dataclass(frozen=True)
class WalkerScene:
    """What the street looks like and how its people walk."""

    people: int = 8
    frames: int = 300
    width: int = 960
    height: int = 540
    pan_px: float = 0.0
    """Pixels per frame by which the camera pans, to and fro over 100 frames."""
    seed: int = 0

    def clip(self) -> Iterator[tuple[Frame, Poses]]:
        """Yield every frame with the true poses and identities of those in the picture."""
        rng = np.random.default_rng(self.seed)
        walkers = _Walkers(self, rng)
        margin = int(abs(self.pan_px) * 50) + 8
        street = make_street(self.width + 2 * margin, self.height, rng)
        for index in range(self.frames):
            phase = index % 100
            shift = self.pan_px * (phase if phase < 50 else 100 - phase)
            image = street[:, margin + round(shift) :][:, : self.width].copy()
            joints = walkers.joints(index) - np.array([round(shift), 0])
            walkers.draw(image, joints)
            yield Frame(index, index / 25, image), _visible(joints, self.width, self.height)
            walkers.walk()


@dataclass(frozen=True, eq=False)
class Clothes:
    """What one person wears."""

    colours: NDArray[np.integer]
    """Of shirt, trousers and skin, BGR, (3, 3)."""
    spots: FloatArray
    """Places of spots on the shirt, shares of its width and height, (S, 2)."""
    spot_colours: NDArray[np.integer]
    """Their colours, BGR, (S, 3)."""


def standing_joints(swing: FloatArray) -> FloatArray:
    """Return joints of figures of height 1 about their crowns, limbs swung by -1..1, (N, 17, 2)."""
    return np.asarray(_STANDING + swing[:, None, None] * _SWING)


def draw_walker(
    image: NDArray[np.uint8], joints: FloatArray, height_px: float, clothes: Clothes
) -> None:
    """Draw one person into a picture by their joints, (17, 2)."""
    points = np.round(joints).astype(int)
    thick = max(int(height_px * 0.05), 2)
    shirt, trousers, skin = (tuple(colour.tolist()) for colour in clothes.colours)
    for first, second in _LIMBS:
        colour = shirt if first < 11 else trousers
        cv2.line(image, points[first].tolist(), points[second].tolist(), colour, thick)
    torso = points[[5, 6, 12, 11]]
    cv2.fillConvexPoly(image, torso, shirt)
    cv2.circle(image, points[0].tolist(), int(height_px * 0.08), skin, -1)
    corner, sides = torso.min(0), torso.max(0) - torso.min(0)
    spots = np.round(corner + clothes.spots * sides).astype(int)
    for spot, colour in zip(spots.tolist(), clothes.spot_colours.tolist()):
        cv2.circle(image, spot, thick // 3 + 1, colour, -1)


class _Walkers:
    """Places, speeds and clothes of everybody."""

    def __init__(self, scene: WalkerScene, rng: np.random.Generator) -> None:
        count = scene.people
        self._rng = rng
        self._width = scene.width
        self._heights = rng.uniform(0.28, 0.42, count) * scene.height
        self._x = rng.uniform(0, scene.width, count)
        self._feet = rng.uniform(0.6, 0.97, count) * scene.height
        self._speeds = rng.uniform(1.5, 4.5, count) * rng.choice([-1, 1], count)
        self._away = np.zeros(count, int)
        self._phases = rng.uniform(0, 6.28, count)
        colours = rng.integers(0, 256, (count, 3, 3))
        spots = rng.uniform(0, 1, (count, 14, 2))
        spot_colours = rng.integers(0, 256, (count, 14, 3))
        self._clothes = [Clothes(*worn) for worn in zip(colours, spots, spot_colours)]

    def joints(self, index: int) -> FloatArray:
        """Return the joints of everybody, also of those out of the picture, (N, 17, 2)."""
        swing = np.sin(self._phases + 0.12 * np.abs(self._speeds) * index)
        shape = standing_joints(swing)
        top = np.stack([self._x, self._feet - self._heights], 1)
        return top[:, None] + shape * self._heights[:, None, None]

    def walk(self) -> None:
        """Move everybody one frame on; who has left waits a while and comes back."""
        outside = (self._x < -60) | (self._x > self._width + 60)
        leaving = outside & (self._away == 0)
        self._away[leaving] = self._rng.integers(*_AWAY_FRAMES, int(leaving.sum()))
        turning = outside & (self._away == 1)
        self._speeds[turning] *= -1
        self._away = np.maximum(self._away - 1, 0)
        moving = ~outside | turning
        self._x[moving] += self._speeds[moving]
        self._x[turning] = np.clip(self._x[turning], -60, self._width + 60)

    def draw(self, image: NDArray[np.uint8], joints: FloatArray) -> None:
        """Draw everybody, those further down the picture in front."""
        for person in np.argsort(self._feet).tolist():
            draw_walker(image, joints[person], self._heights[person], self._clothes[person])


def make_street(width: int, height: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a background of patches of any brightness, (H, W, 3)."""
    coarse = rng.integers(30, 226, (height // 12, width // 12, 3)).astype(np.uint8)
    street = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    return street.astype(np.uint8)


def _visible(joints: FloatArray, width: int, height: int) -> Poses:
    """Return the poses of those whose middle is in the picture; joints outside score 0."""
    limit = np.array([width, height])
    seen = ((joints >= 0) & (joints < limit)).all(-1)
    people = np.flatnonzero(seen[:, [5, 6, 11, 12]].all(1))
    points = joints[people]
    boxes = np.concatenate([points.min(1), points.max(1)], 1)
    return Poses(
        boxes_xyxy=np.clip(boxes, 0, np.tile(limit, 2)),
        box_scores=np.ones(len(people)),
        keypoints_xy=points,
        keypoint_scores=seen[people].astype(np.float32),
        scores=np.ones(len(people)),
        ids=people + 1,
    )


def disturb(poses: Poses, rng: np.random.Generator, missed: float, jitter: float) -> Poses:
    """Return the poses as a detector would give them: some missed, the joints off, any order.

    Args:
        poses: the true ones.
        rng: source of chance.
        missed: share of people left out.
        jitter: standard deviation of joints, as a share of the box's longer side.
    """
    order = rng.permutation(len(poses))
    kept = poses.select(order[rng.random(len(poses)) >= missed])
    sides = (kept.boxes_xyxy[:, 2:] - kept.boxes_xyxy[:, :2]).max(1, initial=1)
    noise = rng.normal(size=kept.keypoints_xy.shape) * jitter * sides[:, None, None]
    shift = rng.normal(size=(len(kept), 4)) * jitter * sides[:, None]
    return replace(
        kept,
        keypoints_xy=kept.keypoints_xy + noise,
        boxes_xyxy=kept.boxes_xyxy + shift,
    )
