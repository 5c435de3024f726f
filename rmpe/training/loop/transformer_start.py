"""A fast start for a spatial transformer: regress the transform from what the network sees.

The pose network is frozen, so what it gives of a small crop never changes: it looks at every crop
once, and the localisation learns from the stored maps. Both branches of the symmetric whole refine
the result (:mod:`rmpe.training.losses.transformer`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rmpe.sstn import SpatialTransformer, SymmetricPose
from rmpe.training.data.records import CropBatch

logger = logging.getLogger(__name__)

LOG_EVERY = 500
REGRESSION_BETA = 0.05
"""Errors of θ below this count squared."""


@dataclass(frozen=True)
class StartSettings:
    """The regression's own run."""

    passes: int = 12
    """Passes over the crops that were looked at."""
    batch_size: int = 64
    """Crops in a step."""
    rate: float = 1e-3
    """Adam's rate at the start; it falls to 0 by a cosine."""
    weight_decay: float = 1e-4
    """L2 penalty."""
    seed: int = 1
    """Of the order."""


@dataclass(frozen=True, eq=False)
class CropViews:
    """What a network gave of the small copies of N crops, and the transforms wanted."""

    maps: Tensor
    """(N, K, h, w) float16."""
    theta: Tensor
    """(N, 2, 3)."""
    crop_hw: tuple[int, int]
    """Rows and columns of the crops."""
    mirror: Tensor | None = None
    """Which map of a mirrored crop stands for which, (K,); None mirrors nothing."""


@torch.no_grad()
def view_crops(
    whole: SymmetricPose,
    preprocessor: nn.Module,
    batches: Iterable[CropBatch],
    mirror: Tensor | None = None,
    half_precision: bool = False,
) -> CropViews:
    """Return what the network sees of the batches' small crops.

    Args:
        whole: the network and the transformer that shrinks its crops.
        preprocessor: turns uint8 crops (N, H, W, 3) BGR into what the network takes, (N, 3, H, W).
        batches: crops and transforms.
        mirror: as in :class:`CropViews`.
        half_precision: whether the network runs in bfloat16.

    Raises:
        ValueError: there is no crop.
    """
    maps, theta, crop_hw = [], [], (0, 0)
    for batch in batches:
        crop_hw = (batch.crops_bgr.shape[1], batch.crops_bgr.shape[2])
        # Shrunk before the preprocessor: what it does is linear, and a ninth of the pixels is left.
        small = whole.transformer.look(batch.crops_bgr.permute(0, 3, 1, 2).float())
        seen = preprocessor(small.permute(0, 2, 3, 1)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(seen.device.type, torch.bfloat16, enabled=half_precision):
            maps.append(whole.network(seen).half())
        theta.append(batch.theta)
    if not maps:
        raise ValueError("got no people to start the transformer on")
    return CropViews(torch.cat(maps), torch.cat(theta), crop_hw, mirror)


def chosen_views(
    views: CropViews, rows: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return maps and transforms of some crops, all of them mirrored or none."""
    maps, theta = views.maps[rows].float(), views.theta[rows]
    if views.mirror is not None and torch.rand((), generator=generator) < 0.5:
        maps = maps[:, views.mirror].flip(-1)
        # Mirrored on both sides: x turns sign in what goes in and in what comes out.
        theta = theta * theta.new_tensor([[1, -1, -1], [-1, 1, 1]])
    return maps, theta


def transform_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the loss of transforms (N, 2, 3): squared for small errors, absolute for large."""
    return functional.smooth_l1_loss(found, wanted, beta=REGRESSION_BETA)


def start_transformer(
    transformer: SpatialTransformer, views: CropViews, settings: StartSettings | None = None
) -> float:
    """Train the localisation alone; return the mean absolute error of θ over the last 100 steps.

    Raises:
        ValueError: there are fewer crops than in one step.
    """
    settings = settings or StartSettings()
    if len(views.maps) < settings.batch_size:
        raise ValueError(f"got {len(views.maps)} crops, a step needs {settings.batch_size}")
    order = torch.Generator().manual_seed(settings.seed)
    optimiser = torch.optim.Adam(
        transformer.parameters(), settings.rate, weight_decay=settings.weight_decay
    )
    each = len(views.maps) // settings.batch_size
    steps = settings.passes * each
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    transformer.train()
    errors: list[float] = []
    for step in range(steps):
        if step % each == 0:
            rows = torch.randperm(len(views.maps), generator=order)
        chosen = rows[step % each * settings.batch_size :][: settings.batch_size]
        maps, wanted = chosen_views(views, chosen, order)
        found = transformer(maps, views.crop_hw)
        loss = transform_error(found, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        errors.append(float((found.detach() - wanted).abs().mean()))
        if step % LOG_EVERY == 0:
            logger.info("transformer step %d: error %.4f", step, np.mean(errors[-LOG_EVERY:]))
    transformer.eval()
    return float(np.mean(errors[-100:]))
