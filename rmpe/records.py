"""The three records that flow through the program: a frame, its person boxes, its poses.

All arrays are numpy; coordinates are pixels of the full frame with the centre of the top-left
pixel at (0, 0), boxes are corners ``x1 y1 x2 y2``, scores lie in 0..1 unless a rule says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
ImageArray = NDArray[np.uint8]

_PosesT = TypeVar("_PosesT", bound="Poses")


def _checked(name: str, value: ArrayLike, dtype: type, shape: tuple[int | None, ...]) -> NDArray:
    """Return ``value`` as a contiguous array of ``dtype`` whose shape fits (``None`` fits any)."""
    array: NDArray = np.ascontiguousarray(value, dtype=dtype)
    fits = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape)
    )
    if not fits:
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        raise ValueError(f"{name} has shape {array.shape}, needed is {wanted}")
    return array


def _shape_text(**arrays: NDArray) -> str:
    return ", ".join(f"{name}={array.shape}" for name, array in arrays.items())


@dataclass(frozen=True, eq=False, repr=False)
class Frame:
    """One decoded picture of a clip."""

    index: int
    """Place in the clip as decoded, from 0."""
    timestamp_s: float
    """Time in seconds, from the container."""
    image_bgr: ImageArray
    """Picture (H, W, 3), blue-green-red."""

    def __post_init__(self) -> None:
        image = np.asarray(self.image_bgr)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f"image_bgr is {image.dtype} of shape {image.shape}, needed is uint8 (H, W, 3)"
            )

    @property
    def height(self) -> int:
        """Rows of the picture."""
        return int(self.image_bgr.shape[0])

    @property
    def width(self) -> int:
        """Columns of the picture."""
        return int(self.image_bgr.shape[1])

    def __repr__(self) -> str:
        return f"Frame({self.index}, {self.timestamp_s:.3f} s, {self.width}x{self.height})"


@dataclass(frozen=True, eq=False, repr=False)
class Boxes:
    """Person boxes of one frame."""

    boxes_xyxy: FloatArray
    """Corners in pixels, (N, 4)."""
    scores: FloatArray
    """Confidence of each box, (N,)."""

    def __post_init__(self) -> None:
        boxes = _checked("boxes_xyxy", self.boxes_xyxy, np.float32, (None, 4))
        object.__setattr__(self, "boxes_xyxy", boxes)
        object.__setattr__(
            self, "scores", _checked("scores", self.scores, np.float32, (len(boxes),))
        )

    @classmethod
    def empty(cls) -> Boxes:
        """Return the boxes of a frame without people."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    def select(self, index: ArrayLike) -> Boxes:
        """Return the boxes at ``index`` (integers or a mask), in that order."""
        chosen = np.asarray(index)
        return Boxes(self.boxes_xyxy[chosen], self.scores[chosen])

    def __repr__(self) -> str:
        return f"Boxes({_shape_text(boxes_xyxy=self.boxes_xyxy)})"


@dataclass(frozen=True, eq=False, repr=False)
class Poses:
    """Poses of one frame, one row a person; the skeleton travels beside them.

    Raises:
        ValueError: an array's shape does not fit the others.
    """

    boxes_xyxy: FloatArray
    """Person boxes in pixels, (N, 4)."""
    box_scores: FloatArray
    """Confidence of each box, (N,)."""
    keypoints_xy: FloatArray
    """Joints in pixels, (N, K, 2)."""
    keypoint_scores: FloatArray
    """Confidence of each joint, (N, K)."""
    scores: FloatArray
    """Confidence of each pose as a whole, (N,)."""
    ids: IntArray
    """Identity of each person from 1, (N,); 0 means none was given."""

    def __post_init__(self) -> None:
        boxes = _checked("boxes_xyxy", self.boxes_xyxy, np.float32, (None, 4))
        count = len(boxes)
        keypoints = _checked("keypoints_xy", self.keypoints_xy, np.float32, (count, None, 2))
        joints = keypoints.shape[1]
        fields = {
            "boxes_xyxy": boxes,
            "box_scores": _checked("box_scores", self.box_scores, np.float32, (count,)),
            "keypoints_xy": keypoints,
            "keypoint_scores": _checked(
                "keypoint_scores", self.keypoint_scores, np.float32, (count, joints)
            ),
            "scores": _checked("scores", self.scores, np.float32, (count,)),
            "ids": _checked("ids", self.ids, np.int64, (count,)),
        }
        for name, array in fields.items():
            object.__setattr__(self, name, array)

    @classmethod
    def empty(cls, joint_count: int) -> Poses:
        """Return the poses of a frame without people, for a skeleton of ``joint_count`` joints."""
        return cls(
            boxes_xyxy=np.zeros((0, 4), np.float32),
            box_scores=np.zeros(0, np.float32),
            keypoints_xy=np.zeros((0, joint_count, 2), np.float32),
            keypoint_scores=np.zeros((0, joint_count), np.float32),
            scores=np.zeros(0, np.float32),
            ids=np.zeros(0, np.int64),
        )

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    @property
    def joint_count(self) -> int:
        """Number of joints of every pose, K."""
        return int(self.keypoints_xy.shape[1])

    def select(self, index: ArrayLike) -> Poses:
        """Return the poses at ``index`` (integers or a mask), in that order."""
        chosen = np.asarray(index)
        return Poses(
            boxes_xyxy=self.boxes_xyxy[chosen],
            box_scores=self.box_scores[chosen],
            keypoints_xy=self.keypoints_xy[chosen],
            keypoint_scores=self.keypoint_scores[chosen],
            scores=self.scores[chosen],
            ids=self.ids[chosen],
        )

    def with_ids(self: _PosesT, ids: ArrayLike) -> _PosesT:
        """Return the same poses under other identities, (N,)."""
        return replace(self, ids=np.asarray(ids, np.int64))

    def __repr__(self) -> str:
        return f"Poses({_shape_text(keypoints_xy=self.keypoints_xy)}, ids={self.ids.tolist()})"
