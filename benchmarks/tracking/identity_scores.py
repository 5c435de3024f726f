"""Identity measures for the benchmark, and the plain tracker that it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from rmpe.geometry.boxes import box_iou_matrix
from rmpe.records import Poses


class IouTracker:
    """The plainest tracker: a box takes the identity of the earlier box it overlaps most."""

    def __init__(self, least_overlap: float = 0.3, memory_frames: int = 1) -> None:
        """Start with nobody seen; a box is remembered for ``memory_frames`` frames."""
        self._least = least_overlap
        self._memory = memory_frames
        self._boxes = np.zeros((0, 4))
        self._ids = np.zeros(0, np.int64)
        self._ages = np.zeros(0, np.int64)
        self._highest = 0

    def update(self, poses: Poses) -> Poses:
        """Return the poses with identities."""
        overlaps = box_iou_matrix(self._boxes, poses.boxes_xyxy)
        rows, columns = linear_sum_assignment(overlaps, maximize=True)
        good = overlaps[rows, columns] > self._least
        ids = np.zeros(len(poses), np.int64)
        ids[columns[good]] = self._ids[rows[good]]
        new = ids == 0
        ids[new] = self._highest + 1 + np.arange(new.sum())
        self._highest = max(self._highest, int(ids.max(initial=0)))
        kept = ~np.isin(self._ids, ids) & (self._ages + 1 < self._memory)
        self._boxes = np.concatenate([poses.boxes_xyxy, self._boxes[kept]])
        self._ages = np.concatenate([np.zeros(len(ids), np.int64), self._ages[kept] + 1])
        self._ids = np.concatenate([ids, self._ids[kept]])
        return poses.with_ids(ids)


@dataclass(frozen=True)
class IdentityScores:
    """CLEAR MOT counts of one clip; people are matched by the nearness of their poses."""

    truths: int
    misses: int
    false: int
    switches: int
    crossings: int

    @property
    def mota(self) -> float:
        """1 - (misses + false + switches) / truths."""
        return 1 - (self.misses + self.false + self.switches) / max(self.truths, 1)


def score_identities(truth: Sequence[Poses], tracked: Sequence[Poses]) -> IdentityScores:
    """Return the counts for a clip; a truth under another id than it had last is a switch."""
    last: dict[int, int] = {}
    misses = false = switches = total = 0
    for true, found in zip(truth, tracked):
        found = found.select(found.ids > 0)  # who waits for an identity counts as missed
        total += len(true)
        distance = np.zeros((len(true), len(found)))
        if distance.size:
            gap = true.keypoints_xy[:, None] - found.keypoints_xy[None]
            sides = (true.boxes_xyxy[:, 2:] - true.boxes_xyxy[:, :2]).max(1)
            distance = np.sqrt((gap**2).sum(-1)).mean(-1) / sides[:, None]
            held = np.array([[last.get(int(t)) == f for f in found.ids] for t in true.ids])
            distance[held & (distance < 0.15)] -= 10
        rows, columns = linear_sum_assignment(np.minimum(distance, 1.0))
        good = distance[rows, columns] < 0.15
        misses += len(true) - int(good.sum())
        false += len(found) - int(good.sum())
        for row, column in zip(rows[good], columns[good]):
            identity, given = int(true.ids[row]), int(found.ids[column])
            switches += last.get(identity, given) != given
            last[identity] = given
    return IdentityScores(total, misses, false, switches, count_crossings(truth))


def count_crossings(truth: Sequence[Poses], overlap: float = 0.2) -> int:
    """Return how often two boxes came to overlap after they had not."""
    before: set[tuple[int, int]] = set()
    crossings = 0
    for poses in truth:
        overlaps = np.triu(box_iou_matrix(poses.boxes_xyxy, poses.boxes_xyxy) > overlap, 1)
        meeting = poses.ids[np.argwhere(overlaps)]
        pairs = {(int(a), int(b)) for a, b in np.sort(meeting, 1)}
        crossings += len(pairs - before)
        before = pairs
    return crossings
