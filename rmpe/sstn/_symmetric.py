"""The symmetric whole: STN, pose network, SDTN, and the frozen parallel branch for training."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from rmpe.sstn._affine import SizeHW, apply_affine, invert_affine
from rmpe.sstn._transformer import SpatialTransformer, warp


class SymmetricPose(nn.Module):
    """A pose network between a spatial transformer and its inverse (RMPE, figure 2).

    The crops may be larger than what the network is shown: RMPE extends the boxes by 30 %, because
    no transform brings back what the crop cut off. The pose is found in the frame that the
    transformer chose and mapped back to the crop's frame. While training, a second copy of the
    network with frozen weights sees the same transformed crop and no inverse; its target is the
    centred pose, so that a person off centre costs a large loss whose gradient moves the
    transformer.
    """

    def __init__(self, network: nn.Module, transformer: SpatialTransformer) -> None:
        """Wrap ``network``, (N, 3, H, W) -> (N, K, h, w), any multiple of its stride."""
        super().__init__()
        self.network = network
        self.transformer = transformer
        self._parallel: list[nn.Module] = []

    def enable_parallel_branch(self) -> None:
        """Freeze a copy of the network as the parallel branch; it is never saved or exported.

        A network that is frozen itself is its own parallel branch, and runs once for both.
        """
        frozen = not any(parameter.requires_grad for parameter in self.network.parameters())
        branch = self.network if frozen else copy.deepcopy(self.network).requires_grad_(False)
        self._parallel = [branch.eval()]

    def locate(self, crops: Tensor) -> Tensor:
        """Return θ (N, 2, 3) of crops (N, 3, H, W)."""
        maps = self.network(self.transformer.look(crops))
        theta: Tensor = self.transformer(maps, (crops.shape[2], crops.shape[3]))
        return theta

    def show(self, crops: Tensor, theta: Tensor) -> Tensor:
        """Return what θ cuts out of the crops for the network (STN)."""
        return warp(crops, theta, self.transformer.shown_hw)

    def estimate(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return heatmaps (N, K, h, w) in the transformer's frame, and θ (N, 2, 3)."""
        theta = self.locate(crops)
        return self.network(self.show(crops, theta)), theta

    def forward(self, crops: Tensor) -> Tensor:
        """Return heatmaps (N, K, h, w) in the frame of the crops (N, 3, H, W), by the SDTN.

        Decoding in the transformer's frame and mapping the joints with :meth:`to_crop` is exact
        where resampled heatmaps are not. Outside what the transformer showed to the network a map
        has its lowest value, which holds for maps and for logits.
        """
        heatmaps, theta = self.estimate(crops)
        return self.to_crop_maps(heatmaps, theta, (crops.shape[2], crops.shape[3]))

    def to_crop_maps(self, heatmaps: Tensor, theta: Tensor, crop_hw: SizeHW) -> Tensor:
        """Return maps of what was shown, (N, K, h, w), as maps of the crops, cells as large."""
        shown = self.transformer.shown_hw
        rows = crop_hw[0] * heatmaps.shape[2] // shown[0]
        columns = crop_hw[1] * heatmaps.shape[3] // shown[1]
        lowest = heatmaps.amin((2, 3), keepdim=True)
        return warp(heatmaps - lowest, invert_affine(theta), (rows, columns)) + lowest

    def to_crop(self, points_xy: Tensor, theta: Tensor, crop_hw: SizeHW) -> Tensor:
        """Return joints (N, K, 2), pixels of what was shown, as pixels of the crop (SDTN)."""
        return apply_affine(theta, points_xy, self.transformer.shown_hw, crop_hw)

    def supervised_outputs(self, crops: Tensor) -> list[Tensor]:
        """Return what is trained: heatmaps in the transformed frame, the parallel branch's, θ.

        The first two are (N, K, h, w); the second is missing without a parallel branch.
        """
        theta = self.locate(crops)
        shown = self.show(crops, theta)
        own = self.network(shown)
        others = [own if branch is self.network else branch(shown) for branch in self._parallel]
        return [own, *others, theta]

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
