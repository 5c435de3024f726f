"""What every format is written from and read into: a clip's header and one record a frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rmpe.records import Poses
from rmpe.skeletons import Skeleton


@dataclass(frozen=True)
class ClipHeader:
    """What is true for every frame of a clip."""

    skeleton: Skeleton
    """Joints of the poses, in order."""
    source: str = ""
    """Path or address that the frames came from."""
    width: int = 0
    """Columns of the picture, 0 if not known (folders may hold pictures of several sizes)."""
    height: int = 0
    """Rows of the picture, 0 if not known."""
    fps: float = 0.0
    """Frames a second, 0 for single pictures or if not known."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """How the poses were made, for the record; anything that JSON can hold."""
    image_names: tuple[str, ...] = ()
    """File name of every picture of a folder, by frame index; empty for a video."""
    pixel_aspect: tuple[int, int] = (1, 1)
    """Width and height of a pixel as it is shown; coordinates count stored pixels."""

    def image_name(self, frame_index: int) -> str:
        """Return the file name of a frame; frames of a video are called ``<index>.jpg``."""
        if self.image_names:
            if not 0 <= frame_index < len(self.image_names):
                raise ValueError(
                    f"got frame {frame_index}, the header names {len(self.image_names)} pictures"
                )
            return self.image_names[frame_index]
        return f"{frame_index}.jpg"

    def time_of(self, frame_index: int) -> float:
        """Return the nominal time of a frame in seconds, for formats that store no times."""
        return frame_index / self.fps if self.fps > 0 else 0.0


@dataclass(frozen=True)
class ReadHints:
    """What a file may not say itself. The native format needs none of it."""

    skeleton: Skeleton | None = None
    """Joints of the file, where the format does not fix them."""
    width: int = 0
    """Columns of the picture."""
    height: int = 0
    """Rows of the picture."""
    fps: float = 0.0
    """Frames a second, from which the times are made."""
    frame_count: int | None = None
    """Frames of the clip, so that the last ones without people are there as well."""
    image_names: tuple[str, ...] = ()
    """File names of all pictures, in order, for folders of pictures with names of their own."""
    clip_frames: int | None = None
    """For poses of a video: frames that its file promises, 0 if it does not say."""
    first_number: int | None = None
    """Number that the first picture has where names are numbered; None finds it out."""
    series: str = ""
    """Beginning of the names to read from a folder that holds files of several clips."""

    @property
    def is_of_clip(self) -> bool:
        """Whether numbers in pictures' names are known to count the frames of one clip."""
        return self.clip_frames is not None or self.frame_count is not None


@dataclass(frozen=True, eq=False)
class PoseRecord:
    """The poses of one frame as a file holds them."""

    frame_index: int
    """Place in the clip, from 0."""
    timestamp_s: float
    """Time in seconds; 0 where neither the format nor its header knows."""
    poses: Poses
    """The people, in the order of the reader's ``header.skeleton``."""


class PoseWriter(Protocol):
    """Writes one clip; made as ``Writer(path, header)``, fed frame by frame in order."""

    def write(self, frame_index: int, timestamp_s: float, poses: Poses) -> None:
        """Append the poses of one frame, given in the header's skeleton."""

    def close(self, complete: bool = True) -> None:
        """End the file so that it can be read; ``complete=False`` after a run that failed.

        Closing twice is allowed.
        """


class PoseReader(Protocol):
    """Reads one clip; made as ``Reader(path)``, may be iterated more than once."""

    @property
    def header(self) -> ClipHeader:
        """The clip's header; its skeleton is that of the records."""

    @property
    def complete(self) -> bool:
        """Whether the file is known to be whole; for the native format after an iteration."""

    def __iter__(self) -> Iterator[PoseRecord]:
        """Yield every frame in order, people or none."""


def check_joint_count(poses: Poses, skeleton: Skeleton, frame_index: int) -> None:
    """Raise ``ValueError`` if poses are not in ``skeleton``."""
    if poses.joint_count != skeleton.joint_count:
        raise ValueError(
            f"frame {frame_index}: got poses of {poses.joint_count} joints, the header's skeleton "
            f"{skeleton.name} has {skeleton.joint_count}"
        )
