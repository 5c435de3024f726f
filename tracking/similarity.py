"""How alike two people of two frames are: PoseFlow's similarity from features, boxes and joints.

The four terms of a pair (a, b), each in 0..1, are the share of feature matches common to both
boxes, the overlap of the boxes, and the same two for squares round joint j of a and joint j of b,
averaged over the best few joints. Overlaps count pixels: a box from 3 to 5 is 3 wide.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracking.parameters import FloatArray, TrackerParameters
from tracking.poseflow.parameters import PoseFlowParameters

BoolArray = NDArray[np.bool_]

_UNION_GUARD = 1e-5
"""PoseFlow's, so that nothing is divided by 0."""
_ROWS_AT_ONCE = 32768
"""Matches whose incidence with every region, (N, G, R), is held at a time."""
_FEWEST_JOINTS = 3
"""Joints that two poses must have in common before they may be called equal."""


@dataclass(frozen=True, eq=False)
class People:
    """People of one frame, or candidates of several, as the similarity needs them (64 bit)."""

    keypoints_xy: FloatArray
    """Joints in pixels, (N, K, 2)."""
    boxes_xyxy: FloatArray
    """Boxes round the joints in pixels, (N, 4)."""
    joint_counts: BoolArray
    """Which joints count, (N, K)."""
    radii_px: FloatArray
    """Half the side of the square round each joint, (N,)."""

    def __len__(self) -> int:
        return len(self.keypoints_xy)


def describe_people(
    keypoints_xy: ArrayLike,
    width: int,
    height: int,
    parameters: PoseFlowParameters | TrackerParameters,
    keypoint_scores: ArrayLike | None = None,
    boxes_xyxy: ArrayLike | None = None,
) -> People:
    """Return people with the boxes and joint squares that the similarity compares.

    A box is the extent of the joints that count, widened by ``box_margin`` on each side, clipped
    to 0..width and 0..height, cut to integers.

    Args:
        keypoints_xy: joints in pixels, (N, K, 2).
        width: of the picture in pixels.
        height: of the picture in pixels.
        parameters: spreads and thresholds.
        keypoint_scores: confidence of each joint, (N, K); None where every joint counts.
        boxes_xyxy: detected boxes in pixels, (N, 4); a person is at least as large as this when
            radii are in persons. None: as large as the extent of the joints.
    """
    points = np.asarray(keypoints_xy, np.float64)
    if points.ndim != 3 or points.shape[2] != 2:
        raise ValueError(f"keypoints_xy has shape {points.shape}, needed is (N, K, 2)")
    counted = np.ones(points.shape[:2], bool)
    if parameters.minimum_joint_score is not None and keypoint_scores is not None:
        counted = np.asarray(keypoint_scores) > parameters.minimum_joint_score
        counted[~counted.any(1)] = True
    boxes = joint_boxes(points, counted, width, height, parameters.box_margin)
    radii = np.full(len(points), parameters.joint_radius)
    if parameters.joint_radius_unit == "person":
        sizes = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(1, initial=0.0), 1.0)
        if boxes_xyxy is not None:
            detected = np.asarray(boxes_xyxy, np.float64)
            sizes = np.maximum(sizes, (detected[:, 2:] - detected[:, :2]).max(1, initial=0.0))
        radii = parameters.joint_radius * sizes
    return People(points, boxes, counted, radii)


def joint_boxes(
    keypoints_xy: FloatArray, counted: BoolArray, width: int, height: int, margin: float
) -> FloatArray:
    """Return whole-pixel boxes x1 y1 x2 y2 round the counted joints, (N, 4)."""
    if keypoints_xy.shape[0] == 0 or keypoints_xy.shape[1] == 0:
        return np.zeros((len(keypoints_xy), 4))
    low = np.where(counted[..., None], keypoints_xy, np.inf).min(1)  # (N, 2)
    high = np.where(counted[..., None], keypoints_xy, -np.inf).max(1)
    grow = margin * (high - low)
    limit = np.array([width, height], np.float64)
    # (N, 2), (N, 2) -> (N, 4)
    corners = np.concatenate([np.clip(low - grow, 0, limit), np.clip(high + grow, 0, limit)], 1)
    return np.trunc(corners)


def pixel_overlap(first_xyxy: FloatArray, second_xyxy: FloatArray) -> FloatArray:
    """Return overlap over union of boxes that broadcast, (..., 4) x (..., 4) -> (...).

    Sides count both end pixels, ``x2 - x1 + 1``; boxes that only touch do not overlap.
    """
    x1 = np.maximum(first_xyxy[..., 0], second_xyxy[..., 0])
    y1 = np.maximum(first_xyxy[..., 1], second_xyxy[..., 1])
    x2 = np.minimum(first_xyxy[..., 2], second_xyxy[..., 2])
    y2 = np.minimum(first_xyxy[..., 3], second_xyxy[..., 3])
    shared = np.where((x1 < x2) & (y1 < y2), (x2 - x1 + 1) * (y2 - y1 + 1), 0.0)
    union = _pixel_area(first_xyxy) + _pixel_area(second_xyxy) - shared
    return np.asarray(shared / (union + _UNION_GUARD), np.float64)


def _pixel_area(boxes_xyxy: FloatArray) -> FloatArray:
    return (boxes_xyxy[..., 2] - boxes_xyxy[..., 0] + 1) * (
        boxes_xyxy[..., 3] - boxes_xyxy[..., 1] + 1
    )


def joint_squares(people: People) -> FloatArray:
    """Return the square round every joint, x1 y1 x2 y2, (N, K, 4)."""
    radii = people.radii_px[:, None, None]
    return np.concatenate([people.keypoints_xy - radii, people.keypoints_xy + radii], -1)


def box_overlaps(first: People, second: People) -> FloatArray:
    """Return the overlap of the boxes of every pair, (N, M)."""
    return pixel_overlap(first.boxes_xyxy[:, None], second.boxes_xyxy[None])


def joint_overlaps(first: People, second: People, top_joints: int) -> FloatArray:
    """Return the overlap of joint squares, averaged over the best joints of every pair, (N, M).

    The squares of a pair have one size, the larger of the two people's.
    """
    # (N, M, 1, 1) around (N, 1, K, 2) and (1, M, K, 2).
    radii = np.maximum(first.radii_px[:, None], second.radii_px[None])[..., None, None]
    one, other = first.keypoints_xy[:, None], second.keypoints_xy[None]
    # (N, M, K, 4) each -> (N, M, K)
    overlaps = pixel_overlap(
        np.concatenate([one - radii, one + radii], -1),
        np.concatenate([other - radii, other + radii], -1),
    )
    return _mean_of_best(overlaps, _counted_in_both(first, second), top_joints)


def _counted_in_both(first: People, second: People) -> BoolArray:
    """Return whether a joint counts in both people of a pair, (N, M, K)."""
    return np.asarray(first.joint_counts[:, None] & second.joint_counts[None], np.bool_)


def _mean_of_best(values: FloatArray, counted: BoolArray, count: int) -> FloatArray:
    """Return the mean of the highest values that count, ``count`` of them or as many as there are.

    Args:
        values: not negative, (N, M, K).
        counted: which of them count, (N, M, K).
        count: how many enter the mean.
    """
    joints = values.shape[-1]
    if joints == 0 or values.size == 0:
        return np.zeros(values.shape[:-1])
    best = np.where(counted, values, 0.0)
    if joints > count:
        # The highest of each pair, in no order: (N, M, K) -> (N, M, count).
        best = np.partition(best, joints - count, axis=-1)[..., joints - count :]
    entering = np.clip(counted.sum(-1), 1, count)  # (N, M)
    return np.asarray(best.sum(-1) / entering, np.float64)


def shared_features(
    first: People, second: People, correspondences: ArrayLike, top_joints: int
) -> tuple[FloatArray, FloatArray]:
    """Return the share of matches that boxes, and best joint squares, have in common.

    For a set A of matches that start in a region of a, and B of those that end in the region of b,
    the share is ``|A ∩ B| / (|A ∪ B| + 1e-5)``; borders belong to a region.

    Args:
        first: people in the earlier frame, N.
        second: people in the later frame, M.
        correspondences: matches x1 y1 x2 y2 in pixels, (R, 4), earlier frame first.
        top_joints: number of best joints that the joint term averages.

    Returns:
        For boxes (N, M) and for joints (N, M).
    """
    rows = np.asarray(correspondences, np.float64).reshape(-1, 4)
    # G = 1 + K regions of a person, the box and then the joints' squares: (N, G, 4), (M, G, 4).
    first_boxes = np.concatenate([first.boxes_xyxy[:, None], joint_squares(first)], 1)
    second_boxes = np.concatenate([second.boxes_xyxy[:, None], joint_squares(second)], 1)
    regions = first_boxes.shape[1]
    both = np.zeros((regions, len(first), len(second)))
    in_first = np.zeros((regions, len(first)))
    in_second = np.zeros((regions, len(second)))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[start : start + _ROWS_AT_ONCE]
        starts = _incidence(first_boxes, block[:, :2])
        ends = _incidence(second_boxes, block[:, 2:])
        both += starts @ ends.transpose(0, 2, 1)  # (G, N, R) @ (G, R, M) -> (G, N, M)
        in_first += starts.sum(-1, dtype=np.float64)
        in_second += ends.sum(-1, dtype=np.float64)
    union = in_first[:, :, None] + in_second[:, None] - both
    shares = both / (union + _UNION_GUARD)
    joint_shares = np.moveaxis(shares[1:], 0, -1)  # (K, N, M) -> (N, M, K)
    return shares[0], _mean_of_best(joint_shares, _counted_in_both(first, second), top_joints)


def _incidence(regions_xyxy: FloatArray, points_xy: FloatArray) -> NDArray[np.float32]:
    """Return 1 where a point lies in a region, (N, G, 4) x (R, 2) -> (G, N, R)."""
    boxes = np.ascontiguousarray(regions_xyxy.transpose(2, 1, 0))[..., None]  # (4, G, N, 1)
    x, y = points_xy[:, 0], points_xy[:, 1]
    inside = (x >= boxes[0]) & (x <= boxes[2])
    inside &= y >= boxes[1]
    inside &= y <= boxes[3]
    return inside.astype(np.float32)


def similarity_matrix(
    candidates: People,
    people: People,
    from_previous: ArrayLike,
    correspondences: ArrayLike,
    parameters: PoseFlowParameters,
    expected: People | None = None,
) -> FloatArray:
    """Return PoseFlow's similarity of every candidate with every person of the new frame, (N, M).

    Args:
        candidates: people seen before, N.
        people: people of the new frame, M.
        from_previous: whether a candidate was seen in the frame just before, bool (N,).
        correspondences: matches x1 y1 x2 y2 from the frame just before to the new one, (R, 4).
        parameters: weights, number of best joints.
        expected: the candidates where they are expected in the new frame, for the overlaps; None:
            where they were.
    """
    placed = candidates if expected is None else expected
    recent = np.asarray(from_previous, bool)
    # Weights of the four terms for each candidate, (N, 4).
    weights = np.where(recent[:, None], parameters.previous_weights, parameters.older_weights)
    boxes = box_overlaps(placed, people)
    joints = joint_overlaps(placed, people, parameters.top_joints)
    similarities = weights[:, 1:2] * boxes + weights[:, 3:4] * joints
    using = np.flatnonzero((weights[:, 0] != 0) | (weights[:, 2] != 0))
    if len(using) and len(people):
        chosen = select_people(candidates, using)
        in_boxes, at_joints = shared_features(
            chosen, people, correspondences, parameters.top_joints
        )
        similarities[using] += weights[using, 0:1] * in_boxes + weights[using, 2:3] * at_joints
    return np.asarray(similarities, np.float64)


def select_people(people: People, index: ArrayLike) -> People:
    """Return the people at ``index`` (integers or a mask), in that order."""
    chosen = np.asarray(index)
    return People(*(getattr(people, field.name)[chosen] for field in fields(People)))


def join_people(first: People, second: People) -> People:
    """Return the first people and then the second."""
    names = [field.name for field in fields(People)]
    return People(*(np.concatenate([getattr(p, name) for p in (first, second)]) for name in names))


def middles_of(people: People) -> FloatArray:
    """Return the mean place of the joints that count, (N, 2)."""
    counts = np.maximum(people.joint_counts.sum(1), 1)[:, None]
    return np.asarray(
        np.einsum("nk,nkc->nc", people.joint_counts, people.keypoints_xy) / counts, np.float64
    )


def own_poses(people: People, boxes_xyxy: FloatArray, alike: float) -> BoolArray:
    """Return whose pose is their own: of two equal ones that of the box which it fills best, (N,).

    Args:
        people: poses of one frame, N.
        boxes_xyxy: the boxes that they were found in, (N, 4).
        alike: poses are equal whose joints are nearer than this on average, in heights of a box.
    """
    own = np.ones(len(people), bool)
    if len(people) < 2:
        return own
    heights = np.maximum(boxes_xyxy[:, 3] - boxes_xyxy[:, 1], 1.0)
    both = _counted_in_both(people, people)  # (N, N, K)
    apart = np.linalg.norm(people.keypoints_xy[:, None] - people.keypoints_xy, axis=-1)  # (N, N, K)
    counts = both.sum(-1)
    mean = (apart * both).sum(-1) / np.maximum(counts, 1)  # (N, N), pixels
    same = (mean < alike * np.minimum(heights[:, None], heights)) & (counts >= _FEWEST_JOINTS)
    filled = pixel_overlap(people.boxes_xyxy, boxes_xyxy)
    for first, second in np.argwhere(np.triu(same, 1)):
        own[first if filled[first] < filled[second] else second] = False
    return own
