"""Training of the compact person detector."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from rmpe.datasets.box_scenes import SceneMaker, SceneRecipe
from rmpe.datasets.person_boxes import PersonPicture
from rmpe.networks.compact_detector import ANCHORS_PER_CELL, CompactDetector
from rmpe.training.depthwise import use_fast_depthwise
from rmpe.training.detection_loss import DetectionLossParameters, detection_loss
from rmpe.training.relative_adam import RelativeAdam

logger = logging.getLogger(__name__)

START_WEIGHTS = Path(__file__).parents[1] / "weights" / "compact_detector_start.safetensors"
ORIGINAL_HEAD = "heads.0.box_filter.weight"
"""A name that BlazePose's weights have and the compact detector's do not."""


@dataclass(frozen=True)
class DetectorRecipe:
    """Everything that decides the weights beside the pictures and the starting weights."""

    steps: int = 4000
    """Optimiser steps."""
    pictures_per_step: int = 12
    """Scenes of 320x320 pixels in a step; larger scenes are fewer, so that pixels stay the same."""
    sides: tuple[int, ...] = (256, 320, 320, 416, 512)
    """Sides of the square scenes, one drawn for each step."""
    head_rate: float = 5e-2
    """Peak relative step (``RelativeAdam``) of the heads."""
    neck_rate: float = 5e-3
    """Peak relative step of the top-down neck and of BlazePose's own heads."""
    backbone_rate: float = 1.5e-3
    """Peak relative step of the backbone behind stride 8; what lies before is not trained."""
    warm_up_steps: int = 100
    """Steps over which the rates rise from nothing."""
    last_rate_share: float = 0.02
    """Share of the peak that the cosine ends at."""
    average_decay: float = 0.998
    """Decay per step of the exponential average that becomes the result."""
    seed: int = 1
    """Seed of the heads and of every scene."""

    def __post_init__(self) -> None:
        wrong = [side for side in self.sides if side % 32 or side < 64]
        if wrong or not self.sides:
            raise ValueError(f"scene sides must be multiples of 32 from 64 on, got {self.sides}")


@dataclass(eq=False)
class SceneBatch:
    """Scenes of one step; not frozen, for Lightning fills it anew on the device."""

    images: Tensor
    """RGB in -1..1, (N, 3, H, W)."""
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
        images = np.stack([scene.image_bgr[..., ::-1] for scene in scenes])
        planes = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        return SceneBatch(
            planes,
            [torch.from_numpy(scene.boxes_xyxy.astype(np.float32)) for scene in scenes],
            torch.from_numpy(np.stack([scene.background_weight for scene in scenes])),
        )


def freeze_early_filters(network: CompactDetector) -> None:
    """Keep what BlazePose learnt best: all up to stride 8 and the backbone's depthwise filters.

    The filters' gradient would also take most of a step's time on a CPU.
    """
    backbone = network.backbone
    early = (backbone.stem, backbone.stem_filter, backbone.stem_project, backbone.to_stride8)
    for part in early:
        part.requires_grad_(False)
    for part in (backbone.to_stride16, backbone.to_stride32, backbone.last_filter):
        for module in part.modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.weight.requires_grad_(False)


class DetectorModule(lightning.LightningModule):
    """Optimiser, loss and averaged weights of one run."""

    def __init__(self, network: CompactDetector, recipe: DetectorRecipe):
        super().__init__()
        freeze_early_filters(network)
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.network = network
        use_fast_depthwise(network)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe = recipe
        self.loss_parameters = DetectionLossParameters()

    def training_step(self, batch: SceneBatch, batch_index: int) -> Tensor:
        """Return the loss of one batch.

        Raises:
            ValueError: the loss is not finite; the message gives its parts.
        """
        images = batch.images.contiguous(memory_format=torch.channels_last)
        output = self.network(images)
        with torch.autocast(self.device.type, enabled=False):
            loss = detection_loss(
                output, batch.boxes_xyxy, batch.background_weight, self.loss_parameters
            )
        values = {name: float(getattr(loss, name).detach()) for name in ("total", "score", "box")}
        if not np.isfinite(values["total"]):
            raise ValueError(f"the loss is not finite at step {self.global_step}: {values}")
        self.log_dict(values, batch_size=len(images), prog_bar=True)
        return loss.total

    def on_train_batch_end(self, outputs: object, batch: SceneBatch, batch_index: int) -> None:
        """Move the averaged weights; the average forgets faster at the start."""
        step = self.global_step
        decay = min(self.recipe.average_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.network.parameters()):
                mean.lerp_(value, 1 - decay)

    def configure_optimizers(self) -> Any:
        """RelativeAdam with a rate for heads, neck and backbone; warm-up, then cosine."""
        optimiser = RelativeAdam(parameter_groups(self.network, self.recipe))
        recipe = self.recipe

        def share(step: int) -> float:
            warm = min((step + 1) / max(recipe.warm_up_steps, 1), 1.0)
            cosine = 0.5 * (1 + np.cos(np.pi * min(step / recipe.steps, 1.0)))
            return float(warm * (recipe.last_rate_share + (1 - recipe.last_rate_share) * cosine))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, share)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def parameter_groups(network: CompactDetector, recipe: DetectorRecipe) -> list[dict[str, Any]]:
    """Return the trained parameters by rate."""
    groups: dict[float, list[nn.Parameter]] = {}
    neck = ("lateral", "down", "refine")
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("heads.") and ".anchor_view." not in name:
            rate = recipe.head_rate
        elif ".anchor_view." in name or name.removeprefix("backbone.").startswith(neck):
            rate = recipe.neck_rate
        else:
            rate = recipe.backbone_rate
        groups.setdefault(rate, []).append(parameter)
    return [{"params": parameters, "lr": rate} for rate, parameters in groups.items()]


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


def start_network(start: Path | str, seed: int) -> CompactDetector:
    """Return a network to train.

    Args:
        start: weights of a compact detector, or of BlazePose's as
            ``tools/convert_blazepose_detector.py`` writes them: then the heads start at random.
        seed: of what the file does not hold.

    Raises:
        OSError: the file is missing.
        ValueError: the file fits neither.
    """
    torch.manual_seed(seed)
    network = CompactDetector()
    state = {name: value.float() for name, value in load_file(str(start)).items()}
    if ORIGINAL_HEAD in state:
        state = network.state_dict() | from_original(state)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{start} does not fit the compact detector: {error}") from error
    return network


def from_original(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename BlazePose's weights for the compact detector, its heads becoming ``AnchorView``s."""
    renamed = {name: value for name, value in state.items() if name.startswith("backbone.")}
    for level in range(len(ANCHORS_PER_CELL)):
        old, new = f"heads.{level}", f"heads.{level}.anchor_view"
        for kind, target in (("score", "score"), ("box", "value")):
            filters, bias = state[f"{old}.{kind}_filter.weight"], state[f"{old}.{kind}_filter.bias"]
            renamed[f"{new}.{target}_filter.weight"] = unfold_spread_filter(filters)
            renamed[f"{new}.{target}_filter.bias"] = bias.repeat(4) / 4
            renamed[f"{new}.{target}.weight"] = state[f"{old}.{kind}.weight"].repeat(1, 4, 1, 1)
            renamed[f"{new}.{target}.bias"] = state[f"{old}.{kind}.bias"]
    return renamed


def unfold_spread_filter(filters: Tensor) -> Tensor:
    """Return the depthwise 3x3 on cells that equals one with stride 2 on cells spread over 2x2.

    Args:
        filters: of the spread map, (C, 1, 3, 3), padding 1.

    Returns:
        (4 C, 1, 3, 3), to be summed over the four places (row, column) of a cell. Row u of the
        spread map's filter lies on row 2 i + u - 1: the second row of the cell above for u = 0, the
        first and second of the cell itself for u = 1, 2.
    """
    rows_of_place = {0: ((1, 1),), 1: ((0, 0), (2, 1))}
    unfolded = filters.new_zeros(2, 2, *filters.shape)
    for row, row_pairs in rows_of_place.items():
        for column, column_pairs in rows_of_place.items():
            for old_row, new_row in row_pairs:
                for old_column, new_column in column_pairs:
                    taken = filters[:, :, old_row, old_column]
                    unfolded[row, column, :, :, new_row, new_column] = taken
    return unfolded.flatten(0, 2)


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
    """Train the detector and write its averaged weights.

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
    module = DetectorModule(start_network(start, recipe.seed), recipe)
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
    trainer.fit(module, datamodule=data, ckpt_path=None if resume is None else str(resume))
    result = folder / "compact_detector.safetensors"
    save_weights(module.average, result)
    return result


def save_weights(network: CompactDetector, path: Path | str) -> None:
    """Write the weights as float16."""
    state = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(state, str(path))
