"""What every heatmap convention offers: targets from joints, and joints from maps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Maps: TypeAlias = Any
"""Heatmaps or what is read from them: a tensor, or an array where torch is not needed (float32)."""


@dataclass(frozen=True, kw_only=True)
class Codec(ABC):
    """One family's convention; encode and decode stand together so that they cannot drift."""

    stride: int = 4
    """Input pixels per heatmap cell."""
    flip_shift: bool = False
    """Whether the flip test moves the mirrored map by one cell."""
    flip_average_of: Literal["heatmaps", "coordinates"] = "heatmaps"
    """What the flip test averages."""

    has_gradients: ClassVar[bool] = False
    """Whether gradients pass through :meth:`decode`."""

    def encode(
        self, keypoints_xy_input: Tensor, visible: Tensor, height: int, width: int
    ) -> Tensor:
        """Return targets (N, K, height, width) float32.

        Args:
            keypoints_xy_input: joints in pixels of the network's input, (N, K, 2).
            visible: (N, K), > 0 where the joint is to be shown.
            height: rows of the heatmap.
            width: columns of the heatmap.
        """
        import torch

        joints = torch.as_tensor(keypoints_xy_input, dtype=torch.float32)
        return self._targets(joints, visible, height, width)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints (N, K, 2) in input pixels and scores (N, K) of maps (N, K, h, w).

        Raises:
            ValueError: the maps are not of four dimensions, or have no cells.
        """
        from rmpe.heatmaps._peaks import checked_maps

        maps = checked_maps(heatmaps)
        if not self.has_gradients:
            maps = maps.detach()
        count, joints, height, width = maps.shape
        # Maps of all people and joints in one line: (N, K, h, w) -> (M, h, w).
        xy, scores = self._read(maps.view(count * joints, height, width))
        return xy.view(count, joints, 2), scores.view(count, joints)

    def join(self, outputs: tuple[Maps, ...]) -> Maps:
        """Return a network's outputs as the one tensor that :meth:`decode` reads."""
        return outputs[0]

    def unflip(self, flipped: Maps, mirror_permutation: Tensor | NDArray) -> Maps:
        """Return what the network gave for the mirrored crop as if for the plain one.

        Args:
            flipped: (N, K, h, w).
            mirror_permutation: each joint's partner on the other side of the body, int64 (K,).
        """
        return unflip(flipped, mirror_permutation, self.flip_shift)

    @abstractmethod
    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Return targets (N, K, height, width) of joints (N, K, 2) float32 in input pixels."""

    @abstractmethod
    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return places (M, 2) in input pixels and scores (M,) of maps (M, h, w) float32."""


def join_maps(parts: Sequence[Maps], axis: int = 0) -> Maps:
    """Return arrays, or tensors, joined along an axis; a single one as it is."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, axis)
    import torch

    return torch.cat(list(parts), axis)


_NOWHERE = -1e4
"""Logit of a cell where no joint can be."""


def widened(logits: Maps, cells: int) -> Maps:
    """Return maps (..., h, w) with so many columns more on either side, where no joint can be."""
    if isinstance(logits, np.ndarray):
        *others, width = logits.shape
        wide = np.full((*others, width + 2 * cells), _NOWHERE, logits.dtype)
        wide[..., cells : cells + width] = logits
        return wide
    from torch.nn import functional

    return functional.pad(logits, (cells, cells), value=_NOWHERE)


def unflip(flipped_heatmaps: Maps, mirror_permutation: Tensor | NDArray, shift: bool) -> Maps:
    """Return the mirrored crop's maps (N, K, h, w) as maps of the plain crop.

    Args:
        flipped_heatmaps: what the network gave for the mirrored crop, (N, K, h, w).
        mirror_permutation: each joint's partner on the other side of the body, int64 (K,).
        shift: move by one cell to the right; column 0 keeps its own value.
    """
    if len(mirror_permutation) != flipped_heatmaps.shape[1]:
        raise ValueError(
            f"got {flipped_heatmaps.shape[1]} maps and a mirror permutation of "
            f"{len(mirror_permutation)} joints: take the permutation of the network's skeleton"
        )
    if isinstance(flipped_heatmaps, np.ndarray):
        plain = flipped_heatmaps[..., ::-1][:, np.asarray(mirror_permutation)]
    else:
        import torch

        order = torch.as_tensor(mirror_permutation, device=flipped_heatmaps.device)
        plain = flipped_heatmaps.flip(3)[:, order]
    # A shifted copy: AlphaPose shifts in place, which smears values on a CPU.
    return join_maps([plain[..., :1], plain[..., :-1]], 3) if shift else plain
