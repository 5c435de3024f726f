"""Stored poses as one trajectory for each identity: where every joint was, frame by frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rmpe.formats import PoseReader, PoseRecord
from rmpe.skeletons import Skeleton

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Records hold times to a microsecond.
_RATE_DIGITS = 4
_MIDDLES = {
    "neck": ("left_shoulder", "right_shoulder"),
    "pelvis": ("left_hip", "right_hip"),
}
"""Joints that are measured with and can be made where a skeleton lacks them."""
_OTHERWISE = {
    "left_big_toe": "left_foot_index",
    "right_big_toe": "right_foot_index",
    "left_hand_5": "left_index",
    "right_hand_5": "right_index",
}
"""MediaPipe's words for joints that are measured with."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One person over time; frames in which the person was not found hold NaN."""

    identity: int
    """The person's id; 0 for the only person of records without identities."""
    joints: tuple[str, ...]
    """Joint names, K of them; neck and pelvis are there where they can be made."""
    frames: IntArray
    """Frame indices from the person's first to last frame, none left out, (F,)."""
    time_s: FloatArray
    """Time of each frame in seconds, rising, (F,)."""
    points_xy: FloatArray
    """Joints in pixels of the picture, y downwards, NaN where unknown, (F, K, 2)."""
    scores: FloatArray
    """Confidence of each joint, 0 where the person was not found, (F, K)."""
    box_areas: FloatArray
    """Area of the person's box in square pixels, 0 where not found, (F,)."""

    def __len__(self) -> int:
        return len(self.frames)

    def has(self, *joints: str) -> bool:
        """Return whether all these joints are among the trajectory's."""
        return all(len(joint_places(self.joints, joint)) == 1 for joint in joints)

    def place(self, name: str) -> int:
        """Return which of the joints has this name, or another word for it."""
        (place,) = joint_places(self.joints, name)
        return place

    def joint(self, name: str) -> FloatArray:
        """Return one joint's positions, (F, 2)."""
        return self.points_xy[:, self.place(name)]

    def with_points(self, points_xy: FloatArray) -> Trajectory:
        """Return the same person with other positions, (F, K, 2)."""
        return replace(self, points_xy=points_xy)


def joint_places(joints: tuple[str, ...], name: str) -> tuple[int, ...]:
    """Return the places among ``joints`` whose mean the joint ``name`` is: one, or two of a middle.

    Empty where the joint is not there and cannot be made.
    """
    for names in ((name,), (_OTHERWISE.get(name, name),), _MIDDLES.get(name, ())):
        if names and all(each in joints for each in names):
            return tuple(joints.index(each) for each in names)
    return ()


def read_trajectories(
    records: PoseReader, min_score: float = 0.0, fps: float = 0.0, max_gap: int = 0
) -> tuple[list[Trajectory], dict[int, NDArray[np.float32]]]:
    """Return one trajectory for every identity, by rising id, and all boxes by frame index.

    Args:
        records: what :func:`rmpe.read_records` returns.
        min_score: joints below it are unknown.
        fps: frames a second of records that hold no times; 0 takes what they say.
        max_gap: where records leave out more frames than this they are put in, with nobody in them.

    Raises:
        ValueError: people have no identities and a frame holds several of them, an identity is
            twice in a frame, or the times do not rise.
    """
    frames: list[int] = []
    times: list[float] = []
    people: dict[int, dict[int, tuple[PoseRecord, int]]] = defaultdict(dict)
    boxes: dict[int, NDArray[np.float32]] = {}
    twice: dict[int, int] = {}
    for record in records:
        if len(record.poses):
            boxes[record.frame_index] = record.poses.boxes_xyxy
        slot = len(frames)
        frames.append(record.frame_index)
        times.append(record.timestamp_s)
        for row, identity in enumerate(record.poses.ids.tolist()):
            identity = max(identity, 0)
            if slot in people[identity]:
                twice.setdefault(identity, record.frame_index)
            people[identity][slot] = (record, row)
    if any(people.keys() - {0}):  # who waits for an identity in some frame is nobody yet
        people.pop(0, None)
    for identity in twice.keys() & people.keys():
        raise ValueError(_twice(identity, twice[identity]))
    time_s = _rising(np.asarray(times, np.float64), fps or records.header.fps)
    indices = np.asarray(frames, np.int64)
    indices, time_s, slots = _with_missing(indices, time_s, max_gap)
    skeleton = records.header.skeleton
    trajectories = [
        _trajectory(
            identity,
            {int(slots[slot]): row for slot, row in people[identity].items()},
            indices,
            time_s,
            skeleton,
            min_score,
        )
        for identity in sorted(people)
    ]
    return trajectories, boxes


def _twice(identity: int, frame: int) -> str:
    if identity == 0:
        return (
            f"frame {frame} has several people without identity; give them identities first "
            "(rmpe track)"
        )
    return f"identity {identity} is twice in frame {frame}; give identities anew (rmpe track)"


def _rising(times: FloatArray, fps: float) -> FloatArray:
    """Return times that rise; those of records without any come from the frame rate."""
    if len(times) < 2 or (np.diff(times) > 0).all():
        return times
    if not times.any() and fps > 0:
        return np.arange(len(times)) / fps
    if not times.any():
        raise ValueError("the records have no times: give the frames a second (--fps)")
    place = int(np.argmax(np.diff(times) <= 0)) + 1
    raise ValueError(f"time does not rise at frame {place}: {times[place - 1]}, {times[place]} s")


def _with_missing(
    frames: IntArray, time_s: FloatArray, max_gap: int
) -> tuple[IntArray, FloatArray, IntArray]:
    """Return frames and times with those that a live recording lost, and the places of the others.

    Only where more than ``max_gap`` in a row are missing: shorter gaps are bridged by straight
    lines, whether their frames are there or not.
    """
    steps = np.diff(frames)
    usual = int(np.median(steps)) if len(steps) else 1
    lost = np.where(steps > (max_gap + 1) * max(usual, 1), steps // max(usual, 1) - 1, 0)
    places = np.arange(len(frames)) + np.concatenate([[0], np.cumsum(lost)]).astype(np.int64)
    if not lost.any():
        return frames, time_s, places
    slots = np.arange(places[-1] + 1)
    return (
        np.rint(np.interp(slots, places, frames)).astype(np.int64),
        np.interp(slots, places, time_s),
        places,
    )


def _trajectory(
    identity: int,
    rows: Mapping[int, tuple[PoseRecord, int]],
    frames: IntArray,
    time_s: FloatArray,
    skeleton: Skeleton,
    min_score: float,
) -> Trajectory:
    first, last = min(rows), max(rows)
    count, joints = last - first + 1, skeleton.joint_count
    points = np.full((count, joints, 2), np.nan)
    scores = np.zeros((count, joints))
    areas = np.zeros(count)
    for slot, (record, row) in rows.items():
        poses = record.poses
        points[slot - first] = poses.keypoints_xy[row]
        scores[slot - first] = poses.keypoint_scores[row]
        x1, y1, x2, y2 = poses.boxes_xyxy[row].tolist()
        areas[slot - first] = max(x2 - x1, 0.0) * max(y2 - y1, 0.0)
    # A score of 0 means "not found" in every format, and a place that is no number is none.
    known = (scores > 0) & (scores >= min_score) & np.isfinite(points).all(-1)
    points[~known] = np.nan
    scores[~np.isfinite(scores)] = 0
    names, points, scores = _with_middles(skeleton.joints, points, scores)
    return Trajectory(
        identity, names, frames[first : last + 1], time_s[first : last + 1], points, scores, areas
    )


def _with_middles(
    joints: tuple[str, ...], points: FloatArray, scores: FloatArray
) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Add the joints of ``_MIDDLES`` that are missing and can be made."""
    for name in _MIDDLES:
        places = list(joint_places(joints, name))
        if name in joints or not places:
            continue
        joints = (*joints, name)
        points = np.concatenate([points, points[:, places].mean(1, keepdims=True)], 1)
        scores = np.concatenate([scores, scores[:, places].mean(1, keepdims=True)], 1)
    return joints, points, scores


def is_constant_rate(time_s: FloatArray, tolerance: float = 0.02) -> bool:
    """Return whether frames are equally far apart, within a share of their usual distance."""
    steps = np.diff(time_s)
    if len(steps) < 2:
        return True
    usual = float(np.median(steps))
    return bool(np.abs(steps - usual).max() <= tolerance * usual + 1e-6)


def frame_rate(time_s: FloatArray) -> float:
    """Return frames a second: of a constant rate the mean, else by the median distance.

    0 for fewer than two frames.
    """
    if len(time_s) < 2:
        return 0.0
    if is_constant_rate(time_s):
        return round(float((len(time_s) - 1) / (time_s[-1] - time_s[0])), _RATE_DIGITS)
    return round(float(1.0 / np.median(np.diff(time_s))), _RATE_DIGITS)


def _mean_area(person: Trajectory) -> float:
    found = int((person.box_areas > 0).sum())
    return float(person.box_areas.sum()) / max(found, 1)


def choose_people(trajectories: Iterable[Trajectory], person: str) -> list[Trajectory]:
    """Return the people that are asked for.

    Args:
        trajectories: everybody.
        person: ``all``, ``largest`` (greatest box on average over the frames with the person),
            ``longest`` (most frames with the person), or ids separated by commas.

    Raises:
        ValueError: there is no such person, or the words are none of these.
    """
    everybody = list(trajectories)
    if person == "all" or not everybody:
        return everybody
    if person == "longest":
        return [max(everybody, key=lambda one: int((one.box_areas > 0).sum()))]
    if person == "largest":
        return [max(everybody, key=_mean_area)]
    by_id = {one.identity: one for one in everybody}
    try:
        wanted = list(dict.fromkeys(int(part) for part in person.split(",")))
    except ValueError:
        raise ValueError(
            f"person is {person!r}, allowed are all, largest, longest, or ids as 1,3"
        ) from None
    missing = [identity for identity in wanted if identity not in by_id]
    if missing:
        raise ValueError(f"there is no person {missing[0]}; there are {sorted(by_id)}")
    return [by_id[identity] for identity in wanted]
