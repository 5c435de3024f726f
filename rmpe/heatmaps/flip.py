"""The flip test: a network's answer for the mirrored crop, averaged with the plain one."""

from __future__ import annotations

import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpe.heatmaps.codec import Codec


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


def flip_average(
    heatmaps: Tensor,
    flipped_heatmaps: Tensor,
    mirror_permutation: Tensor | NDArray,
    shift: bool,
) -> Tensor:
    """Return the mean (N, K, h, w) of the plain and the mirrored crop's maps.

    Args: as :func:`unflip`.
    """
    return (heatmaps + unflip(flipped_heatmaps, mirror_permutation, shift)) * 0.5


def decode_with_flip(
    codec: Codec,
    heatmaps: Tensor,
    flipped_heatmaps: Tensor,
    mirror_permutation: Tensor | NDArray,
) -> tuple[Tensor, Tensor]:
    """Return joints (N, K, 2) in input pixels and scores (N, K) by the codec's own flip test.

    Most conventions average the maps; regression networks average what was decoded.
    """
    if codec.flip_average_of == "heatmaps":
        return codec.decode(
            flip_average(heatmaps, flipped_heatmaps, mirror_permutation, codec.flip_shift)
        )
    xy, scores = codec.decode(heatmaps)
    other_xy, other_scores = codec.decode(
        unflip(flipped_heatmaps, mirror_permutation, codec.flip_shift)
    )
    return (xy + other_xy) * 0.5, (scores + other_scores) * 0.5
