"""Training of the compact person detector, from weights that find people already."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from rmpe.networks.compact_detector import MEAN_BGR, STD_BGR, CompactDetector
from rmpe.training.bundled.box_scenes import SceneMaker, SceneRecipe
from rmpe.training.bundled.person_boxes import PersonPicture
from rmpe.training.loop._average import averaged
from rmpe.training.loop._schedule import with_warm_up
from rmpe.training.loop._weights import freeze, save_weights
from rmpe.training.loop.relative_adam import RelativeAdam
from rmpe.training.losses.detection import DetectionLossParameters, detection_loss

logger = logging.getLogger(__name__)

START_WEIGHTS = Path(__file__).parents[2] / "weights" / "compact_detector.safetensors"


@dataclass(frozen=True)
class DetectorRecipe:
    """Everything that decides the weights beside the pictures and the starting weights."""

    steps: int = 400
    """Optimiser steps."""
    pictures_per_step: int = 12
    """Scenes of 320x320 pixels in a step; larger scenes are fewer, so that pixels stay the same."""
    sides: tuple[int, ...] = (320, 416, 512)
    """Sides of the square scenes, one drawn for each step."""
    head_rate: float = 1e-3
    """Peak relative step (``RelativeAdam``) of the heads."""
    neck_rate: float = 5e-4
    """Peak relative step of the neck."""
    backbone_rate: float = 2e-4
    """Peak relative step of the backbone behind stride 4; what lies before is not trained."""
    warm_up_steps: int = 30
    """Steps over which the rates rise from nothing."""
    average_decay: float = 0.99
    """Decay per step of the exponential average that becomes the result."""
    start_share: float = 0.5
    """Share of the start's weights in the result: half of each keeps what the start knows beside
    what the run adds (Wortsman et al., "Robust fine-tuning", CVPR 2022)."""
    seed: int = 1
    """Seed of every scene."""

    def __post_init__(self) -> None:
        wrong = [side for side in self.sides if side % 32 or side < 64]
        if wrong or not self.sides:
            raise ValueError(f"scene sides must be multiples of 32 from 64 on, got {self.sides}")
        if not 0 <= self.start_share <= 1:
            raise ValueError(f"start_share is {self.start_share}, allowed is 0..1")


@dataclass(eq=False)
class SceneBatch:
    """Scenes of one step; not frozen, for Lightning fills it anew on the device."""

    images: Tensor
    """BGR as the network takes it, (N, 3, H, W)."""
    boxes_xyxy: list[Tensor]
    """Person boxes of each scene in pixels, (G, 4)."""
    background_weight: Tensor
    """Trust in the absence of a person, (N, H / 8, W / 8)."""


class SceneBatches(IterableDataset[SceneBatch]):
    """The batches of a run; batch i depends on seed and i alone, so a resumed run repeats none."""

    def __init__(self, maker: SceneMaker, recipe: DetectorRecipe, first_step: int = 0):
        self._maker = maker
        self._recipe = recipe
        self.first_step = first_step

    def __iter__(self) -> Iterator[SceneBatch]:
        for step in range(self.first_step, self._recipe.steps):
            yield self.batch(step)

    def batch(self, step: int) -> SceneBatch:
        """Draw the scenes of one step."""
        random = np.random.default_rng([self._recipe.seed, step])
        side = int(random.choice(self._recipe.sides))
        count = max(round(self._recipe.pictures_per_step * (320 / side) ** 2), 1)
        scenes = [self._maker.draw(side, random) for _ in range(count)]
        images = torch.from_numpy(np.stack([scene.image_bgr for scene in scenes])).float() / 255
        normalised = (images - torch.tensor(MEAN_BGR)) / torch.tensor(STD_BGR)
        return SceneBatch(
            normalised.permute(0, 3, 1, 2),
            [torch.from_numpy(scene.boxes_xyxy.astype(np.float32)) for scene in scenes],
            torch.from_numpy(np.stack([scene.background_weight for scene in scenes])),
        )


EARLY_FILTERS = ("backbone.stem", "backbone.to_stride4")
"""What stays as it is: filters up to stride 4 know edges well and cost half a step on a CPU."""


class DetectorModule(lightning.LightningModule):
    """Optimiser, loss and averaged weights of one run."""

    def __init__(self, network: CompactDetector, recipe: DetectorRecipe):
        super().__init__()
        freeze(network, EARLY_FILTERS)
        self.average = averaged(network, recipe.average_decay)
        self.network = network
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe = recipe
        self.loss_parameters = DetectionLossParameters()

    def training_step(self, batch: SceneBatch, batch_index: int) -> Tensor:
        """Return the loss of one batch.

        Raises:
            ValueError: the loss is not finite; the message gives its parts.
        """
        images = batch.images.contiguous(memory_format=torch.channels_last)
        logits, edges = self.network.distributions(images)
        with torch.autocast(self.device.type, enabled=False):
            loss = detection_loss(
                logits, edges, batch.boxes_xyxy, batch.background_weight, self.loss_parameters
            )
        names = ("total", "score", "box", "edge")
        values = {name: float(getattr(loss, name).detach()) for name in names}
        if not np.isfinite(values["total"]):
            raise ValueError(f"the loss is not finite at step {self.global_step}: {values}")
        self.log_dict(values, batch_size=len(images), prog_bar=True)
        return loss.total

    def on_train_batch_end(self, outputs: object, batch: SceneBatch, batch_index: int) -> None:
        """Move the averaged weights; the average forgets faster at the start."""
        self.average.update_parameters(self.network)

    def configure_optimizers(self) -> Any:
        """RelativeAdam with a rate for heads, neck and backbone; warm-up, then cosine."""
        optimiser = RelativeAdam(parameter_groups(self.network, self.recipe))
        left = max(self.recipe.steps - self.recipe.warm_up_steps, 1)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, left)
        schedule = with_warm_up(optimiser, cosine, self.recipe.warm_up_steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def parameter_groups(network: CompactDetector, recipe: DetectorRecipe) -> list[dict[str, Any]]:
    """Return the trained parameters by rate."""
    parts: list[tuple[nn.Module, float]] = [
        (network.heads, recipe.head_rate),
        (network.neck, recipe.neck_rate),
        (network.backbone, recipe.backbone_rate),
    ]
    return [
        {"params": [value for value in part.parameters() if value.requires_grad], "lr": rate}
        for part, rate in parts
    ]


class SceneData(lightning.LightningDataModule):
    """The run's batches; remembers in checkpoints how many were used."""

    def __init__(self, maker: SceneMaker, recipe: DetectorRecipe):
        super().__init__()
        self._batches = SceneBatches(maker, recipe)

    def train_dataloader(self) -> DataLoader[SceneBatch]:
        """Return the batches from where the run stands."""
        return DataLoader(self._batches, batch_size=None, num_workers=0)

    def state_dict(self) -> dict[str, int]:
        """Return the number of batches used."""
        return {"step": self.trainer.global_step if self.trainer else 0}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on behind the batches used."""
        self._batches.first_step = state_dict["step"]


def start_network(start: Path | str) -> CompactDetector:
    """Return a network to train, with the weights of a file.

    Args:
        start: weights of a compact detector: the bundled ones, those of a run, or NanoDet-g's as
            ``tools/compact/convert_nanodet.py`` writes them.

    Raises:
        OSError: the file is missing.
        ValueError: the file does not fit.
    """
    network = CompactDetector()
    try:
        network.load_state_dict({k: value.float() for k, value in load_file(str(start)).items()})
    except RuntimeError as error:
        raise ValueError(f"{start} does not fit the compact detector: {error}") from error
    return network


def train_detector(
    pictures: Sequence[PersonPicture],
    output: Path | str,
    *,
    recipe: DetectorRecipe | None = None,
    scenes: SceneRecipe | None = None,
    start: Path | str = START_WEIGHTS,
    resume: Path | str | None = None,
    device: str = "auto",
) -> Path:
    """Train the detector; write its averaged weights, mixed with the start's.

    Args:
        pictures: training pictures; held-out ones are the caller's to leave out.
        output: folder for checkpoints (every five minutes), ``metrics.csv`` and the result.
        recipe: steps, rates and seed.
        scenes: how training scenes are drawn.
        start: see :func:`start_network`.
        resume: a checkpoint of an interrupted run with the same recipe.
        device: Lightning's accelerator: ``auto``, ``cpu`` or ``gpu``.

    Returns:
        The path of ``compact_detector.safetensors`` (float16).
    """
    recipe = recipe or DetectorRecipe()
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    logger.info("training the detector: %s", asdict(recipe))
    module = DetectorModule(start_network(start), recipe)
    checkpoints = ModelCheckpoint(
        folder, filename="detector-{step}", save_last=True, train_time_interval=timedelta(minutes=5)
    )
    trainer = lightning.Trainer(
        accelerator=device,
        devices=1,
        max_steps=recipe.steps,
        precision="bf16-mixed",
        callbacks=[checkpoints],
        logger=CSVLogger(folder, name="", version=""),
        log_every_n_steps=20,
        gradient_clip_val=10.0,
        enable_model_summary=False,
    )
    data = SceneData(SceneMaker(pictures, scenes or SceneRecipe()), recipe)
    checkpoint = None if resume is None else str(resume)
    trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    result = folder / "compact_detector.safetensors"
    mixed = mix(module.average.module, start_network(start), recipe.start_share)
    save_weights(mixed, result, half=True)
    return result


@torch.no_grad()
def mix(network: nn.Module, other: nn.Module, share: float) -> nn.Module:
    """Return the network whose weights are ``share`` of ``other``'s and the rest ``network``'s."""
    mixed = copy.deepcopy(network).cpu()
    for value, added in zip(mixed.parameters(), other.parameters()):
        value.lerp_(added, share)
    return mixed
