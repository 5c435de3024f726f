"""The Lightning module of every network recipe, and the batches it eats."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Sampler

from rmpe.heatmaps import get_codec
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.sstn import SymmetricPose
from rmpe.training.data.person_crops import PersonCrops
from rmpe.training.data.records import CropBatch, CropRecord, collate
from rmpe.training.data.workers import start_method
from rmpe.training.loop._average import averaged
from rmpe.training.loop._schedule import recipe_schedule
from rmpe.training.loop._validation import ValidationPeople
from rmpe.training.loop.relative_adam import RelativeAdam
from rmpe.training.loop.resuming import RUN_KEY
from rmpe.training.losses.extra import extra_losses
from rmpe.training.losses.published import output_losses
from rmpe.training.losses.transformer import transformer_losses
from rmpe.training.recipes.settings import NetworkRecipe
from rmpe.zoo.conventions import Conventions

logger = logging.getLogger(__name__)


class SupervisedOutputs(nn.Module):
    """A network whose forward gives all that is supervised, as data parallelism wants it."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network that has ``supervised_outputs``."""
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) → what the network's ``supervised_outputs`` gives."""
        outputs: list[Tensor] = self.network.supervised_outputs(x)  # type: ignore[operator]
        return outputs


class NetworkModule(lightning.LightningModule):
    """One run: a network, its average, its recipe and how it is scored."""

    def __init__(
        self,
        network: nn.Module,
        recipe: NetworkRecipe,
        conventions: Conventions,
        validation: ValidationPeople | None,
        steps_per_epoch: int,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            network: gives ``supervised_outputs``; a ``SymmetricPose`` if the recipe trains one.
            recipe: loss, optimiser and schedule.
            conventions: of the network.
            validation: people to score after every epoch.
            steps_per_epoch: optimiser steps of an epoch.
            record: what a run that goes on from its checkpoints has to have in common with it.
        """
        super().__init__()
        self.recipe, self.steps_per_epoch = recipe, max(steps_per_epoch, 1)
        self.network = network
        self._door = PreprocessedNetwork(
            SupervisedOutputs(network), conventions.colour_order, conventions.mean, conventions.std
        )
        self.average: AveragedModel | None = None
        if recipe.average_decay:
            self.average = averaged(network, recipe.average_decay)
        self._codec = get_codec(conventions.codec)
        self._validation = validation
        self._record = record
        self._averaged_step = 0
        self.skipped: set[str] = set()

    def training_step(self, batch: CropBatch, batch_index: int) -> Tensor:
        """Loss of one batch. Raises ValueError when it is not finite, with its parts."""
        self._note_skipped(batch.skipped)
        outputs = self._door(batch.crops_bgr)
        if isinstance(self.network, SymmetricPose):
            parts = transformer_losses(self.recipe, self._codec, outputs, batch)
        else:
            losses = output_losses(self.recipe, self._codec, outputs, batch.truth)
            parts = {f"output_{place}": loss for place, loss in enumerate(losses)}
            parts |= extra_losses(self.recipe, outputs[-1], batch)
        loss = torch.stack(list(parts.values())).sum()
        values = {name: float(part.detach()) for name, part in parts.items()}
        if not math.isfinite(float(loss.detach())):
            raise ValueError(
                f"the loss is not finite at step {self.global_step}, rate "
                f"{self.optimizers().param_groups[0]['lr']:.3g}: {values}; try a lower rate, "  # type: ignore[union-attr]
                "clip_gradient=1 or precision=32-true"
            )
        self.log("loss", loss.detach(), batch_size=len(batch.theta), prog_bar=True, sync_dist=True)
        if len(values) > 1:
            self.log_dict(values, batch_size=len(batch.theta))
        return loss

    def on_train_batch_end(self, outputs: object, batch: CropBatch, batch_index: int) -> None:
        """Move the averaged weights after every optimiser step, faster at the start."""
        if self.average is not None and self.global_step != self._averaged_step:
            self._averaged_step = self.global_step
            self.average.update_parameters(self.network)

    def on_train_epoch_start(self) -> None:
        """Keep what is frozen as it is: batch norms too."""
        if isinstance(self.network, SymmetricPose):
            self.network.network.eval()

    def on_train_epoch_end(self) -> None:
        """Score the weights that would be written, and draw what they find."""
        if self._validation is None:
            return
        scores: dict[str, float] = {}
        if self.trainer.is_global_zero:
            scores = self._validation.score(self.result, self.device, self.current_epoch)
        # The best checkpoint is chosen by every process, so all need the figures.
        scores = self.trainer.strategy.broadcast(scores)
        self.log_dict(scores, prog_bar=True)
        logger.info("epoch %d: %s", self.current_epoch, in_figures(scores))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write into the checkpoint which run it is of."""
        if self._record is not None:
            checkpoint[RUN_KEY] = dict(self._record)

    @property
    def result(self) -> nn.Module:
        """The network that is scored and written: the average if there is one."""
        return self.network if self.average is None else self.average.module

    def configure_optimizers(self) -> Any:
        """The recipe's optimiser with its schedule, step by step."""
        recipe = self.recipe
        trained = [p for p in self.network.parameters() if p.requires_grad]
        optimiser: torch.optim.Optimizer
        if recipe.optimiser == "adam":
            optimiser = torch.optim.Adam(trained, recipe.rate, weight_decay=recipe.weight_decay)
        elif recipe.optimiser == "rmsprop":
            optimiser = torch.optim.RMSprop(trained, recipe.rate, weight_decay=recipe.weight_decay)
        else:
            heads = {id(p) for name, p in self.network.named_parameters() if ".output." in name}
            groups = [
                ([p for p in trained if id(p) not in heads], recipe.rate),
                ([p for p in trained if id(p) in heads], recipe.rate * recipe.output_rate_factor),
            ]
            optimiser = RelativeAdam({"params": p, "lr": rate} for p, rate in groups if p)
        schedule = recipe_schedule(recipe, optimiser, self.steps_per_epoch)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _note_skipped(self, lines: list[str]) -> None:
        for line in lines:
            if line not in self.skipped:
                self.skipped.add(line)
                logger.warning("skipped: %s", line)


def in_figures(scores: Mapping[str, float]) -> str:
    """Return scores as people write them: ``AP 0.512, OKS 0.683, PCK 0.871``."""
    return ", ".join(f"{n.removeprefix('val_').upper()} {v:.3f}" for n, v in scores.items())


class NetworkData(lightning.LightningDataModule):
    """Batches of one epoch at a time; every process takes its share of each."""

    def __init__(self, crops: PersonCrops, recipe: NetworkRecipe, workers: int) -> None:
        """``workers``: processes that make crops; 0 makes them in this one."""
        super().__init__()
        self._crops, self._recipe, self._workers = crops, recipe, workers
        people = recipe.epoch_people or len(crops)
        self.steps_per_epoch = max(people // recipe.batch_size, 1)

    def train_dataloader(self) -> DataLoader[CropRecord]:
        """The batches of whatever epoch the trainer is in when they are asked for.

        Raises ValueError when a forward pass cannot be shared evenly among the processes.
        """
        world = self.trainer.world_size if self.trainer else 1
        part = self._recipe.batch_size // self._recipe.accumulate
        if part % world:
            raise ValueError(
                f"got {part} people in a forward pass and {world} processes; batch_size / "
                "accumulate has to be a multiple of the processes"
            )
        share = part // world
        return DataLoader(
            self._crops,
            batch_size=share,
            sampler=EpochShare(self, share),
            num_workers=self._workers,
            collate_fn=collate,
            prefetch_factor=4 if self._workers else None,
            multiprocessing_context=start_method() if self._workers else None,
            persistent_workers=self._workers > 0,
        )

    def indices(self, share: int) -> list[int]:
        """Return this process's examples of the trainer's epoch, ``share`` for each pass."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        rank = self.trainer.global_rank if self.trainer else 0
        part = self._recipe.batch_size // self._recipe.accumulate
        passes = self.steps_per_epoch * self._recipe.accumulate
        start = epoch * passes * part + rank * share
        return [start + turn * part + place for turn in range(passes) for place in range(share)]


class EpochShare(Sampler[int]):
    """The examples of one process, another list in every epoch."""

    def __init__(self, data: NetworkData, share: int) -> None:
        """Ask ``data`` for ``share`` examples of each pass."""
        self._data, self._share = data, share

    def __iter__(self) -> Iterator[int]:
        """Yield the examples of the epoch that the trainer is in now."""
        return iter(self._data.indices(self._share))

    def __len__(self) -> int:
        """Return the number of examples, the same in every epoch."""
        return len(self._data.indices(self._share))
