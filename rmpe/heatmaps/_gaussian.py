"""Gaussian kernels as OpenCV defines them.

OpenCV derives a kernel from its size alone when sigma is 0: sizes up to 9 are fixed integers, the
others a sampled Gaussian of ``sigma = 0.3 ((size - 1) / 2 - 1) + 0.8``.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

_FIXED_KERNELS: dict[int, tuple[int, ...]] = {
    1: (1,),
    3: (1, 2, 1),
    5: (1, 4, 6, 4, 1),
    7: (2, 7, 14, 18, 14, 7, 2),
    9: (4, 13, 30, 51, 60, 51, 30, 13, 4),
}


@lru_cache(maxsize=32)
def gaussian_kernel(size: int) -> tuple[float, ...]:
    """Return OpenCV's Gaussian weights of an odd ``size`` with sigma 0; they sum to 1."""
    if size < 1 or size % 2 == 0:
        raise ValueError(f"got a kernel of size {size}, supported are odd sizes from 1")
    if size in _FIXED_KERNELS:
        weights = [float(w) for w in _FIXED_KERNELS[size]]
    else:
        sigma = 0.3 * ((size - 1) / 2 - 1) + 0.8
        offsets = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
        weights = torch.exp(-(offsets**2) / (2 * sigma**2)).tolist()
    total = sum(weights)
    return tuple(w / total for w in weights)


def _reflect_101(index: Tensor, length: int) -> Tensor:
    """Return positions of any integer folded into 0..length-1, the border cell not repeated."""
    if length == 1:
        return torch.zeros_like(index)
    period = 2 * (length - 1)
    folded = index.remainder(period)
    return torch.where(folded < length, folded, period - folded)


@lru_cache(maxsize=64)
def blur_matrix(length: int, size: int, padding: int) -> Tensor:
    """Return the blur of one axis as a matrix (length + 2 * padding, length), float32.

    The axis is padded with ``padding`` zeros at both ends first; beyond these it is continued by
    reflection without repeating the border cell, as ``cv2.GaussianBlur`` does.
    """
    weights = torch.tensor(gaussian_kernel(size), dtype=torch.float64)
    padded = length + 2 * padding
    radius = size // 2
    rows = torch.arange(padded)[:, None].expand(padded, size)  # (padded, size)
    source = _reflect_101(rows + torch.arange(-radius, radius + 1), padded)  # (padded, size)
    matrix = torch.zeros(padded, padded, dtype=torch.float64)
    matrix.index_put_((rows, source), weights.expand(padded, size), accumulate=True)
    # The padding holds zeros, so its columns of (padded, padded) are not needed.
    return matrix[:, padding : padding + length].to(torch.float32).contiguous()
