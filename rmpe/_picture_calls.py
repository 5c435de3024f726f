"""What calling an estimator does with the pictures that people pass: one, several, a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from rmpe.formats.pictures import natural_order
from rmpe.pictures import as_bgr
from rmpe.pictures.files import PICTURE_SUFFIXES
from rmpe.records import Boxes, FloatArray, ImageArray, Poses
from rmpe.results import PictureResult
from rmpe.skeletons import Skeleton


class Estimates(Protocol):
    """The steps of an estimator that a call needs."""

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of the poses."""

    def detect(self, images_bgr: list[ImageArray]) -> list[Boxes]:
        """Return the people's boxes in each picture."""

    def estimate(self, image_bgr: ImageArray, boxes: Boxes | ArrayLike) -> Poses:
        """Return one pose for every given box."""

    def suppress(self, poses: Poses) -> Poses:
        """Return the poses that are kept."""


def call_estimator(
    estimator: Estimates, pictures: Any, boxes_xyxy: Any = None
) -> PictureResult | list[PictureResult]:
    """Return the poses of a picture, or of each of several; see ``PoseEstimator.__call__``."""
    if isinstance(pictures, (str, Path)) and Path(pictures).is_dir():
        pictures = find_pictures(pictures)
    elif not isinstance(pictures, (list, tuple)) and not _is_stream(pictures):
        return _one(estimator, pictures, boxes_xyxy, 0)
    if boxes_xyxy is None:
        return [_one(estimator, picture, None, place) for place, picture in enumerate(pictures)]
    pictures = list(pictures)
    if len(boxes_xyxy) != len(pictures):
        raise ValueError(f"got boxes for {len(boxes_xyxy)} pictures, there are {len(pictures)}")
    return [_one(estimator, *pair, place) for place, pair in enumerate(zip(pictures, boxes_xyxy))]


def find_pictures(folder: str | Path) -> list[Path]:
    """Return the picture files of a folder, 2 before 10; ``OSError`` if it is none."""
    found = [
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    ]
    return sorted(found, key=natural_order)


def as_boxes(boxes_xyxy: ArrayLike | Boxes) -> Boxes:
    """Return corners (N, 4), or the four numbers of one box, as boxes of score 1.

    Raises:
        ValueError: the shape is another, a number is not finite, or a box has no extent.
    """
    if isinstance(boxes_xyxy, Boxes):
        return boxes_xyxy
    corners: FloatArray = np.asarray(boxes_xyxy, np.float32)
    if not corners.size:
        return Boxes.empty()
    if corners.ndim == 1:
        corners = corners[None]
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise ValueError(f"got boxes of shape {corners.shape}, needed are x1 y1 x2 y2 (N, 4)")
    if not np.isfinite(corners).all():
        raise ValueError("got a box with a number that is not finite")
    if not (corners[:, 2:] > corners[:, :2]).all():
        raise ValueError("got a box without extent; needed are corners x1 y1 x2 y2, not x y w h")
    return Boxes(corners, np.ones(len(corners), np.float32))


def _one(estimator: Estimates, picture: Any, boxes_xyxy: Any, place: int) -> PictureResult:
    image = as_bgr(picture)
    if boxes_xyxy is None:
        poses = estimator.suppress(estimator.estimate(image, estimator.detect([image])[0]))
    else:
        poses = estimator.estimate(image, as_boxes(boxes_xyxy))
    path = Path(picture) if isinstance(picture, (str, Path)) else None
    kept = image if path is None else None
    return PictureResult.of(poses, estimator.skeleton, picture=kept, path=path, frame_index=place)


def _is_stream(pictures: Any) -> bool:
    """Return whether it gives pictures one after another, as a generator does."""
    return isinstance(pictures, Iterable) and not (
        isinstance(pictures, (str, Path, bytes, bytearray, Mapping))
        or hasattr(pictures, "read")
        or hasattr(pictures, "shape")
        or hasattr(pictures, "size")
    )
