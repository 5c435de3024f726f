"""From a person box to the network's input and exactly back.

A published network was trained on crops made in its own way; a :class:`CropStyle` says how the
person box becomes the crop box, and a :class:`CropTransform` is the affine map that follows. The
centre of the crop box maps to (W/2, H/2) of the input, as in AlphaPose and HRNet; what a codec adds
for its half cell belongs to the codec.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

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

    def grown(self, factor: float) -> CropStyle:
        """Return the style whose crops have sides ``factor`` times as long."""
        return replace(
            self,
            width_factor=factor * self.width_factor,
            height_factor=factor * self.height_factor,
        )


HRNET = CropStyle(1.25, 1.25, grow_first=False, scale_axes="width")
ALPHAPOSE = HRNET
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
HOURGLASS = CropStyle(1.25, 1.25, grow_first=True, scale_axes="each", integer_corners=True)


def fit_crop_box(box_xyxy: ArrayLike, aspect: float, style: CropStyle) -> FloatArray:
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


@dataclass(frozen=True, eq=False)
class CropTransform:
    """The affine map between the frame and one network input."""

    crop_box_xyxy: FloatArray
    """Crop box in the frame's pixels, (4,)."""
    input_height: int
    """Rows of the network's input."""
    input_width: int
    """Columns of the network's input."""
    scale_axes: ScaleAxes = "width"
    """See :class:`CropStyle`."""
    border_bgr: tuple[int, int, int] = (0, 0, 0)
    """Colour outside the frame."""

    @classmethod
    def from_person_box(
        cls, box_xyxy: ArrayLike, input_height: int, input_width: int, style: CropStyle
    ) -> CropTransform:
        """Return the transform of a person box (4,) in pixels under a family's style."""
        crop_box = fit_crop_box(box_xyxy, input_width / input_height, style)
        return cls(crop_box, input_height, input_width, style.scale_axes, style.border_bgr)

    @property
    def _scale_and_offset(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return s and o, (2,) each, of ``input = s * frame + o``."""
        box = np.asarray(self.crop_box_xyxy, np.float64)
        sides = np.maximum(box[2:] - box[:2], 1e-6)
        size = np.array([self.input_width, self.input_height], np.float64)
        scale = size / sides if self.scale_axes == "each" else np.full(2, size[0] / sides[0])
        return scale, size / 2 - scale * (box[:2] + box[2:]) / 2

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Frame pixels to input pixels, (2, 3)."""
        scale, offset = self._scale_and_offset
        return np.array([[scale[0], 0.0, offset[0]], [0.0, scale[1], offset[1]]])

    @property
    def inverse_matrix(self) -> NDArray[np.float64]:
        """Input pixels to frame pixels, (2, 3)."""
        scale, offset = self._scale_and_offset
        return np.array(
            [[1 / scale[0], 0.0, -offset[0] / scale[0]], [0.0, 1 / scale[1], -offset[1] / scale[1]]]
        )

    def to_input(self, points_xy: ArrayLike) -> FloatArray:
        """Return frame points (..., 2) as points of the network's input."""
        scale, offset = self._scale_and_offset
        return np.asarray(np.asarray(points_xy, np.float64) * scale + offset, np.float32)

    def to_image(self, points_xy: ArrayLike) -> FloatArray:
        """Return points (..., 2) of the network's input as frame points."""
        scale, offset = self._scale_and_offset
        return np.asarray((np.asarray(points_xy, np.float64) - offset) / scale, np.float32)

    def warp(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the crop, uint8 (input_height, input_width, 3), bilinear.

        A person more than twice the input's size is first shrunk by area averaging, because
        bilinear sampling alone would skip pixels and alias.
        """
        matrix = self.matrix
        shrink = min(matrix[0, 0], matrix[1, 1])
        if shrink < 0.5:
            image_bgr, matrix = self._shrunk(image_bgr, matrix, shrink)
        return np.asarray(
            cv2.warpAffine(
                image_bgr,
                matrix,
                (self.input_width, self.input_height),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=self.border_bgr,
            ),
            np.uint8,
        )

    def _shrunk(
        self, image_bgr: NDArray[np.uint8], matrix: NDArray[np.float64], shrink: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return the crop's part of the picture at about twice the input's size, and its map."""
        height, width = image_bgr.shape[:2]
        seen = self.to_image([[0, 0], [self.input_width, self.input_height]])
        x1, y1 = (int(v) - 2 for v in np.floor(seen[0]))
        x2, y2 = (int(v) + 2 for v in np.ceil(seen[1]))
        x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        if x2 <= x1 or y2 <= y1:
            return image_bgr, matrix
        part = image_bgr[y1:y2, x1:x2]
        size = (max(round((x2 - x1) * shrink * 2), 1), max(round((y2 - y1) * shrink * 2), 1))
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        ratio = np.array(size, np.float64) / [x2 - x1, y2 - y1]
        # Pixel centres lie at integers: small = ratio * (frame - corner + 0.5) - 0.5.
        scale = matrix[[0, 1], [0, 1]] / ratio
        shift = scale * (0.5 - 0.5 * ratio) + matrix[[0, 1], [0, 1]] * [x1, y1] + matrix[:, 2]
        return (
            np.asarray(small, np.uint8),
            np.array([[scale[0], 0.0, shift[0]], [0.0, scale[1], shift[1]]]),
        )


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
