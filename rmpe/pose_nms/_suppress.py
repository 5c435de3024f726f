"""Parametric pose-NMS: suppress redundant poses and merge them into the one that is kept.

Fang et al., RMPE, ICCV 2017, section 3.3, in the forms that the public code gave it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rmpe.geometry.boxes import box_iou_matrix
from rmpe.pose_nms._closeness import Candidates, closeness
from rmpe.pose_nms.parameters import ALPHAPOSE, PoseNmsParameters
from rmpe.pose_nms.rescoring import proposal_score
from rmpe.records import FloatArray, Poses

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ZERO_SCORE = 1e-5
"""A joint score of exactly 0 counts as this, so that weights never sum to 0."""
_EXTENT_FACTOR = 1.5**2
"""A person's area over that of their joints' extent, 1.5 each way, as the public code has it."""
_SURE_SHARE = 2 / 3
"""A picked box that scores less than that share of the best of its members is doubtful."""
_BETTER_FIT = 0.2
"""Intersection over union with the box around the joints by which a box fits much better."""
_REFERENCES_AT_ONCE = 64
"""Possible picks compared in a block: most of the others are suppressed by the first few."""


@dataclass(frozen=True, eq=False)
class Suppression:
    """What pose-NMS kept, and of what it was made."""

    poses: Poses
    """The poses kept, in the order in which they were picked."""
    picks: Ints
    """Row of the input that each was picked as, (M,)."""
    members: tuple[Ints, ...]
    """Rows of the input that were merged into each, ascending."""

    def with_sure_boxes(self, candidates: Poses) -> Poses:
        """Return the poses, each doubtful box replaced by the best of those merged into the pose.

        The pick has the surest joints, but its box may be one of a part of the person, or one
        around two people: it also gives way to one that fits the joints much better.

        Args:
            candidates: the input of :func:`suppress`.
        """
        scores = candidates.box_scores
        best = np.array([rows[np.argmax(scores[rows])] for rows in self.members], np.int64)
        is_sure = scores[self.picks] >= _SURE_SHARE * scores[best]
        chosen = np.where(is_sure, self.picks, best)
        for row, members in enumerate(self.members):
            if len(members) > 1:
                sure = members[scores[members] >= _SURE_SHARE * scores[best[row]]]
                chosen[row] = _best_fitting(
                    self.poses.keypoints_xy[row], candidates.boxes_xyxy, sure, int(chosen[row])
                )
        boxes = candidates.select(chosen)
        return replace(self.poses, boxes_xyxy=boxes.boxes_xyxy, box_scores=boxes.box_scores)


def _best_fitting(joints_xy: FloatArray, boxes_xyxy: FloatArray, rows: Ints, chosen: int) -> int:
    """Return that of some boxes which fits the joints (K, 2) much better than the chosen one.

    Args:
        joints_xy: of the pose.
        boxes_xyxy: of all candidates, (N, 4).
        rows: which of them may be taken.
        chosen: the row that stays where none fits much better.
    """
    around = np.concatenate([joints_xy.min(0), joints_xy.max(0)])[None]
    fits = box_iou_matrix(around, boxes_xyxy)[0]
    fitting = int(rows[np.argmax(fits[rows])])
    return fitting if fits[fitting] > fits[chosen] + _BETTER_FIT else chosen


def pose_nms(poses: Poses, parameters: PoseNmsParameters = ALPHAPOSE) -> Poses:
    """Return the poses of a frame without redundant ones.

    Args:
        poses: the candidates of one frame, any skeleton.
        parameters: the rule and its constants.

    Returns:
        One pose for each person, in the order of picking: the picked pose's box, box score and
        identity, and under AlphaPose's rule merged joints and the proposal score
        ``mean + box score + 1.25 * max`` (which is not in 0..1).

    Raises:
        ValueError: a score or coordinate is not a finite number.
    """
    return suppress(poses, parameters).poses


def suppress(poses: Poses, parameters: PoseNmsParameters = ALPHAPOSE) -> Suppression:
    """Return what :func:`pose_nms` returns, with the picked rows and their members."""
    _check_finite(poses)
    if len(poses) == 0 or poses.joint_count == 0:
        nobody = np.zeros(0, np.int64)
        return Suppression(poses.select(nobody), nobody, ())
    scores = poses.keypoint_scores.astype(np.float64)
    scores[scores == 0] = _ZERO_SCORE
    order = np.argsort(-scores.mean(1), kind="stable")
    boxes = poses.boxes_xyxy[order].astype(np.float64)
    sizes = boxes[:, 2:] - boxes[:, :2]  # (n, 2)
    candidates = Candidates(
        xy=poses.keypoints_xy[order].astype(np.float64),
        scores=scores[order],
        box_sizes=sizes,
        reference=parameters.alpha * sizes.max(1),
    )
    # 1. Pick and suppress: C clusters of M members.
    picks, members, owners = _clusters(candidates, parameters)
    # 2. Merge each cluster: (M, K, 2) -> (C, K, 2); the paper keeps the pick as it is.
    if parameters.rule == "paper":
        xy, joint_scores = candidates.xy[picks], candidates.scores[picks]
    else:
        xy, joint_scores = _merge(candidates, picks, members, owners, parameters)
    # 3. Drop clusters that are unsure or small.
    kept = np.flatnonzero(_worth_keeping(candidates.scores[picks], xy, joint_scores, parameters))
    rows = order[picks[kept]]
    chosen = poses.select(rows)
    total = chosen.scores
    if parameters.rule == "alphapose":
        total = proposal_score(chosen.box_scores, joint_scores[kept]).astype(np.float32)
    merged = Poses(
        boxes_xyxy=chosen.boxes_xyxy,
        box_scores=chosen.box_scores,
        keypoints_xy=xy[kept].astype(np.float32),
        keypoint_scores=joint_scores[kept].astype(np.float32),
        scores=total,
        ids=chosen.ids,
    )
    original = order[members]
    by_owner = original[np.lexsort((original, owners))]
    groups = np.split(by_owner, np.flatnonzero(np.diff(owners)) + 1)
    return Suppression(merged, rows, tuple(groups[k] for k in kept.tolist()))


def _check_finite(poses: Poses) -> None:
    """Refuse what cannot be compared."""
    for name in ("keypoint_scores", "keypoints_xy", "box_scores", "boxes_xyxy"):
        array = getattr(poses, name)
        # A sum is finite only if every term is; it is the cheap test for the usual case.
        if not np.isfinite(array.sum(dtype=np.float64)):
            bad = np.argwhere(~np.isfinite(array))
            where = f" at {tuple(bad[0].tolist())}" if len(bad) else ""
            raise ValueError(
                f"{name} holds a value that is not a finite number{where}: "
                "pose-NMS cannot order or place such poses, drop them first"
            )


def _clusters(candidates: Candidates, parameters: PoseNmsParameters) -> tuple[Ints, Ints, Ints]:
    """Return picked rows (C,), and for every member its row and its cluster's number.

    Clusters follow one another and each has at least one member.
    """
    picks: list[int] = []
    groups: list[Ints] = []
    rows = np.arange(len(candidates))
    while len(rows):
        # Block by block: what the first references suppress need not be compared any more.
        part = candidates if len(rows) == len(candidates) else candidates.select(rows)
        alive = np.ones(len(rows), bool)
        for pick, group in _pick_in_block(part, alive, parameters):
            picks.append(int(rows[pick]))
            groups.append(rows[group])
        rows = rows[alive]
    owners = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return np.array(picks, np.int64), np.concatenate(groups), owners


def _pick_in_block(
    candidates: Candidates, alive: NDArray[np.bool_], parameters: PoseNmsParameters
) -> Iterator[tuple[int, Ints]]:
    """Yield picks among the first candidates with the rows that they suppress; clears ``alive``."""
    block = min(_REFERENCES_AT_ONCE, len(candidates))
    close = closeness(candidates, block, parameters)
    alive_count = len(candidates)
    for pick in range(block):
        # A whole-body pick may suppress others without being close to itself: it is then picked
        # again, as in the public code. Everyone else dies at once.
        while alive[pick]:
            taken = close.similar[pick] & alive
            if close.counts is not None:
                enough = close.counts[pick] >= parameters.match_threshold * alive_count
                taken |= enough & alive
            group = taken.nonzero()[0]
            if len(group) == 0:
                group = np.array([pick])
            alive[group] = False
            alive_count -= len(group)
            yield pick, group


def _merge(
    candidates: Candidates,
    picks: Ints,
    members: Ints,
    owners: Ints,
    parameters: PoseNmsParameters,
) -> tuple[Floats, Floats]:
    """Return merged joints (C, K, 2) and scores (C, K): means weighted by the joint scores.

    Only members whose joint lies within the merging radius of the pick's take part.
    """
    radius = candidates.reference[picks]
    if parameters.rule == "alphapose":
        radius = np.minimum(radius, parameters.merge_radius_px)
    starts = np.flatnonzero(np.diff(owners, prepend=-1))  # (C,), where each cluster begins
    xy, scores = candidates.xy[members], candidates.scores[members]  # (M, K, 2), (M, K)
    delta = xy - candidates.xy[picks][owners]  # (M, K, 2), member from its pick
    inside = np.einsum("mkc,mkc->mk", delta, delta) <= (radius**2)[owners, None]
    weights = scores * inside  # (M, K)
    total = np.add.reduceat(weights, starts)  # (M, K) -> (C, K)
    nobody = total == 0
    total[nobody] = 1.0
    # (M, K, 2) -> (C, K, 2)
    merged_xy = np.add.reduceat(weights[..., None] * xy, starts) / total[..., None]
    if parameters.rule == "rmpe":
        merged_scores = np.maximum.reduceat(np.where(inside, scores, -np.inf), starts)
    else:
        merged_scores = np.add.reduceat(weights * scores, starts) / total
    if nobody.any():
        merged_xy[nobody] = candidates.xy[picks][nobody]
        merged_scores[nobody] = candidates.scores[picks][nobody]
    return merged_xy, merged_scores


def _worth_keeping(
    picked_scores: Floats, xy: Floats, scores: Floats, parameters: PoseNmsParameters
) -> NDArray[np.bool_]:
    """Return which clusters (C,) are sure and large enough."""
    # Scores are 32 bit; so is what they are compared with.
    threshold = np.float32(parameters.score_threshold)
    if parameters.rule == "rmpe":
        kept = _rmpe_mean(scores).astype(np.float32) >= threshold
    else:
        best = np.minimum(picked_scores.max(1), scores.max(1))
        kept = best.astype(np.float32) >= threshold
    width, height = np.moveaxis(xy.max(1) - xy.min(1), 1, 0)
    return np.asarray(kept & (_EXTENT_FACTOR * width * height >= parameters.area_threshold))


def _rmpe_mean(scores: Floats) -> Floats:
    """Return the mean joint score (C,) as RMPE takes it for MPII: ends of the legs may be hidden.

    Joint 0 is left out where it scores below 0.1, then the *position* 5 where joint 5 does: after
    the first removal that is joint 6, and joint 5 stays in. The public code does so.
    """
    if scores.shape[1] < 7:
        return scores.mean(1)
    used = np.ones(scores.shape, bool)
    first, sixth = scores[:, 0] < 0.1, scores[:, 5] < 0.1
    used[first, 0] = False
    used[sixth & ~first, 5] = False
    used[sixth & first, 6] = False
    return (scores * used).sum(1) / used.sum(1)
