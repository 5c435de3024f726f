"""The records that travel between stages; each knows the frame it is about and what it weighs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rmpe.records import Boxes, Frame, ImageArray, Poses

if TYPE_CHECKING:
    from rmpe.geometry.crop import CropTransform
    from rmpe.heatmaps import Maps


class PosedFrame(NamedTuple):
    """What comes out of the pipeline: a frame and its people."""

    frame: Frame
    poses: Poses


@dataclass(frozen=True, eq=False)
class DetectedFrame:
    """A frame and its person boxes."""

    frame: Frame
    """The frame."""
    boxes: Boxes | None
    """Its boxes; None where they shall come from the poses of the frame before."""


@dataclass(frozen=True, eq=False)
class CroppedFrame:
    """A frame, its boxes and the network inputs cut from it."""

    frame: Frame
    """The frame."""
    boxes: Boxes
    """Its boxes, N."""
    crops_bgr: ImageArray
    """One crop for every box, (N, H, W, 3)."""
    transforms: tuple[CropTransform, ...]
    """Where each crop lies in the frame, N."""


@dataclass(frozen=True, eq=False)
class FrameCrops:
    """The crops of one frame that are in a batch; a crowd may be spread over several batches."""

    frame: Frame
    """The frame."""
    boxes: Boxes
    """All boxes of the frame."""
    transforms: tuple[CropTransform, ...]
    """All transforms of the frame."""
    count: int
    """How many of its crops are in this batch."""
    is_last: bool
    """Whether the frame is complete with these."""


@dataclass(frozen=True, eq=False)
class CropBatch:
    """Crops of several people and frames, ready for the network."""

    crops_bgr: ImageArray
    """Crops in the order of ``frames``, (B, H, W, 3); B is 0 for a run of frames without people."""
    frames: tuple[FrameCrops, ...]
    """Whose crops these are, in frame order."""


@dataclass(frozen=True, eq=False)
class HeatmapBatch:
    """What the network answered to a :class:`CropBatch`."""

    heatmaps: Maps | None
    """(B, V, K, h, w) in the order of ``frames``, V views of a crop; None without any crop."""
    frames: tuple[FrameCrops, ...]
    """Whose heatmaps these are, in frame order."""


def frame_of(item: Any) -> Frame | None:
    """Return the frame that an item is about, the first one for a batch."""
    if isinstance(item, Frame):
        return item
    if isinstance(item, (CropBatch, HeatmapBatch)):
        return item.frames[0].frame if item.frames else None
    frame = getattr(item, "frame", None)
    return frame if isinstance(frame, Frame) else None


def frame_index_of(item: Any) -> int | None:
    """Return the index of the frame that an item is about, None if it is about no frame."""
    frame = frame_of(item)
    return None if frame is None else frame.index


def bytes_of(item: Any) -> int:
    """Return the bytes of the pictures that an item keeps alive."""
    if isinstance(item, (CropBatch, HeatmapBatch)):
        pictures = sum(its.frame.image_bgr.nbytes for its in item.frames if its.is_last)
    else:
        frame = frame_of(item)
        pictures = 0 if frame is None else frame.image_bgr.nbytes
    crops = getattr(item, "crops_bgr", None)
    heatmaps = getattr(item, "heatmaps", None)
    return (
        pictures
        + (0 if crops is None else int(crops.nbytes))
        + (0 if heatmaps is None else heatmaps.nbytes)
    )
