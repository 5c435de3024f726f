"""What the readers of whole documents share: people gathered into frames, checked numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.datasets.checks import check_pixels
from rmpe.formats.clip import ClipHeader, PoseRecord, ReadHints
from rmpe.formats.pictures import PictureKey, place_pictures
from rmpe.geometry.boxes import box_xywh_to_xyxy, keypoint_extent_boxes
from rmpe.records import Poses
from rmpe.skeletons import Skeleton


@dataclass(frozen=True, eq=False)
class LoadedClip:
    """A document read as a whole; a :class:`~rmpe.formats.clip.PoseReader`."""

    header: ClipHeader
    """Facts of the clip, from the file and the hints."""
    people: Mapping[int, Poses]
    """The people of every frame that has any."""
    count: int
    """Frames of the clip."""
    notes: tuple[str, ...] = ()
    """What was guessed in reading: one line each."""
    complete: bool = True
    """A JSON document that can be parsed is whole."""

    def __iter__(self) -> Iterator[PoseRecord]:
        """Yield every frame in order, people or none."""
        nobody = Poses.empty(self.header.skeleton.joint_count)
        for index in range(self.count):
            yield PoseRecord(index, self.header.time_of(index), self.people.get(index, nobody))


def gather_frames(
    path: Path,
    people: Mapping[PictureKey, Poses],
    skeleton: Skeleton,
    hints: ReadHints,
    notes: Sequence[str] = (),
) -> LoadedClip:
    """Return a clip from the people by picture, placed by the rule of ``pictures.py``.

    Frames that lie between those of the file, and pictures that only the hints know, are without
    people.

    Raises:
        ValueError: a picture cannot be placed, or places are no pixels.
    """
    joints = [np.dstack([found.keypoints_xy, found.keypoint_scores]) for found in people.values()]
    check_pixels(joints, str(path))
    placed = place_pictures(tuple(people), hints, str(path))
    by_index = {placed.indices[key]: poses for key, poses in people.items()}
    notes = (*notes, *note_on_repeated_ids(people))
    header = hinted_header(path, skeleton, hints, placed.image_names)
    count = max(placed.count, hints.frame_count or 0)
    return LoadedClip(header, by_index, count, (*notes, *placed.notes))


def note_on_repeated_ids(people: Mapping[PictureKey, Poses]) -> tuple[str, ...]:
    """Return a line on pictures in which two people have one identity, if there are any."""
    given = {key: poses.ids[poses.ids > 0].tolist() for key, poses in people.items()}
    odd = [key for key, ids in given.items() if len(set(ids)) < len(ids)]
    if not odd:
        return ()
    return (f"an identity is given twice in one picture, in {len(odd)} of them: first in {odd[0]}",)


def hinted_header(
    path: Path, skeleton: Skeleton, hints: ReadHints, image_names: tuple[str, ...] = ()
) -> ClipHeader:
    """Return the header of a file that says nothing about its clip."""
    return ClipHeader(
        skeleton, str(path), hints.width, hints.height, hints.fps, image_names=image_names
    )


class JointReader:
    """Reads people's joints as files have them and counts what is missing or no score.

    A joint of which a number is NaN or null was not found: it becomes 0, 0 with score 0, which
    ``notes`` says. Other numbers that are not finite are refused.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.missing = 0
        """Joints that were NaN or null."""
        self.flags = 0
        """Joints whose score was a 2 among 0, 1 and 2 alone, as truths count what is seen."""

    @property
    def notes(self) -> tuple[str, ...]:
        """A line each on joints that were missing, and on flags in place of scores."""
        said = []
        if self.missing:
            said.append(f"{self.missing} joints that are no numbers (NaN) count as not found")
        if self.flags:
            said.append(f"{self.flags} joint scores of 2 are taken for COCO's visibility: found, 1")
        return tuple(said)

    def read(self, rows: Sequence[Any], place: object) -> NDArray[np.float32]:
        """Return flat ``x y score …`` rows of people as (N, K, 3).

        Raises:
            ValueError: rows differ in length or hold something else than numbers; the message names
                the file and ``place``, the picture.
        """
        place = f"{self._path}, {place}"
        if not all(isinstance(row, list) for row in rows):
            raise ValueError(
                f"{place}: a person's keypoints are a list of numbers, got something else"
            )
        lengths = {len(row) for row in rows}
        if len(lengths) > 1 or any(length % 3 for length in lengths):
            raise ValueError(
                f"{place}: a person's keypoints are x, y, score in turn, the same "
                f"number for all; got lists of {sorted(lengths)} numbers"
            )
        joint_count = max(lengths, default=0) // 3
        flat = numbers_of(rows, f"{place}: keypoints")  # (N, 3K)
        joints = flat.reshape(len(rows), joint_count, 3)
        gone = np.asarray(np.isnan(joints).any(-1))  # (N, K)
        self.missing += int(gone.sum())
        joints = np.where(gone[..., None], 0, joints)
        if joints[..., 2].max(initial=0) == 2 and np.isin(joints[..., 2], (0, 1, 2)).all():
            self.flags += int((joints[..., 2] == 2).sum())
            joints[..., 2] = joints[..., 2] > 0
        return as_float32(joints, f"{place}: keypoints")


def numbers_of(values: Any, what: str) -> NDArray[np.float64]:
    """Return nested lists of numbers as an array, null as NaN; ``ValueError`` for anything else."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            flat = [np.nan if value is None else value for value in array.ravel()]
            array = np.asarray(flat).reshape(array.shape)
    except ValueError:  # lists of different lengths
        array = np.asarray("")
    if array.size and array.dtype.kind not in "iuf":
        raise ValueError(f"{what} are lists of numbers of one length, got something else")
    return array.astype(np.float64)


def scores_of(values: Sequence[Any], place: str) -> NDArray[np.float32]:
    """Return one score a person, (N,); ``ValueError`` if it is none, or a list."""
    scores = numbers_of(values, f"{place}: scores")
    if scores.ndim != 1:
        raise ValueError(f"{place}: a score is one number a person, got lists of them")
    return as_float32(scores, f"{place}: scores")


def as_float32(values: NDArray[np.float64], what: str) -> NDArray[np.float32]:
    """Return numbers in 32 bit; ``ValueError`` if one is not finite or too large for them."""
    with np.errstate(over="ignore"):
        result = values.astype(np.float32)
    if not np.isfinite(result).all():
        raise ValueError(f"{what} have a number that is not finite or too large")
    return result


def finite(value: Any, what: str) -> float:
    """Return a number in 64 bit; ``ValueError`` if it is none or not finite."""
    number = float(numbers_of([value], what).ravel()[0])
    if not math.isfinite(number):
        raise ValueError(f"{what} is not finite")
    return number


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
    found = joints[..., 2] > 0  # (N, K)
    means = (joints[..., 2] * found).sum(1) / np.maximum(found.sum(1), 1)  # (N,)
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


def boxes_if_known(boxes_xywh: Sequence[Any], what: str) -> NDArray[np.float32] | None:
    """Return x y w h boxes as xyxy (N, 4), or None if anybody has none.

    Raises:
        ValueError: a box is not four finite numbers, or has a size below 0; the message begins with
            ``what``.
    """
    if not boxes_xywh or any(box is None or box == [] for box in boxes_xywh):
        return None
    boxes = numbers_of(boxes_xywh, f"{what}: boxes")
    if boxes.shape[1:] != (4,):
        raise ValueError(f"{what}: a box is x, y, width, height")
    as_float32(boxes, f"{what}: boxes")
    if (boxes[:, 2:] < 0).any():
        raise ValueError(f"{what}: a box is x, y, width, height; got a size below 0")
    return box_xywh_to_xyxy(boxes)


def flatten_joints(keypoints_xy: ArrayLike, keypoint_scores: ArrayLike) -> NDArray[np.float32]:
    """Return ``x y score …`` rows (N, 3K) from joints (N, K, 2) and their scores (N, K)."""
    points = np.asarray(keypoints_xy, np.float32)
    scores = np.asarray(keypoint_scores, np.float32)[..., None]
    return np.concatenate([points, scores], -1).reshape(len(points), 3 * points.shape[1])
