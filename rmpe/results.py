"""What the estimator returns for a picture: the poses, with their skeleton and their picture."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import ArrayLike

from rmpe.drawing import DrawingStyle, draw_poses
from rmpe.formats import ClipHeader, PoseReader, PoseRecord, get_format
from rmpe.formats.native_lines import people_to_json
from rmpe.formats.outputs import RECORDS_NAME
from rmpe.formats.table import to_table, write_csv_table
from rmpe.geometry.boxes import box_xyxy_to_xywh
from rmpe.pictures import load_picture
from rmpe.records import ImageArray, Poses
from rmpe.skeletons import COCO_17, Skeleton, convert_joints, get_skeleton

if TYPE_CHECKING:
    import pandas

_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, eq=False, repr=False)
class PictureResult(Poses):
    """Poses of one picture that know their skeleton and picture; everywhere usable as Poses."""

    skeleton: Skeleton = field(default_factory=lambda: get_skeleton("coco17"))
    """Names and limbs of the joints."""
    picture: ImageArray | None = None
    """The picture, uint8 (H, W, 3) BGR; None where it is read from :attr:`path` when needed."""
    path: Path | None = None
    """File of the picture, where it came from one."""
    frame_index: int = 0
    """Place in the clip or list that it came from."""
    timestamp_s: float = 0.0
    """Time in the clip, seconds."""

    @classmethod
    def of(cls, poses: Poses, skeleton: Skeleton, **more: Any) -> PictureResult:
        """Return poses with what is known beside them."""
        own = {item.name: getattr(poses, item.name) for item in fields(Poses)}
        return cls(**own, skeleton=skeleton, **more)

    @property
    def image_bgr(self) -> ImageArray:
        """The picture, uint8 (H, W, 3) BGR, read from its file where it is not kept.

        Raises:
            OSError: the file is gone.
            ValueError: there is neither a picture nor a file.
        """
        if self.picture is not None:
            return self.picture
        if self.path is None:
            raise ValueError("this result has no picture: draw_poses(image, result, skeleton)")
        return load_picture(self.path)

    def select(self, index: ArrayLike) -> PictureResult:
        """Return the people at ``index`` (integers or a mask), in that order."""
        chosen = super().select(index)
        own = {item.name: getattr(chosen, item.name) for item in fields(Poses)}
        return replace(self, **own)

    def draw(self, style: DrawingStyle | None = None) -> ImageArray:
        """Return the picture with the people drawn on it, uint8 (H, W, 3) BGR."""
        return draw_poses(self.image_bgr, self, self.skeleton, style)

    def save(self, path: str | Path, style: DrawingStyle | None = None) -> Path:
        """Write the drawn picture, or the poses as ``.json`` or ``.csv``, and return the file.

        Raises:
            OSError: it cannot be written.
            ValueError: the ending is none of these.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in (*_PICTURES, ".json", ".csv"):
            raise ValueError(
                f"{path} ends in {suffix!r}, allowed are {' '.join(_PICTURES)} .json .csv"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".json":
            import json

            path.write_text(json.dumps(self.to_dict(), indent=2) + "\n", "utf-8")
        elif suffix == ".csv":
            write_csv_table(path, self.to_dataframe())
        else:
            encoded, data = cv2.imencode(suffix, self.draw(style))
            if not encoded:
                raise OSError(f"{path} cannot be encoded")
            data.tofile(path)
        return path

    def _repr_png_(self) -> bytes | None:
        """Return the drawn picture for a notebook; None where there is no picture."""
        if self.picture is None and self.path is None:
            return None
        return bytes(cv2.imencode(".png", self.draw())[1])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it: people as in ``poses.ndjson``."""
        return {
            "path": None if self.path is None else str(self.path),
            "frame": self.frame_index,
            "time_s": self.timestamp_s,
            "skeleton": self.skeleton.name,
            "joints": list(self.skeleton.joints),
            "people": people_to_json(self),
        }

    def to_dataframe(self) -> pandas.DataFrame:
        """Return one row for each person, columns as in docs/report.md; extra ``table``.

        Raises:
            ValueError: pandas is not installed.
        """
        return to_table(_as_clip([self]))

    def to_coco(self, image_id: int | str = 0) -> list[dict[str, Any]]:
        """Return COCO keypoint results: 17 joints, by name, with the box beside them.

        Args:
            image_id: what the annotations call the picture.
        """
        xy, scores = convert_joints(self.keypoints_xy, self.keypoint_scores, self.skeleton, COCO_17)
        rows = np.concatenate([xy, scores[..., None]], -1).reshape(len(self), 51)
        boxes = box_xyxy_to_xywh(self.boxes_xyxy).astype(np.float32)
        return [
            {
                "image_id": image_id,
                "category_id": 1,
                "keypoints": row,
                "score": score,
                "bbox": box,
            }
            for row, score, box in zip(rows.tolist(), self.scores.tolist(), boxes.tolist())
        ]

    def to_supervision(self) -> Any:
        """Return ``supervision.KeyPoints``: joints, their scores and the boxes as ``data``.

        Raises:
            ValueError: supervision is not installed.
        """
        try:
            import supervision
        except ImportError as error:
            raise ValueError("supervision is not installed: pip install supervision") from error
        taken = inspect.signature(supervision.KeyPoints).parameters
        scores = "keypoint_confidence" if "keypoint_confidence" in taken else "confidence"
        named: dict[str, Any] = {scores: self.keypoint_scores}
        return supervision.KeyPoints(
            xy=self.keypoints_xy,
            class_id=np.zeros(len(self), np.int64),
            data={"xyxy": self.boxes_xyxy, "tracker_id": self.ids, "score": self.scores},
            **named,
        )

    def __repr__(self) -> str:
        where = "" if self.path is None else f"{self.path.name}: "
        people = "1 person" if len(self) == 1 else f"{len(self)} people"
        return f"PictureResult({where}{people}, {self.skeleton.name})"


def save_results(
    results: Iterable[PictureResult], folder: str | Path, style: DrawingStyle | None = None
) -> list[Path]:
    """Write drawn pictures and ``poses.ndjson`` of several results into a folder.

    Raises:
        OSError: a file cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    kept = list(results)
    names = _picture_names(kept)
    written = []
    for result, name in zip(kept, names):
        written.append(result.save(folder / name, style))
    if kept:
        written.append(folder / RECORDS_NAME)
        clip = _as_clip(kept, names)
        writer = get_format("native").writer(written[-1], clip.header)
        for record in clip:
            writer.write(record.frame_index, record.timestamp_s, record.poses)
        writer.close()
    return written


def _picture_names(results: Sequence[PictureResult]) -> tuple[str, ...]:
    """Return a file name for each result: its own, or a number; names that repeat get one too."""
    taken: dict[str, int] = {}
    names = []
    for place, result in enumerate(results):
        name = f"{place:06d}.jpg" if result.path is None else result.path.name
        taken[name] = taken.get(name, 0) + 1
        stem, suffix = Path(name).stem, Path(name).suffix
        names.append(name if taken[name] == 1 else f"{stem}_{taken[name]}{suffix}")
    return tuple(names)


@dataclass(frozen=True)
class _ResultClip:
    """Results as a reader of records."""

    header: ClipHeader
    results: Sequence[PictureResult]
    complete: bool = True

    def __iter__(self) -> Iterator[PoseRecord]:
        """Yield every result in order."""
        for place, result in enumerate(self.results):
            yield PoseRecord(place, result.timestamp_s, result)


def _as_clip(results: Sequence[PictureResult], names: tuple[str, ...] = ()) -> PoseReader:
    return _ResultClip(ClipHeader(results[0].skeleton, image_names=names), results)
