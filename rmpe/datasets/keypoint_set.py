"""Annotated people of any keypoint set, in the set's own joints: what every reader returns.

Broken entries are left out, and each is named in ``skipped`` with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.tar_pictures import TarPictures
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.skeletons import Skeleton

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

HEAD_SHARE = 0.6
"""PCKh's reference length is this part of the head box's diagonal (MPII, PoseTrack)."""


@dataclass(frozen=True)
class Picture:
    """One picture of a set."""

    image_id: int
    """Number in the set's own counting."""
    path: Path
    """File; a folder whose name ends in ``.tar`` is an uncompressed archive."""

    def load(self) -> ImageArray:
        """Return the decoded picture, BGR uint8 (H, W, 3).

        Raises:
            OSError: the file is missing, cannot be decoded, or is a JPEG that is cut off.
        """
        if self.path.parent.suffix == ".tar":
            return _archive(self.path.parent).read(self.path.name)
        if not self.path.is_file():
            raise OSError(f"{self.path} is missing")
        data = self.path.read_bytes()
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if image is None:
            raise OSError(f"{self.path} is not a picture that OpenCV can decode")
        if is_cut_off(data):
            raise OSError(f"{self.path} is cut off: it has a JPEG's beginning, but not its end")
        return np.asarray(image, np.uint8)

    def is_there(self) -> bool:
        """Return whether the file, or the archive that should hold it, is there."""
        archive = self.path.parent
        return archive.is_file() if archive.suffix == ".tar" else self.path.is_file()


def is_cut_off(data: bytes) -> bool:
    """Return whether a JPEG lacks its end, which OpenCV fills with grey.

    No end of image (FF D9) follows its last start of a scan (FF DA); the codes of a scan hold
    neither (ITU-T T.81, B.1.1.2).
    """
    scan = data.rfind(b"\xff\xda")
    return data.startswith(b"\xff\xd8") and data.find(b"\xff\xd9", scan) < 0


@lru_cache(maxsize=4)
def _archive(path: Path) -> TarPictures:
    return TarPictures(path)


@dataclass(frozen=True, eq=False)
class AnnotatedPerson:
    """One annotated person."""

    picture: Picture
    """Where the person is."""
    annotation_id: int
    """Number in the set's own counting."""
    box_xyxy: FloatArray
    """Person box in pixels, (4,)."""
    keypoints_xy: FloatArray
    """Joints in pixels, (K, 2); anything where the visibility is 0."""
    visibility: NDArray[np.uint8]
    """0 not annotated, 1 hidden, 2 visible, (K,)."""
    area: float
    """Segmented area in square pixels, the box's if not known."""
    head_size: float = float("nan")
    """Reference length of PCKh in pixels, NaN if not known."""
    track_id: int | None = None
    """Identity in the clip."""


@dataclass(frozen=True, eq=False)
class KeypointSet:
    """The annotation of a set of pictures."""

    skeleton: Skeleton
    """Joints of the people."""
    pictures: tuple[Picture, ...]
    """Every picture, with people or without."""
    people: tuple[AnnotatedPerson, ...]
    """Every person with at least one annotated joint; crowds are left out."""
    skipped: tuple[str, ...]
    """What is broken: one line each."""

    def people_by_picture(self) -> dict[int, list[AnnotatedPerson]]:
        """Return the people of every picture by its id; pictures without people have none."""
        grouped: dict[int, list[AnnotatedPerson]] = {p.image_id: [] for p in self.pictures}
        for person in self.people:
            grouped[person.picture.image_id].append(person)
        return grouped


def pictures_below(people: KeypointSet, folder: Path | str) -> KeypointSet:
    """Return a set whose pictures' paths start from ``folder``, whether they are there or not."""
    moved = {p.image_id: replace(p, path=Path(folder) / p.path) for p in people.pictures}
    return replace(
        people,
        pictures=tuple(moved.values()),
        people=tuple(replace(p, picture=moved[p.picture.image_id]) for p in people.people),
    )


def checked_joints(values: Any, joint_count: int) -> NDArray[np.float64]:
    """Return flat ``x y visibility …`` as (K, 3); ``ValueError`` says what is broken."""
    joints = _numbers(values, "keypoints")
    if joints.shape != (3 * joint_count,):
        raise ValueError(f"has {joints.size} keypoint numbers, needed are {3 * joint_count}")
    if not np.isfinite(joints).all():
        raise ValueError("has keypoints that are not finite")
    return joints.reshape(-1, 3)


def checked_box(box: Any) -> tuple[float, float, float, float]:
    """Return x, y, width, height; ``ValueError`` says what is broken. No size is no fault."""
    values = _numbers(box, "bbox")
    if values.shape != (4,) or not np.isfinite(values).all():
        raise ValueError(f"has the box {box!r}, needed are x, y, width, height")
    x, y, width, height = values.tolist()
    return x, y, width, height


def checked_box_xyxy(box: Any) -> FloatArray:
    """Return corners (4,); ``ValueError`` for a box without size."""
    x, y, width, height = checked_box(box)
    if not (width > 0 and height > 0):
        raise ValueError(f"has the box {x:g}, {y:g}, {width:g}, {height:g}, which has no size")
    return box_xywh_to_xyxy([x, y, width, height])


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    """Return a list of numbers as an array; text that reads like a number is none."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.asarray(None)
    if array.size and array.dtype.kind not in "iuf":
        raise ValueError(f"has no list of numbers as its {name}")
    return array.astype(np.float64)


def present_pictures(
    images: Sequence[Any], image_folder: Path | str | None
) -> tuple[dict[int, Picture], list[str]]:
    """Return the pictures by id, and a line for every one that is broken or whose file is missing.

    Without ``image_folder`` the files are not looked for.
    """
    pictures, missing = {}, []
    folder = Path(image_folder) if image_folder is not None else None
    for place, image in enumerate(images):
        identity, name = (
            (image.get("id"), image.get("file_name")) if isinstance(image, Mapping) else (None,) * 2
        )
        if not isinstance(identity, int | float) or identity != int(identity):
            missing.append(f"picture number {place} has the id {identity!r}, needed is a whole one")
        elif not isinstance(name, str) and folder is not None:
            missing.append(f"picture {identity} has no file_name")
        elif folder is not None and not (folder / str(name)).is_file():
            missing.append(f"picture {identity}: {folder / str(name)} is missing")
        else:
            file = (folder or Path()) / (name if isinstance(name, str) else str(identity))
            pictures[int(identity)] = Picture(int(identity), file)
    return pictures, missing
