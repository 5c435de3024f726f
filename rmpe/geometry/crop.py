"""From a person box to the network's input and exactly back.

A published network was trained on crops made in its own way; a :class:`CropStyle` says how the
person box becomes the crop box, and a :class:`CropTransform` is the affine map that follows. The
centre of the crop box maps to (W/2, H/2) of the input, as in AlphaPose and HRNet; what a codec adds
for its half cell belongs to the codec.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.geometry.warp import Matrix, Sampling, warp_affine

FloatArray = NDArray[np.float32]

ScaleAxes = Literal["width", "each"]


@dataclass(frozen=True)
class CropStyle:
    """How one family of networks cuts a person out of the frame."""

    width_factor: float
    """The box's width is multiplied by this before (or after) the aspect is fitted."""
    height_factor: float
    """The same for the height."""
    grow_first: bool
    """True: grow, then fit the aspect (MSPN, CPN); False: fit, then grow (AlphaPose, HRNet)."""
    scale_axes: ScaleAxes
    """``width``: both axes scale by the crop's width; ``each``: x and y scale apart."""
    integer_corners: bool = False
    """True: the crop's corners are cut to integers (CPN, Hourglass)."""
    border_bgr: tuple[int, int, int] = (0, 0, 0)
    """Colour outside the frame."""
    keep_aspect: bool = True
    """False: the crop box is not widened to the input's aspect."""
    unbiased: bool = False
    """True: the crop's sides become the input's sides less one pixel (UDP, ViTPose)."""
    sampling: Sampling = "opencv"
    """How a pixel of the crop is made of those of the frame, see :func:`warp_affine`."""

    def grown(self, factor: float) -> CropStyle:
        """Return the style whose crops have sides ``factor`` times as long."""
        return replace(
            self,
            width_factor=factor * self.width_factor,
            height_factor=factor * self.height_factor,
        )


HRNET = CropStyle(1.25, 1.25, grow_first=False, scale_axes="width")
ALPHAPOSE = HRNET
COMPACT = CropStyle(1.15, 1.15, grow_first=False, scale_axes="width")
MSPN = CropStyle(1.09, 1.135, grow_first=True, scale_axes="each")
MSPN_MPII = CropStyle(1.25, 1.25, grow_first=True, scale_axes="each")
CPN = CropStyle(
    1.2,
    1.3,
    grow_first=True,
    scale_axes="each",
    integer_corners=True,
    border_bgr=(103, 116, 123),
)
ALPHAPOSE_2018 = CropStyle(1.3, 1.3, grow_first=True, scale_axes="each")
VITPOSE = CropStyle(
    *(1.25, 1.25), grow_first=False, scale_axes="each", unbiased=True, sampling="scipy"
)
HOURGLASS = CropStyle(1.25, 1.25, grow_first=True, scale_axes="each", integer_corners=True)


def fit_crop_box(
    box_xyxy: ArrayLike, aspect: float, style: CropStyle
) -> FloatArray | NDArray[np.float64]:
    """Return the crop box (4,) of a person box (4,) in pixels.

    Args:
        box_xyxy: the person box.
        aspect: width over height of the network's input.
        style: the family's rule.
    """
    x1, y1, x2, y2 = (float(v) for v in np.asarray(box_xyxy, np.float64))
    width, height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
    centre_x, centre_y = x1 + width / 2, y1 + height / 2
    if style.grow_first:
        width, height = width * style.width_factor, height * style.height_factor
    if style.keep_aspect:
        width, height = max(width, height * aspect), max(height, width / aspect)
    if style.sampling == "scipy":
        return _rounded_as_transformers((centre_x, centre_y), (width, height), style)
    if not style.grow_first:
        width, height = width * style.width_factor, height * style.height_factor
    corners = np.array(
        [
            centre_x - width / 2,
            centre_y - height / 2,
            centre_x + width / 2,
            centre_y + height / 2,
        ]
    )
    if style.integer_corners:
        corners = np.trunc(corners)
    return corners.astype(np.float32)


def _rounded_as_transformers(
    centre_xy: tuple[float, float], sides: tuple[float, float], style: CropStyle
) -> NDArray[np.float64]:
    """Return grown corners of which the first and the sides are that library's float32 numbers.

    It keeps the centre and a 200th of the sides in single precision; a last digit decides about the
    rounding of a pixel's value, and that may decide between two peaks of nearly equal height.
    """
    grown = np.array([style.width_factor, style.height_factor], np.float32)
    single = (np.array(sides) / 200).astype(np.float32) * grown * np.float32(200)
    first = np.array(centre_xy, np.float32) - np.float32(0.5) * single
    return np.concatenate([first, first + single.astype(np.float64)])


@dataclass(frozen=True)
class CropChange:
    """How one training crop differs from the plain crop of its box."""

    scale: float = 1.0
    """Factor on the crop's sides; above 1 shows more around the person."""
    degrees: float = 0.0
    """Turn of the picture, clockwise as seen."""
    shift_xy: tuple[float, float] = (0.0, 0.0)
    """Move of the crop's centre in pixels of the picture."""
    mirrored: bool = False
    """Whether left and right are exchanged."""


UNCHANGED = CropChange()


def crop_matrix(
    crop_box_xyxy: ArrayLike,
    height: int,
    width: int,
    scale_axes: ScaleAxes = "width",
    change: CropChange = UNCHANGED,
    *,
    unbiased: bool = False,
) -> Matrix:
    """Return the map from picture pixels to input pixels, (2, 3): inference's and training's.

    A mirrored crop is the mirror image of the crop that is not, column x becoming width - 1 - x.

    Args:
        crop_box_xyxy: what :func:`fit_crop_box` gives, in pixels, (4,).
        height: rows of the network's input.
        width: columns of the network's input.
        scale_axes: see :class:`CropStyle`.
        change: scale, turn, shift and mirror.
        unbiased: see :class:`CropStyle`.
    """
    box = np.asarray(crop_box_xyxy, np.float64)
    sides = np.maximum(box[2:] - box[:2], 1e-6) * change.scale
    size = np.array([width, height], np.float64) - unbiased
    scale = size / sides if scale_axes == "each" else np.full(2, size[0] / sides[0])
    angle = np.deg2rad(change.degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale[:, None] * turn
    offset = size / 2 - linear @ ((box[:2] + box[2:]) / 2 + change.shift_xy)
    if change.mirrored:
        linear[0] *= -1
        offset[0] = width - 1 - offset[0]
    return np.concatenate([linear, offset[:, None]], 1)


def changed_crop_matrix(
    box_xyxy: ArrayLike, height: int, width: int, style: CropStyle, change: CropChange
) -> Matrix:
    """Return :func:`crop_matrix` of a person box (4,) under a family's style."""
    crop_box = fit_crop_box(box_xyxy, width / height, style)
    return crop_matrix(crop_box, height, width, style.scale_axes, change, unbiased=style.unbiased)


@dataclass(frozen=True, eq=False)
class CropTransform:
    """The affine map between the frame and one network input."""

    crop_box_xyxy: FloatArray | NDArray[np.float64]
    """Crop box in the frame's pixels, (4,)."""
    input_height: int
    """Rows of the network's input."""
    input_width: int
    """Columns of the network's input."""
    scale_axes: ScaleAxes = "width"
    """See :class:`CropStyle`."""
    border_bgr: tuple[int, int, int] = (0, 0, 0)
    """Colour outside the frame."""
    unbiased: bool = False
    """See :class:`CropStyle`."""
    sampling: Sampling = "opencv"
    """See :class:`CropStyle`."""

    @classmethod
    def from_person_box(
        cls, box_xyxy: ArrayLike, input_height: int, input_width: int, style: CropStyle
    ) -> CropTransform:
        """Return the transform of a person box (4,) in pixels under a family's style."""
        crop_box = fit_crop_box(box_xyxy, input_width / input_height, style)
        return cls(
            *(crop_box, input_height, input_width, style.scale_axes, style.border_bgr),
            *(style.unbiased, style.sampling),
        )

    @property
    def _scale_and_offset(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return s and o, (2,) each, of ``input = s * frame + o``."""
        matrix = self.matrix
        return matrix[[0, 1], [0, 1]], matrix[:, 2]

    @property
    def matrix(self) -> Matrix:
        """Frame pixels to input pixels, (2, 3)."""
        return crop_matrix(
            *(self.crop_box_xyxy, self.input_height, self.input_width, self.scale_axes),
            unbiased=self.unbiased,
        )

    def to_input(self, points_xy: ArrayLike) -> FloatArray:
        """Return frame points (..., 2) as points of the network's input."""
        scale, offset = self._scale_and_offset
        return np.asarray(np.asarray(points_xy, np.float64) * scale + offset, np.float32)

    def to_image(self, points_xy: ArrayLike) -> FloatArray:
        """Return points (..., 2) of the network's input as frame points."""
        scale, offset = self._scale_and_offset
        return np.asarray((np.asarray(points_xy, np.float64) - offset) / scale, np.float32)

    def warp(self, image_bgr: NDArray[np.uint8], margin: int = 0) -> NDArray[np.uint8]:
        """Return the crop, uint8 (input_height, input_width, 3), see :func:`warp_affine`.

        Args:
            image_bgr: the frame, (H, W, 3).
            margin: columns on either side that are left out.
        """
        matrix = self.matrix
        matrix[0, 2] -= margin
        size = (self.input_height, self.input_width - 2 * margin)
        return warp_affine(image_bgr, matrix, *size, self.border_bgr, self.sampling)


def points_to_image(points_xy: ArrayLike, transforms: list[CropTransform]) -> FloatArray:
    """Return input points (N, K, 2) of N crops as frame points, each by its own transform."""
    points = np.asarray(points_xy, np.float64)
    if len(points) != len(transforms):
        raise ValueError(f"got {len(points)} crops and {len(transforms)} transforms")
    if not transforms:
        return np.asarray(points, np.float32)
    pairs = [transform._scale_and_offset for transform in transforms]
    scales = np.stack([scale for scale, _ in pairs])[:, None]
    offsets = np.stack([offset for _, offset in pairs])[:, None]
    return np.asarray((points - offsets) / scales, np.float32)
