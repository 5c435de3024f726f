"""SimCC: a joint's column and row are two classifications, in bins finer than a pixel.

Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation",
ECCV 2022, with Gaussian labels as mmpose 1.x makes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpe.heatmaps.codec import Codec

EMPTY = -torch.inf
"""What fills the shorter of two rows that are joined in one tensor."""


@dataclass(frozen=True, kw_only=True)
class SimccCodec(Codec):
    """Bin b of an axis lies at ``b / bins_per_pixel`` input pixels.

    A network gives columns (N, K, Lx) and rows (N, K, Ly). Where one tensor is wanted they lie
    below each other, (N, K, 2, max(Lx, Ly)), the shorter filled up: see :meth:`join`.
    """

    stride: int = 1
    bins_per_pixel: float = 2.0
    """Bins of one pixel of the network's input (``simcc_split_ratio``)."""
    sigma_xy: tuple[float, float] = (4.9, 5.66)
    """Standard deviations of the targets in bins, along x and y; 6 and 6.93 for 384x288."""
    normalize: bool = False
    """Whether a target is divided by σ √(2π), so that it sums to about 1."""

    def encode_rows(
        self, keypoints_xy_input: Tensor, weights: Tensor, height: int, width: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return targets (N, K, Lx) and (N, K, Ly) and the joints' weights (N, K).

        A joint whose Gaussian leaves the input on either axis gets empty rows and weight 0; one of
        a weight below 0.5 gets empty rows and keeps its weight.

        Args:
            keypoints_xy_input: joints in pixels of the network's input, (N, K, 2).
            weights: (N, K), 0..1, as COCO's visibility cut to 1.
            height: rows of the input in pixels.
            width: columns of the input in pixels.
        """
        joints = torch.as_tensor(keypoints_xy_input, dtype=torch.float32)
        given = torch.as_tensor(weights, dtype=torch.float32, device=joints.device)
        bins = (joints * self.bins_per_pixel).round()  # half to even, (N, K, 2)
        lengths = self._lengths(height, width)
        sigma = joints.new_tensor(self.sigma_xy)
        # A Gaussian ends at 3 sigma; where all of it lies beyond an end, nothing is to be learned.
        outside = (bins - 3 * sigma >= joints.new_tensor(lengths)) | (bins + 3 * sigma + 1 < 0)
        outside = outside.any(-1) & (given >= 0.5)
        shown = ((given >= 0.5) & ~outside).float()[..., None]
        rows = []
        for axis, length in enumerate(lengths):
            places = torch.arange(length, device=joints.device)  # (L,)
            target = torch.exp(-((places - bins[..., axis, None]) ** 2) / (2 * sigma[axis] ** 2))
            if self.normalize:
                target = target / (self.sigma_xy[axis] * math.sqrt(2 * math.pi))
            rows.append(target * shown)
        return rows[0], rows[1], torch.where(outside, 0.0, given)

    def decode_rows(self, columns: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and scores (N, K) of (N, K, Lx) and (N, K, Ly).

        A score is the smaller of the two maxima; without a positive one the joint is at bin -1.
        """
        tops = [axis.detach().float().max(dim=-1) for axis in (columns, rows)]
        scores = torch.minimum(tops[0].values, tops[1].values)
        bins = torch.stack([top.indices for top in tops], -1).float()  # (N, K, 2)
        bins = torch.where(scores[..., None] > 0, bins, -1.0)
        return bins / self.bins_per_pixel, scores

    def join(self, outputs: tuple[Tensor, ...]) -> Tensor:
        """Return a network's columns and rows as one tensor (N, K, 2, max(Lx, Ly)).

        Raises:
            ValueError: they are not two of three dimensions with the same joints.
        """
        if len(outputs) != 2 or any(o.ndim != 3 for o in outputs):
            raise ValueError(
                f"got outputs of shapes {[tuple(o.shape) for o in outputs]}, a SimCC network has "
                "two: (N, K, columns) and (N, K, rows)"
            )
        columns, rows = outputs
        length = max(columns.shape[-1], rows.shape[-1])
        joined = columns.new_full((*columns.shape[:2], 2, length), EMPTY)
        joined[:, :, 0, : columns.shape[-1]] = columns
        joined[:, :, 1, : rows.shape[-1]] = rows
        return joined

    def split(self, joined: Tensor) -> tuple[Tensor, Tensor]:
        """Return columns (N, K, Lx) and rows (N, K, Ly) of what :meth:`join` made."""
        filled = (joined != EMPTY).any(0).any(0).sum(-1)  # (2,)
        lengths = [int(n) for n in filled] if joined.numel() else [joined.shape[-1]] * 2
        return joined[:, :, 0, : lengths[0]], joined[:, :, 1, : lengths[1]]

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints (N, K, 2) in input pixels and scores (N, K) of joined rows.

        Raises:
            ValueError: they are not of four dimensions with two rows a joint.
        """
        if heatmaps.ndim != 4 or heatmaps.shape[2] != 2:
            raise ValueError(
                f"got an output of shape {tuple(heatmaps.shape)}, needed is (N, K, 2, bins)"
            )
        return self.decode_rows(heatmaps[:, :, 0], heatmaps[:, :, 1])

    def unflip(self, flipped: Tensor, mirror_permutation: Tensor | NDArray) -> Tensor:
        """Return the mirrored crop's joined rows as those of the plain crop: columns turn round."""
        order = torch.as_tensor(mirror_permutation, device=flipped.device)
        columns, rows = self.split(flipped[:, order])
        return self.join((columns.flip(-1), rows))

    def _lengths(self, height: int, width: int) -> tuple[int, int]:
        return round(width * self.bins_per_pixel), round(height * self.bins_per_pixel)

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Joined rows; height and width are the input's, a cell being a pixel."""
        columns, rows, _ = self.encode_rows(joints, (visible > 0).float(), height, width)
        return self.join((columns, rows))

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        xy, scores = self.decode(maps[:, None])
        return xy[:, 0], scores[:, 0]
