"""Person boxes read from a file instead of a detector, by frame or picture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rmpe.detectors._box_rows import Rows, read_rows
from rmpe.detectors._box_scores import score_scale
from rmpe.formats.clip import ReadHints
from rmpe.formats.motchallenge import MotRows, looks_like_mot, read_mot_rows
from rmpe.formats.pictures import PictureKey, frames_of_clip, match_pictures
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.records import Boxes, Frame

_BEYOND = 1.1
"""A box that ends so many sides away from the picture's beginning was not measured in it."""


class PrecomputedBoxes:
    """Boxes of every frame or picture, as read by :func:`read_boxes`."""

    def __init__(
        self,
        by_frame: Mapping[int, Boxes],
        by_picture: Mapping[PictureKey, Boxes] | None = None,
        file: str = "the boxes",
        digest: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self._by_frame = by_frame
        self._by_picture = by_picture or {}
        self._file = file
        self.digest = digest
        """What the file holds, in a few digits."""
        self._notes = notes
        self._looked = self._met = self._boxes = self._outside = self._beyond = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed in reading, and what is odd about the boxes so far: one line each."""
        return (*self._notes, *self._oddities())

    @property
    def frames(self) -> list[int]:
        """Indices of the frames that have an entry, in order; numbers of pictures count too."""
        numbered = (key for key in self._by_picture if isinstance(key, int))
        return sorted({*self._by_frame, *numbered})

    def at(self, frame_index: int) -> Boxes:
        """Return the boxes of one frame, best first; empty when the file does not name it."""
        found = self._by_frame.get(frame_index) or self._by_picture.get(frame_index)
        return found or Boxes.empty()

    def find(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Return the boxes of several frames by their index."""
        return [self._looked_at(frame) for frame in frames]

    def _looked_at(self, frame: Frame) -> Boxes:
        """Return the boxes of a frame, and count those that do not fit its picture."""
        boxes = self.at(frame.index)
        height, width = frame.image_bgr.shape[:2]
        left, top, right, bottom = boxes.boxes_xyxy.T
        outside = (left >= width) | (top >= height) | (right <= 0) | (bottom <= 0)
        self._looked += 1
        self._met += bool(len(boxes))
        self._boxes += len(boxes)
        self._outside += int(outside.sum())
        self._beyond += int(((right > _BEYOND * width) | (bottom > _BEYOND * height)).sum())
        return boxes

    def _oddities(self) -> Iterator[str]:
        given = [index for index, boxes in self._by_frame.items() if len(boxes)]
        if self._looked and given and not self._met:
            yield (
                f"{self._file} has boxes of the frames {min(given)} to {max(given)}, and none of "
                f"the {self._looked} that were looked at"
            )
        if self._outside:
            yield f"{self._outside} of {self._boxes} boxes lie outside of their pictures"
        if 2 * self._beyond > self._boxes:
            yield (
                f"{self._beyond} of {self._boxes} boxes reach far beyond their pictures; needed "
                "are x, y, width, height in pixels"
            )

    def placed(self, image_names: Sequence[str], frames: int = 0) -> PrecomputedBoxes:
        """Return the same boxes by the index of known pictures, or of a clip's frames.

        Names and numbers of pictures are matched as those of stored poses are
        (:mod:`rmpe.formats.pictures`). Boxes of pictures that are not there are passed over, for a
        file may be about a whole data set.

        Args:
            image_names: names of all pictures in order; none for a clip.
            frames: frames that a clip promises, 0 if it does not say.

        Raises:
            ValueError: no box is of any of the pictures, or numbers are neither theirs nor places.
        """
        keys = tuple(self._by_picture)
        try:
            if image_names:
                placed, notes = match_pictures(keys, image_names)
            else:
                placed, notes = frames_of_clip(keys, ReadHints(clip_frames=frames), self._file)
        except ValueError as error:
            raise ValueError(str(error).replace("poses", "boxes")) from error
        others = len(keys) - len(placed)
        if (keys and not placed) or (others and notes):
            raise ValueError(
                f"{self._file} has boxes of {next(key for key in keys if key not in placed)}, "
                "which is not among the pictures"
            )
        by_index = dict(self._by_frame)
        by_index.update({index: self._by_picture[key] for key, index in placed.items()})
        if image_names and any(index >= len(image_names) for index in by_index):
            raise ValueError(
                f"{self._file} has boxes of frame {max(by_index)}, there are {len(image_names)} "
                "pictures"
            )
        if others:
            notes = (*notes, f"boxes of {others} other pictures are passed over")
        notes = (*self._notes, *notes)
        return PrecomputedBoxes(by_index, None, self._file, self.digest, notes)

    def of_pictures(self, names: Mapping[int | str, str]) -> dict[int | str, Boxes]:
        """Return the boxes of a data set's pictures by their ids.

        Args:
            names: file name of every picture by its id.

        Raises:
            ValueError: no box is of any of the pictures.
        """
        every: dict[PictureKey, Boxes] = dict(self._by_frame.items())
        every.update(self._by_picture)
        found = {key: boxes for key, boxes in every.items() if key in names}
        if len(found) < len(every):
            others = tuple(key for key in every if isinstance(key, str))
            places, _ = match_pictures(others, tuple(names.values()))
            ids = tuple(names)
            found |= {ids[place]: every[key] for key, place in places.items()}
        if every and not found:
            raise ValueError(f"{self._file} has boxes of none of the pictures")
        return found


def read_boxes(path: Path | str) -> PrecomputedBoxes:
    """Read boxes of MOTChallenge, or in a layout of :mod:`rmpe.detectors._box_rows`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is malformed; the message names the line or entry and the key.
    """
    data = Path(path).read_bytes()
    digest = hashlib.sha256(data).hexdigest()[:16]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8") from error
    notes: tuple[str, ...] = ()
    by_picture: dict[PictureKey, Boxes] = {}
    if looks_like_mot(text):
        by_frame = _from_mot(read_mot_rows(path))
    else:
        of_frames, of_pictures, notes = read_rows(text, str(path))
        by_frame = {frame: _best_first(boxes) for frame, boxes in of_frames.items()}
        by_picture = {key: _best_first(boxes) for key, boxes in of_pictures.items()}
    every = [boxes for boxes in (*by_frame.values(), *by_picture.values()) if len(boxes)]
    if every and max(float(boxes.boxes_xyxy.max()) for boxes in every) <= 1:
        raise ValueError(
            f"{path}: all boxes lie between 0 and 1, as shares of a picture; needed are pixels"
        )
    scores = [boxes.scores for boxes in every]
    scale, note = score_scale(np.concatenate([np.zeros(0, np.float32), *scores]))
    return PrecomputedBoxes(
        {frame: replace(boxes, scores=scale(boxes.scores)) for frame, boxes in by_frame.items()},
        {key: replace(boxes, scores=scale(boxes.scores)) for key, boxes in by_picture.items()},
        str(path),
        digest,
        (*notes, *note),
    )


def _best_first(rows: Rows) -> Boxes:
    values = np.asarray(rows, np.float32).reshape(-1, 5)  # x, y, w, h, score
    values = values[np.argsort(-values[:, 4], kind="stable")]
    return Boxes(box_xywh_to_xyxy(values[:, :4]), values[:, 4])


def _from_mot(rows: MotRows) -> dict[int, Boxes]:
    """Return the people's boxes, without rows of a truth that are not to be scored."""
    # MOT15's detectors give scores of any size, also negative: only a truth's 0 means "leave out"
    kept = (rows.classes == 1) & ((rows.ids < 0) | (rows.confidences != 0))
    by_frame = {}
    for frame in np.unique(rows.frames[kept]).tolist():
        here = np.flatnonzero(kept & (rows.frames == frame))
        here = here[np.argsort(-rows.confidences[here], kind="stable")]
        boxes = box_xywh_to_xyxy(rows.boxes_xywh[here])
        by_frame[frame] = Boxes(boxes, rows.confidences[here].astype(np.float32))
    return by_frame
