"""Annotated people of any keypoint set, in the set's own joints: what every reader returns.

Broken entries are left out, and each is named in ``skipped`` with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.tar_pictures import TarPictures
from rmpe.skeletons import Skeleton

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

HEAD_SHARE = 0.6
"""PCKh's reference length is this part of the head box's diagonal (MPII, PoseTrack)."""


@dataclass(frozen=True)
class Picture:
    """One picture of a set."""

    image_id: int | str
    """Number or word in the set's own counting."""
    path: Path
    """File; a folder whose name ends in ``.tar`` is an uncompressed archive."""

    def load(self) -> ImageArray:
        """Return the decoded picture, BGR uint8 (H, W, 3).

        Raises:
            OSError: the file is missing, cannot be decoded, or is a JPEG that is cut off.
        """
        archive = self._archive_path
        if archive is not None:
            return _archive(archive).read(self.path.relative_to(archive).as_posix())
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
        return (self._archive_path or self.path).is_file()

    @property
    def _archive_path(self) -> Path | None:
        """The archive that the path leads through, if there is one."""
        return next((folder for folder in self.path.parents if folder.suffix == ".tar"), None)


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
    annotation_id: int | str
    """Number or word in the set's own counting; merged sets may repeat one."""
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
    weights: FloatArray | None = None
    """How far each joint may be believed in training, 0..1, (K,); None believes all annotated."""
    torso: float = float("nan")
    """Reference length of PCK in pixels, NaN if not known."""

    @property
    def joint_weights(self) -> FloatArray:
        """``weights``, or 1 for the annotated joints and 0 for the others, (K,)."""
        if self.weights is not None:
            return self.weights
        return np.asarray(self.visibility > 0, np.float32)


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
    notes: tuple[str, ...] = ()
    """What was filled in or guessed in reading: one line each."""

    def people_by_picture(self) -> dict[int | str, list[AnnotatedPerson]]:
        """Return the people of every picture by its id; pictures without people have none."""
        grouped: dict[int | str, list[AnnotatedPerson]] = {p.image_id: [] for p in self.pictures}
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


def present_pictures(
    images: Mapping[int | str, Mapping[str, Any]], image_folder: Path | str | None
) -> tuple[dict[int | str, Picture], list[str], list[str]]:
    """Return the pictures by id, a line for each whose file is missing, and what was guessed.

    A name is looked for as it stands, then without the folders that annotation tools put before it
    (``images\\x.jpg``, ``/data/upload/x.jpg``): the longest end of it that is there. Without
    ``image_folder`` the files are not looked for.
    """
    pictures: dict[int | str, Picture] = {}
    missing, shortened = [], 0
    folder = Path(image_folder) if image_folder is not None else None
    taken: dict[Path, int | str] = {}
    for identity, image in images.items():
        name = image.get("file_name")
        if folder is None:
            file = Path(name if isinstance(name, str) else str(identity))
        elif not isinstance(name, str):
            missing.append(f"picture {identity} has no file_name")
            continue
        else:
            found = _find_below(folder, name)
            if found is None:
                missing.append(f"picture {identity}: {folder / name} is missing")
                continue
            file = found
            if file in taken:
                missing.append(f"picture {identity} has the file of picture {taken[file]}, {file}")
                continue
            taken[file] = identity
            shortened += file != folder / name
        pictures[identity] = Picture(identity, file)
    notes = [f"{shortened} pictures are found without the folders of their names"]
    return pictures, missing, notes if shortened else []


def _find_below(folder: Path, name: str) -> Path | None:
    """Return the file below a folder that a name's longest end leads to."""
    if (folder / name).is_file():
        return folder / name
    parts = PureWindowsPath(name).parts  # splits at both / and \\
    for start in range(len(parts)):
        end = folder.joinpath(*(part for part in parts[start:] if part not in ("..", "/", "\\")))
        if end.is_file():
            return end
    return None
