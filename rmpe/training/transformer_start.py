"""A fast start for a spatial transformer: regress the transform on small crops, no pose network.

The transformer looks at its crop at 64x48, so crops of that size are all it needs to learn where a
person stands in them. The people's surroundings are cut once, at low resolution; each step draws
boxes shifted and scaled at random inside them on the whole batch at once. Both branches of the
symmetric whole refine what this gives (:mod:`rmpe.training.transformer_loss`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rmpe.datasets.pose_samples import PoseSample
from rmpe.geometry.crop import CropStyle, CropTransform, fit_crop_box
from rmpe.sstn import SpatialTransformer

logger = logging.getLogger(__name__)

ImageArray = NDArray[np.uint8]

SURROUNDINGS = 2.2
"""Side of what is cut around a person over the side of the plain crop."""
SURROUNDINGS_SIZE = (160, 120)
"""Rows and columns of that cut."""
LOG_EVERY = 200


@dataclass(frozen=True)
class StartSettings:
    """The warm start's own run."""

    steps: int = 5000
    """Most steps."""
    seconds: float = float("inf")
    """Most time; the rate falls with the larger share of steps and time used."""
    batch_size: int = 64
    """Crops in a step."""
    rate: float = 1.5e-3
    """Adam's rate at the start; it falls to 0 by a cosine."""
    shift_share: float = 0.3
    """Greatest shift of the box, in its sides."""
    scale_low: float = 0.7
    """Smallest factor of its sides."""
    scale_high: float = 1.3
    """Greatest factor."""
    seed: int = 1
    """Of all draws."""


def cut_surroundings(samples: Sequence[PoseSample], style: CropStyle) -> ImageArray:
    """Return what lies around each person, uint8 (N, 160, 120, 3), the plain crop in its middle."""
    height, width = SURROUNDINGS_SIZE
    cuts = np.empty((len(samples), height, width, 3), np.uint8)
    for row, sample in enumerate(samples):
        crop = fit_crop_box(sample.box_xyxy, width / height, style).astype(np.float64)
        middle, half = (crop[:2] + crop[2:]) / 2, (crop[2:] - crop[:2]) / 2 * SURROUNDINGS
        around = np.concatenate([middle - half, middle + half]).astype(np.float32)
        cuts[row] = CropTransform(around, height, width).warp(sample.load())
    return cuts


def box_shares(samples: Sequence[PoseSample], aspect: float, style: CropStyle) -> Tensor:
    """Return width and height of each person's box over its plain crop's, (N, 2) float32."""
    shares = []
    for sample in samples:
        crop = fit_crop_box(sample.box_xyxy, aspect, style)
        box = sample.box_xyxy
        shares.append((box[2:] - box[:2]) / np.maximum(crop[2:] - crop[:2], 1e-6))
    return torch.from_numpy(np.asarray(shares, np.float32))


def draw_windows(
    shares: Tensor, settings: StartSettings, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return random windows and the transforms that lead back from them to the plain crop.

    Args:
        shares: box sides over the plain crop's, (N, 2).
        settings: how far the boxes go.
        generator: source of randomness.

    Returns:
        ``windows`` (N, 3), scale and shift of the window in units of the plain crop's half sides,
        and the numbers of θ, (N, 3): log scale, x, y.
    """
    count = len(shares)
    uniform = torch.rand(count, 3, generator=generator)
    scale = settings.scale_low + (settings.scale_high - settings.scale_low) * uniform[:, :1]
    # A box side is `share` crop sides, so it is 2 * share half sides.
    shift = (2 * uniform[:, 1:] - 1) * settings.shift_share * 2 * shares
    return torch.cat([scale, shift], 1), torch.cat([-scale.log(), -shift / scale], 1)


def look_through(cuts: Tensor, windows: Tensor, size: tuple[int, int]) -> Tensor:
    """Return what the windows show of the surroundings, float (N, 3, h, w) RGB 0..1."""
    scale = windows[:, 0] / SURROUNDINGS
    zero = torch.zeros_like(scale)
    rows = [
        torch.stack([scale, zero, windows[:, 1] / SURROUNDINGS], -1),
        torch.stack([zero, scale, windows[:, 2] / SURROUNDINGS], -1),
    ]
    planes = cuts.flip(-1).permute(0, 3, 1, 2).float().div_(255)
    shape = [len(cuts), 3, *size]
    grid = functional.affine_grid(torch.stack(rows, 1), shape, align_corners=False)
    return functional.grid_sample(planes, grid, align_corners=False)


def numbers_of(theta: Tensor) -> Tensor:
    """Return log scale, x and y (N, 3) of transforms (N, 2, 3) that shift and scale alone."""
    return torch.stack([theta[:, 0, 0].clamp(min=1e-6).log(), theta[:, 0, 2], theta[:, 1, 2]], -1)


def start_transformer(
    transformer: SpatialTransformer,
    samples: Sequence[PoseSample],
    style: CropStyle,
    settings: StartSettings,
) -> float:
    """Train the transformer on random windows; return the mean error of the last 100 steps.

    The error is that of the three numbers of θ, absolute. Mirror images and changes of brightness
    are drawn as well.

    Raises:
        ValueError: there is nobody to train on.
        OSError: a picture cannot be read.
    """
    if not samples:
        raise ValueError("got no people to start the transformer on")
    cuts = torch.from_numpy(cut_surroundings(samples, style))
    height, width = SURROUNDINGS_SIZE
    shares = box_shares(samples, width / height, style)
    generator = torch.Generator().manual_seed(settings.seed)
    optimiser = torch.optim.Adam(transformer.parameters(), settings.rate, weight_decay=1e-5)
    transformer.train()
    begun, errors = time.monotonic(), []
    for step in range(settings.steps):
        used = max(step / settings.steps, (time.monotonic() - begun) / settings.seconds)
        if used >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * 0.5 * (1 + np.cos(np.pi * used))
        rows = torch.randint(len(cuts), (settings.batch_size,), generator=generator)
        windows, target = draw_windows(shares[rows], settings, generator)
        crops = look_through(cuts[rows], windows, transformer.looked_at)
        if torch.rand((), generator=generator) < 0.5:
            crops, target = crops.flip(-1), target * target.new_tensor([1, -1, 1])
        gain = 0.7 + 0.6 * torch.rand(len(crops), 3, 1, 1, generator=generator)
        found = numbers_of(transformer(crops * gain))
        loss = functional.smooth_l1_loss(found, target, beta=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(float((found.detach() - target).abs().mean()))
        if step % LOG_EVERY == 0:
            logger.info("transformer step %d: error %.4f", step, np.mean(errors[-LOG_EVERY:]))
    transformer.eval()
    return float(np.mean(errors[-100:])) if errors else float("nan")
