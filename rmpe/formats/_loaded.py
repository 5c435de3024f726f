"""What the readers of whole-document formats share: hints, and people gathered into frames."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.formats.clip import ClipHeader, PoseRecord, ReadHints
from rmpe.geometry.boxes import box_xywh_to_xyxy, keypoint_extent_boxes
from rmpe.records import Poses
from rmpe.skeletons import Skeleton


@dataclass(frozen=True, eq=False)
class LoadedClip:
    """A document read as a whole; a :class:`~rmpe.formats.clip.PoseReader`."""

    header: ClipHeader
    """Facts of the clip, from the file and the hints."""
    records: tuple[PoseRecord, ...]
    """Every frame in order."""
    complete: bool = True
    """A JSON document that can be parsed is whole."""

    def __iter__(self) -> Iterator[PoseRecord]:
        """Yield every frame in order, people or none."""
        return iter(self.records)


def frame_number(image_name: str) -> int | None:
    """Return the frame index that a picture's name is, as in ``12.jpg``, or None."""
    stem = Path(image_name).stem
    return int(stem) if stem.isascii() and stem.isdigit() else None


def are_frame_numbers(numbers: Collection[int], hints: ReadHints) -> bool:
    """Return whether the numbers of pictures are frame indices of one clip.

    They are taken for catalogue numbers (as COCO's 000000000785) when more than nine in ten frames
    would have nobody and nothing is known of the clip's length.
    """
    return hints.frame_count is not None or max(numbers, default=0) < 10 * len(numbers)


def gather_frames(
    path: Path, people: Mapping[str, Poses], skeleton: Skeleton, hints: ReadHints
) -> LoadedClip:
    """Return a clip from the people by picture name.

    Names that are all frame numbers are frame indices, and every frame from 0 on that is not named
    is a frame without people; so is every picture that only ``hints.image_names`` knows. Otherwise
    the pictures are numbered in the order they came in.
    """
    numbers = {name: n for name in people if (n := frame_number(name)) is not None}
    names: tuple[str, ...] = hints.image_names
    if names:
        unknown = [name for name in people if name not in names]
        if unknown:
            raise ValueError(f"{path} has poses for {unknown[0]}, which is not among the pictures")
        by_index = {names.index(name): poses for name, poses in people.items()}
        count = len(names)
    elif len(set(numbers.values())) == len(people) and are_frame_numbers(numbers.values(), hints):
        by_index = {number: people[name] for name, number in numbers.items()}
        count = max(by_index, default=-1) + 1
    else:
        names = tuple(people)
        by_index = dict(enumerate(people.values()))
        count = len(names)
    header = hinted_header(path, skeleton, hints, names)
    return LoadedClip(header, numbered_records(by_index, count, header, hints.frame_count))


def hinted_header(
    path: Path, skeleton: Skeleton, hints: ReadHints, image_names: tuple[str, ...] = ()
) -> ClipHeader:
    """Return the header of a file that says nothing about its clip."""
    return ClipHeader(
        skeleton, str(path), hints.width, hints.height, hints.fps, image_names=image_names
    )


def numbered_records(
    by_index: Mapping[int, Poses], count: int, header: ClipHeader, frame_count: int | None
) -> tuple[PoseRecord, ...]:
    """Return one record for every index below ``count``, or ``frame_count`` if that is more."""
    nobody = Poses.empty(header.skeleton.joint_count)
    return tuple(
        PoseRecord(index, header.time_of(index), by_index.get(index, nobody))
        for index in range(max(count, frame_count or 0))
    )


def flat_joints(rows: Sequence[Sequence[float]], path: Path) -> NDArray[np.float32]:
    """Return flat ``x y score …`` rows of people as (N, K, 3); ``ValueError`` if they differ."""
    lengths = {len(row) for row in rows}
    if len(lengths) > 1 or any(length % 3 for length in lengths):
        raise ValueError(
            f"{path}: a person's keypoints are x, y, score in turn, the same number for all; got "
            f"lists of {sorted(lengths)} numbers"
        )
    joint_count = max(lengths, default=0) // 3
    try:
        flat = np.asarray(rows, np.float64).reshape(len(rows), joint_count, 3)
    except ValueError as error:
        raise ValueError(f"{path}: keypoints are numbers: {error}") from error
    return flat.astype(np.float32)


def poses_from_joints(
    joints: NDArray[np.float32],
    boxes_xyxy: ArrayLike | None = None,
    box_scores: ArrayLike | None = None,
    scores: ArrayLike | None = None,
    ids: ArrayLike | None = None,
) -> Poses:
    """Return poses from joints (N, K, 3), making up what a format leaves out.

    A missing box is the extent of the joints that score above 0, a missing score the mean score of
    these joints, a missing box score the pose's score, a missing id 0.
    """
    found = joints[..., 2] > 0
    means = (joints[..., 2] * found).sum(1) / np.maximum(found.sum(1), 1)
    pose_scores = np.asarray(means if scores is None else scores, np.float32)
    if boxes_xyxy is None:
        boxes_xyxy = keypoint_extent_boxes(joints[..., :2], found)
    return Poses(
        boxes_xyxy=np.asarray(boxes_xyxy, np.float32),
        box_scores=np.asarray(pose_scores if box_scores is None else box_scores, np.float32),
        keypoints_xy=joints[..., :2],
        keypoint_scores=joints[..., 2],
        scores=pose_scores,
        ids=np.asarray(np.zeros(len(joints)) if ids is None else ids, np.int64),
    )


def boxes_if_known(boxes_xywh: Sequence[Sequence[float] | None]) -> NDArray[np.float32] | None:
    """Return x y w h boxes as xyxy (N, 4), or None if anybody has none."""
    known = [box for box in boxes_xywh if box is not None]
    return box_xywh_to_xyxy(known) if known and len(known) == len(boxes_xywh) else None


def flatten_joints(keypoints_xy: ArrayLike, keypoint_scores: ArrayLike) -> NDArray[np.float32]:
    """Return ``x y score …`` rows (N, 3K) from joints (N, K, 2) and their scores (N, K)."""
    points = np.asarray(keypoints_xy, np.float32)
    scores = np.asarray(keypoint_scores, np.float32)[..., None]
    return np.concatenate([points, scores], -1).reshape(len(points), 3 * points.shape[1])
