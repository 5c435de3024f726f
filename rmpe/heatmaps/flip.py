"""The flip test: a network's answer for the mirrored crop, averaged with the plain one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import NDArray

from rmpe.heatmaps.codec import Codec, Maps, unflip

if TYPE_CHECKING:
    from torch import Tensor


def flip_average(
    heatmaps: Maps,
    flipped_heatmaps: Maps,
    mirror_permutation: Tensor | NDArray,
    shift: bool,
) -> Maps:
    """Return the mean (N, K, h, w) of the plain and the mirrored crop's maps.

    Args: as :func:`unflip`.
    """
    return (heatmaps + unflip(flipped_heatmaps, mirror_permutation, shift)) * 0.5


def decode_with_flip(
    codec: Codec,
    heatmaps: Maps,
    flipped_heatmaps: Maps,
    mirror_permutation: Tensor | NDArray,
) -> tuple[Maps, Maps]:
    """Return joints (N, K, 2) in input pixels and scores (N, K) by the codec's own flip test.

    Most conventions average the maps; regression networks average what was decoded.
    """
    if codec.flip_average_of == "heatmaps":
        return codec.decode((heatmaps + codec.unflip(flipped_heatmaps, mirror_permutation)) * 0.5)
    xy, scores = codec.decode(heatmaps)
    other_xy, other_scores = codec.decode(codec.unflip(flipped_heatmaps, mirror_permutation))
    return (xy + other_xy) * 0.5, (scores + other_scores) * 0.5
