"""Training of the detector's heads alone, on features computed once.

Nine tenths of a training step are spent in the backbone. With the backbone at rest its maps of a
scene can be kept, so that a processor without an accelerator shows the heads every scene many
times. The scenes' variety is bought once, at forward cost.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from rmpe.datasets.box_scenes import SceneMaker, SceneRecipe
from rmpe.datasets.person_boxes import PersonPicture
from rmpe.networks.compact_detector import CompactDetector
from rmpe.training.depthwise import use_fast_depthwise
from rmpe.training.detection_loss import DetectionLossParameters, detection_loss
from rmpe.training.detector import START_WEIGHTS, save_weights, start_network
from rmpe.training.relative_adam import RelativeAdam

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HeadRecipe:
    """Everything that decides the heads beside the pictures and the backbone."""

    scenes: tuple[tuple[int, int], ...] = ((320, 2000), (448, 600))
    """Side in pixels and number of the scenes that are kept."""
    steps: int = 2500
    """Optimiser steps."""
    pictures_per_step: int = 12
    """Scenes of 320x320 pixels in a step; larger ones are fewer."""
    rate: float = 3e-2
    """Peak relative step (``RelativeAdam``)."""
    warm_up_steps: int = 50
    """Steps over which the rate rises from nothing."""
    last_rate_share: float = 0.02
    """Share of the peak that the cosine ends at."""
    average_decay: float = 0.995
    """Decay per step of the exponential average that becomes the result."""
    seed: int = 2
    """Seed of scenes and order."""


@dataclass(frozen=True, eq=False)
class SceneFeatures:
    """What the heads see of one scene, and what they shall say."""

    levels: tuple[Tensor, Tensor, Tensor]
    """The neck's maps, bfloat16, (1, C, h, w) each."""
    boxes_xyxy: Tensor
    """Person boxes in pixels, (G, 4)."""
    background_weight: Tensor
    """Trust in the absence of a person, (H / 8, W / 8)."""


@torch.no_grad()
def scene_features(
    network: CompactDetector, maker: SceneMaker, side: int, random: np.random.Generator
) -> SceneFeatures:
    """Draw a scene and compute its maps."""
    scene = maker.draw(side, random)
    image = torch.from_numpy(np.ascontiguousarray(scene.image_bgr[..., ::-1]))
    planes = (image.permute(2, 0, 1)[None].float() / 127.5 - 1).contiguous(
        memory_format=torch.channels_last
    )
    with torch.autocast("cpu", torch.bfloat16):
        levels = network.backbone(planes)
    fine, middle, coarse = (level.bfloat16() for level in levels)
    return SceneFeatures(
        (fine, middle, coarse),
        torch.from_numpy(scene.boxes_xyxy.astype(np.float32)),
        torch.from_numpy(scene.background_weight),
    )


def train_heads(
    pictures: Sequence[PersonPicture],
    output: Path | str,
    *,
    recipe: HeadRecipe | None = None,
    scenes: SceneRecipe | None = None,
    start: Path | str = START_WEIGHTS,
    save_every_s: float = 120.0,
) -> Path:
    """Train the heads and write the whole detector with their averaged weights.

    Args:
        pictures: training pictures; held-out ones are the caller's to leave out.
        output: folder of the result.
        recipe: scenes, steps and rate.
        scenes: how training scenes are drawn.
        start: see :func:`rmpe.training.detector.start_network`.
        save_every_s: seconds between saved intermediate results.

    Returns:
        The path of ``compact_detector.safetensors`` (float16).

    Raises:
        ValueError: the start weights do not fit, or the loss stops being finite.
    """
    recipe = recipe or HeadRecipe()
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    network = start_network(start, recipe.seed).requires_grad_(False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    maker = SceneMaker(pictures, scenes or SceneRecipe())
    pools = []
    for side, count in recipe.scenes:
        kept = [
            scene_features(network, maker, side, np.random.default_rng([recipe.seed, side, i]))
            for i in tqdm(range(count), desc=f"features at {side} px", disable=None)
        ]
        pools.append(kept)
    result = folder / "compact_detector.safetensors"
    _fit(network, pools, recipe, result, save_every_s)
    return result


def _fit(
    network: CompactDetector,
    pools: list[list[SceneFeatures]],
    recipe: HeadRecipe,
    result: Path,
    save_every_s: float,
) -> None:
    average = copy.deepcopy(network)
    heads = network.heads.requires_grad_(True)
    for head in heads:
        head.anchor_view.requires_grad_(False)  # type: ignore[operator, union-attr]
    use_fast_depthwise(heads)
    trained = [parameter for parameter in heads.parameters() if parameter.requires_grad]
    optimiser = RelativeAdam([{"params": trained, "lr": recipe.rate}])
    random = np.random.default_rng(recipe.seed)
    shares = np.array([side * side * count for side, count in recipe.scenes], np.float64)
    parameters, saved_at = DetectionLossParameters(), time.monotonic()
    for step in tqdm(range(recipe.steps), desc="heads", disable=None):
        warm = min((step + 1) / recipe.warm_up_steps, 1.0)
        cosine = 0.5 * (1 + np.cos(np.pi * step / recipe.steps))
        share = warm * (recipe.last_rate_share + (1 - recipe.last_rate_share) * cosine)
        optimiser.param_groups[0]["lr"] = recipe.rate * share
        which = int(random.choice(len(pools), p=shares / shares.sum()))
        count = max(round(recipe.pictures_per_step * (320 / recipe.scenes[which][0]) ** 2), 1)
        batch = [pools[which][i] for i in random.integers(len(pools[which]), size=count)]
        levels = [torch.cat([scene.levels[i] for scene in batch]) for i in range(len(heads))]
        with torch.autocast("cpu", torch.bfloat16):
            predicted = torch.cat([head(level) for head, level in zip(heads, levels)], 1)
        weight = torch.stack([scene.background_weight for scene in batch])
        loss = detection_loss(predicted, [s.boxes_xyxy for s in batch], weight, parameters)
        if not torch.isfinite(loss.total):
            raise ValueError(f"the loss is not finite at step {step}: {loss}")
        optimiser.zero_grad()
        loss.total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        decay = min(recipe.average_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, value in zip(average.heads.parameters(), heads.parameters()):
                mean.lerp_(value, 1 - decay)
        if step % 50 == 0:
            values = (float(part.detach()) for part in (loss.total, loss.score, loss.box))
            logger.info("step %d: total %.3f, score %.3f, box %.3f", step, *values)
        if time.monotonic() - saved_at > save_every_s:
            save_weights(average, result)
            saved_at = time.monotonic()
    save_weights(average, result)
