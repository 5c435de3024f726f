"""Drawn people as real clips showed them: small, in equal dark clothes, close, half found.

A square at 7 pictures a second on which people of 40 to 90 pixels walk from meeting to meeting,
stand there a while, and leave the picture now and then. What a detector and a pose network make of
them is drawn at random: boxes that flicker, one box for two people, the pose of the nearer one in
both boxes, the upper half as a second box, and runs of misses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from changed_clips import StoredClip
from numpy.typing import NDArray
from walkers import Clothes, draw_walker, standing_joints

from rmpe.evaluation.mot import MotBoxes
from rmpe.geometry.boxes import box_iou_matrix, box_xyxy_to_xywh
from rmpe.records import Frame, Poses

FloatArray = NDArray[np.float64]

_RATE = 7.0
_WIDTH, _HEIGHT = 480, 360
_OUTSIDE = 40.0
_DARK = (25, 75)
_STANDS_S = (2.0, 6.0)
_APART = 0.35
_FLICKER = 0.04
_JOINT_NOISE = 0.02


@dataclass(frozen=True)
class MeetingScene:
    """How many people, for how long."""

    people: int = 9
    frames: int = 200
    seed: int = 0

    def clip(self) -> StoredClip:
        """Return the pictures, what was found in them, and the true boxes of who can be seen."""
        rng = np.random.default_rng(self.seed)
        crowd = _Crowd(self.people, rng)
        square = _paving(rng)
        detector = _Detector(self.people, rng)
        frames, found, boxes, ids = [], [], [], []
        for index in range(self.frames):
            joints = crowd.joints(index / _RATE)
            image = square.copy()
            for person in np.argsort(crowd.feet_xy[:, 1]).tolist():
                draw_walker(image, joints[person], crowd.heights_px[person], crowd.clothes[person])
            people = _in_sight(joints)
            true = _boxes_of(joints[people])
            frames.append(Frame(index, index / _RATE, image))
            found.append(detector.find(people, joints[people], true))
            boxes.append(true)
            ids.append(people + 1)
            crowd.walk()
        counts = [len(some) for some in ids]
        truth = MotBoxes(
            np.repeat(np.arange(self.frames), counts),
            np.concatenate(ids),
            box_xyxy_to_xywh(np.concatenate(boxes)),
        )
        return StoredClip(frames, found, truth)


class _Crowd:
    """People who walk to places, meet there, stand, and walk on."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self.feet_xy = rng.uniform([20, 150], [_WIDTH - 20, _HEIGHT - 5], (count, 2))
        self._builds = rng.uniform(0.92, 1.08, count)
        self._speeds = rng.uniform(0.6, 1.0, count)  # heights a second
        self._phases = rng.uniform(0, 2 * np.pi, count)
        self._strides = np.zeros(count)
        self._stands_s = np.zeros(count)
        self.clothes = [
            Clothes(
                rng.integers(*_DARK, (3, 3)) + np.array([[0], [0], [90]]),
                rng.uniform(0, 1, (6, 2)),
                rng.integers(*_DARK, (6, 3)),
            )
            for _ in range(count)
        ]
        self._goals_xy = self.feet_xy.copy()

    @property
    def heights_px(self) -> FloatArray:
        """Heights: who stands further down is nearer, (N,)."""
        depth = np.clip((self.feet_xy[:, 1] - 100) / (_HEIGHT - 100), 0, 1)
        return np.asarray(self._builds * (40 + 50 * depth))

    def joints(self, time_s: float) -> FloatArray:
        """Return the joints of everybody, (N, 17, 2)."""
        swing = np.sin(self._phases + 9 * time_s) * self._strides
        tops = self.feet_xy - np.stack([np.zeros(len(swing)), self.heights_px], 1)
        shapes = standing_joints(swing)
        return np.asarray(tops[:, None] + shapes * self.heights_px[:, None, None])

    def walk(self) -> None:
        """Move everybody one picture on."""
        heights = self.heights_px
        way = self._goals_xy - self.feet_xy
        length = np.maximum(np.linalg.norm(way, axis=1), 1e-6)
        step = np.minimum(self._speeds * heights / _RATE, length)
        walking = (self._stands_s <= 0) & (length > 1)
        self.feet_xy[walking] += (way * (step / length)[:, None])[walking]
        self._strides = np.where(walking, 1.0, 0.1)
        self._stands_s = np.maximum(self._stands_s - 1 / _RATE, 0)
        for person in np.flatnonzero(~walking & (self._stands_s <= 0)).tolist():
            self._goals_xy[person] = self._next_goal(person)
        arriving = walking & (length - step <= 1)
        self._stands_s[arriving] = self._rng.uniform(*_STANDS_S, int(arriving.sum()))

    def _next_goal(self, person: int) -> FloatArray:
        """Return where somebody goes: beside another, across the square, or out of the picture."""
        choice = self._rng.random()
        if choice < 0.6:
            others = np.delete(np.arange(len(self.feet_xy)), person)
            other = int(self._rng.choice(others))
            side = self._rng.choice([-1, 1]) * _APART * self.heights_px[other]
            goal = self._goals_xy[other] + np.array([side, self._rng.uniform(-4, 4)])
            return np.asarray(np.clip(goal, [15, 150], [_WIDTH - 15, _HEIGHT - 5]))
        if choice < 0.85:
            return self._rng.uniform([20, 150], [_WIDTH - 20, _HEIGHT - 5])
        x = self._rng.choice([-_OUTSIDE, _WIDTH + _OUTSIDE])
        return np.array([x, self.feet_xy[person, 1]])


class _Detector:
    """Finds people as detectors and pose networks do where people stand close."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self._missed = np.zeros(count, int)

    def find(self, people: NDArray[np.int64], joints: FloatArray, boxes: FloatArray) -> Poses:
        """Return the found people of one picture.

        Args:
            people: whom it shows, (N,).
            joints: theirs, (N, 17, 2).
            boxes: their true boxes, (N, 4); who reaches further down stands nearer.
        """
        rng = self._rng
        hidden = _hidden_by(boxes)  # (N,): who stands before whom, -1 for nobody
        lost = self._lost(people, hidden >= 0)
        rows: list[tuple[FloatArray, FloatArray, float]] = []
        for row in np.flatnonzero(~lost).tolist():
            box, pose, score = boxes[row], joints[row], float(rng.uniform(0.6, 0.95))
            nearer = int(hidden[row])
            if nearer >= 0:
                score = float(rng.uniform(0.4, 0.85))
                chance = rng.random()
                if chance < 0.15 and not lost[nearer]:
                    continue  # one box is for both, see below
                if chance < 0.4:
                    pose = joints[nearer]
            elif rng.random() < 0.15 and (hidden == row).any():
                others = boxes[[row, *np.flatnonzero(hidden == row)]]
                box = np.concatenate([others[:, :2].min(0), others[:, 2:].max(0)])
            rows.append((box, pose, score))
            if rng.random() < 0.03:  # the upper half once more
                half = box - np.array([0, 0, 0, (box[3] - box[1]) / 2])
                rows.append((half, pose, float(rng.uniform(0.3, 0.6))))
        return self._seen(rows)

    def _lost(self, people: NDArray[np.int64], behind: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return who is missed in this picture, in runs, (N,)."""
        self._missed = np.maximum(self._missed - 1, 0)
        starts = self._rng.random(len(people)) < np.where(behind, 0.12, 0.02)
        starts &= self._missed[people] == 0
        self._missed[people[starts]] = self._rng.geometric(0.25, int(starts.sum()))
        return np.asarray(self._missed[people] > 0)

    def _seen(self, rows: Sequence[tuple[FloatArray, FloatArray, float]]) -> Poses:
        if not rows:
            return Poses.empty(17)
        boxes, poses, scores = (np.array(part) for part in zip(*rows))
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        boxes = boxes + self._rng.normal(size=boxes.shape) * _FLICKER * sides
        noise = self._rng.normal(size=poses.shape) * _JOINT_NOISE * sides[:, 3, None, None]
        return Poses(
            boxes_xyxy=boxes,
            box_scores=scores,
            keypoints_xy=poses + noise,
            keypoint_scores=np.full(poses.shape[:2], 0.7),
            scores=scores,
            ids=np.zeros(len(scores), np.int64),
        )


def _paving(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return bright ground with stains of several sizes, (H, W, 3)."""
    ground = np.full((_HEIGHT, _WIDTH), 160.0)
    for stain_px, contrast in ((3, 8), (10, 14), (40, 20)):
        rough = rng.normal(size=(_HEIGHT // stain_px + 1, _WIDTH // stain_px + 1)) * contrast
        ground += cv2.resize(rough, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.repeat(np.clip(ground, 0, 255).astype(np.uint8)[..., None], 3, 2)


def _in_sight(joints: FloatArray) -> NDArray[np.int64]:
    """Return whose middle is in the picture."""
    middles = joints[:, [5, 6, 11, 12]].mean(1)
    return np.flatnonzero(((middles >= 0) & (middles < [_WIDTH, _HEIGHT])).all(1))


def _boxes_of(joints: FloatArray) -> FloatArray:
    """Return boxes a little wider than the joints, inside the picture, (N, 4)."""
    low, high = joints.min(1), joints.max(1)
    margin = 0.06 * (high - low)[:, 1:]
    boxes = np.concatenate([low - margin, high + margin], 1)
    return np.asarray(np.clip(boxes, 0, [_WIDTH - 1, _HEIGHT - 1] * 2))


def _hidden_by(boxes: FloatArray) -> NDArray[np.int64]:
    """Return who stands nearer and shares most of everybody's box, -1 for nobody, (N,)."""
    overlaps = box_iou_matrix(boxes, boxes).astype(np.float64)
    overlaps[boxes[:, None, 3] >= boxes[None, :, 3]] = 0.0
    if len(boxes) == 0:
        return np.zeros(0, np.int64)
    return np.where(overlaps.max(1) > 0.25, overlaps.argmax(1), -1)
