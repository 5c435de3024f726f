"""What a network gave for the mirrored crop, as if for the plain one."""

from __future__ import annotations

import torch
from numpy.typing import NDArray
from torch import Tensor


def unflip(flipped_heatmaps: Tensor, mirror_permutation: Tensor | NDArray, shift: bool) -> Tensor:
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
    order = torch.as_tensor(mirror_permutation, device=flipped_heatmaps.device)
    plain = flipped_heatmaps.flip(3)[:, order]
    # A shifted copy: AlphaPose shifts in place, which smears values on a CPU.
    return torch.cat([plain[..., :1], plain[..., :-1]], dim=3) if shift else plain
