"""The symmetric whole: STN, pose network, SDTN, and the frozen parallel branch for training."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from rmpe.sstn.affine import apply_affine, invert_affine
from rmpe.sstn.transformer import SpatialTransformer, warp


class SymmetricPose(nn.Module):
    """A pose network between a spatial transformer and its inverse (RMPE, figure 2).

    The pose is found in the frame that the transformer chose and mapped back to the crop's frame.
    While training, a second copy of the network with frozen weights sees the same transformed crop
    and no inverse; its target is the centred pose, so that a person off centre costs a large loss
    whose gradient moves the transformer.
    """

    def __init__(self, network: nn.Module, transformer: SpatialTransformer | None = None) -> None:
        """Wrap ``network``, (N, 3, H, W) -> (N, K, h, w)."""
        super().__init__()
        self.network = network
        self.transformer = transformer or SpatialTransformer()
        self._parallel: list[nn.Module] = []

    def enable_parallel_branch(self) -> None:
        """Freeze a copy of the network as the parallel branch; it is never saved or exported."""
        branch = copy.deepcopy(self.network).eval().requires_grad_(False)
        self._parallel = [branch]

    def estimate(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return heatmaps (N, K, h, w) in the transformer's frame, and θ (N, 2, 3)."""
        theta = self.transformer(crops)
        return self.network(warp(crops, theta)), theta

    def forward(self, crops: Tensor) -> Tensor:
        """Return heatmaps (N, K, h, w) in the frame of the crops (N, 3, H, W), by the SDTN.

        Decoding in the transformer's frame and mapping the joints with :meth:`to_crop` is exact
        where resampled heatmaps are not. Outside what the transformer showed to the network a map
        has its lowest value, which holds for maps and for logits.
        """
        heatmaps, theta = self.estimate(crops)
        lowest = heatmaps.amin((2, 3), keepdim=True)
        return warp(heatmaps - lowest, invert_affine(theta)) + lowest

    @staticmethod
    def to_crop(points_xy: Tensor, theta: Tensor, height: int, width: int) -> Tensor:
        """Return joints (N, K, 2), pixels of the transformed crop, as pixels of the crop (SDTN)."""
        return apply_affine(theta, points_xy, height, width)

    @staticmethod
    def to_transformed(points_xy: Tensor, theta: Tensor, height: int, width: int) -> Tensor:
        """Return joints (N, K, 2), pixels of the crop, as pixels of the transformed crop (STN)."""
        return apply_affine(invert_affine(theta), points_xy, height, width)

    def supervised_outputs(self, crops: Tensor) -> list[Tensor]:
        """Return what is trained: heatmaps in the transformed frame, the parallel branch's, θ.

        The first two are (N, K, h, w); the second is missing without a parallel branch.
        """
        theta = self.transformer(crops)
        transformed = warp(crops, theta)
        outputs = [self.network(transformed)]
        outputs += [branch(transformed) for branch in self._parallel]
        return [*outputs, theta]

    def _apply(self, fn, recurse: bool = True):  # type: ignore[no-untyped-def]
        """Move the parallel branch along with the module, though it is not part of its state."""
        for branch in self._parallel:
            branch._apply(fn, recurse)
        return super()._apply(fn, recurse)


def centred_targets(points_xy: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
    """Return joints moved so that the middle of their extent is the middle of the frame.

    Args:
        points_xy: joints in the transformed frame, pixels (N, K, 2).
        visible: which joints count, bool (N, K).
        height: rows of the frame.
        width: columns of the frame.

    Returns:
        The joints, (N, K, 2); a pose without a visible joint stays where it is.
    """
    mask = visible.bool()[..., None]
    low = points_xy.masked_fill(~mask, torch.inf).amin(1)
    high = points_xy.masked_fill(~mask, -torch.inf).amax(1)
    middle = (low + high) / 2
    frame = points_xy.new_tensor([(width - 1) / 2, (height - 1) / 2])
    shift = torch.where(torch.isfinite(middle), frame - middle, torch.zeros_like(middle))
    return points_xy + shift[:, None]
