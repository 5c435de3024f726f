"""A whole run of a network recipe: people in, checkpoints, logs, sheets and weights out."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from torch import nn

from rmpe.proposals import ProposalGenerator
from rmpe.skeletons import SKELETONS, Skeleton
from rmpe.training.data.people import TrainingPeople, in_skeleton, report_skipped
from rmpe.training.data.person_crops import PersonCrops
from rmpe.training.loop._validation import ValidationPeople
from rmpe.training.loop._weights import freeze, save_weights
from rmpe.training.loop.depthwise import use_fast_depthwise
from rmpe.training.loop.frozen import use_fast_frozen
from rmpe.training.loop.module import NetworkData, NetworkModule
from rmpe.training.loop.resuming import BestCheckpoint, check_resumable, keep_metrics, run_record
from rmpe.training.loop.start import (
    start_localisation,
    starting_network,
    with_transformer,
)
from rmpe.training.recipes.settings import NetworkRecipe, describe
from rmpe.zoo.bundled import BUNDLED
from rmpe.zoo.card import WeightsCard
from rmpe.zoo.conventions import Conventions

logger = logging.getLogger(__name__)

BEST_BY = "val_oks"


@dataclass(frozen=True)
class RunOptions:
    """What a run takes beside its recipe and its people."""

    start: Path | None = None
    """Weights of the same network to start from; a head of other joints starts anew."""
    resume: Path | None = None
    """``last.ckpt`` of an interrupted run of the same recipe, settings and people."""
    proposals: Path | None = None
    """Boxes as a detector errs, a file of :class:`ProposalGenerator`."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Lightning's accelerator."""
    devices: int = 1
    """Processes on each machine."""
    machines: int = 1
    """Machines (nodes)."""
    workers: int = 2
    """Processes that make crops, for each training process."""
    progress: bool = True
    """Whether a bar is shown on stderr."""
    log: tuple[str, ...] = ()
    """Where the log goes beside the run's folder: ``wandb``."""


def train_network(
    people: TrainingPeople,
    output: Path | str,
    recipe: NetworkRecipe,
    options: RunOptions | None = None,
    network: nn.Module | None = None,
) -> Path:
    """Train by a recipe and write the weights with their card.

    Args:
        people: training people and, for scores and the best checkpoint, held-out ones.
        output: folder for ``last.ckpt``, ``best-*.ckpt``, ``metrics.csv``, TensorBoard's events,
            ``predictions/epoch_NNN.jpg``, ``skipped.txt``, ``recipe.json`` and the weights.
        recipe: the run.
        options: where to start, go on, and on what.
        network: trained in place of the recipe's variant, for narrow ones.

    Returns:
        Path of ``NAME.safetensors``, which ``video --weights`` takes: the best epoch's weights if
        people are held out, else the last's.

    Raises:
        ValueError: recipe, people and files do not fit, the checkpoint to resume is of another run,
            or the loss stops being finite.
        OSError: a file is missing or cannot be written.
    """
    options = options or RunOptions()
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    people = _in_recipe_skeleton(people, recipe)
    _check_pairs(people.train.skeleton, recipe)
    record = run_record(recipe, people, options.proposals)
    steps_done = check_resumable(options.resume, record) if options.resume is not None else 0
    report_skipped(people, folder)
    conventions = run_conventions(recipe, people.train.skeleton)
    (folder / "recipe.json").write_text(recipe.as_json() + "\n", encoding="utf-8")
    logger.info("recipe %s (%s)\n%s", recipe.name, recipe.digest(), describe(recipe))
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    if network is None:
        network = starting_network(
            recipe, people.train.skeleton, options.start, options.resume is not None
        )
    freeze(network, recipe.frozen, recipe.frozen_depthwise)
    if recipe.variant in BUNDLED and recipe.precision == "bf16-mixed":
        if options.device == "cpu":
            use_fast_frozen(network, recipe.frozen, recipe.input_height, recipe.input_width)
        use_fast_depthwise(network)
    proposals = _proposals(recipe, options)
    crops = PersonCrops(
        people.train, recipe, conventions, proposals, epoch_size=recipe.epoch_people or None
    )
    if recipe.transformer:
        network = with_transformer(network, recipe, people.train.skeleton.joint_count)
        if recipe.transformer_start and options.resume is None:
            start_localisation(network, crops, recipe, conventions, options.workers)
    data = NetworkData(crops, recipe, options.workers)
    scorer = None
    if people.validation is not None and people.validation.people:
        scorer = ValidationPeople(people.validation, conventions, folder / "predictions")
    module = NetworkModule(network, recipe, conventions, scorer, data.steps_per_epoch, record)
    # "Save last" of the callback that keeps the best would write only when a best is found.
    last = ModelCheckpoint(
        folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False
    )
    best = BestCheckpoint(
        folder,
        filename="best-{epoch:03d}",
        monitor=BEST_BY,
        mode="max",
        save_on_train_epoch_end=True,
        save_weights_only=True,
    )
    # The last one also remembers which is the best, so it is written after it.
    checkpoints = [best, last] if scorer else [last]
    loggers = [*_loggers(folder, steps_done), *_services(folder, recipe, options.log)]
    trainer = _trainer(recipe, options, loggers, checkpoints, data.steps_per_epoch)
    trainer.fit(module, datamodule=data, ckpt_path=options.resume, weights_only=True)
    for log in loggers:
        if isinstance(log, WandbLogger):
            log.experiment.finish()
    _report_unreadable(module, scorer, folder)
    scores = {n: float(v) for n, v in trainer.callback_metrics.items() if n.startswith("val_")}
    if scorer is not None and best.best_model_path:
        stored = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        module.load_state_dict(stored["state_dict"])
        scores = {BEST_BY: float(best.best_model_score or 0.0)}
    result = folder / f"{recipe.name}.safetensors"
    if trainer.is_global_zero:
        card = weights_card(recipe, conventions, scores)
        save_weights(module.result, result, card.as_metadata())
    return result


def run_conventions(recipe: NetworkRecipe, skeleton: Skeleton) -> Conventions:
    """Return the conventions of weights trained for a skeleton, a user's own one included."""
    conventions = recipe.conventions(skeleton.name)
    own = None if SKELETONS.get(skeleton.name) == skeleton else skeleton
    return replace(conventions, own_skeleton=own)


def _in_recipe_skeleton(people: TrainingPeople, recipe: NetworkRecipe) -> TrainingPeople:
    if not recipe.skeleton:
        return people
    validation = people.validation
    return TrainingPeople(
        in_skeleton(people.train, recipe.skeleton),
        None if validation is None else in_skeleton(validation, recipe.skeleton),
    )


def _check_pairs(skeleton: Skeleton, recipe: NetworkRecipe) -> None:
    """Refuse mirrored crops of joints among which no left and right are known."""
    order = skeleton.mirror_permutation
    paired = skeleton.mirror is not None or (order != np.arange(len(order))).any()
    if recipe.flip_share > 0 and len(order) > 1 and not paired:
        raise ValueError(
            f"recipe {recipe.name} mirrors crops, but no left and right are known among the joints "
            f"{', '.join(skeleton.joints)}: a mirrored left would be taught as a right; name them "
            "left_… and right_…, or give --set flip_share=0"
        )


def _proposals(recipe: NetworkRecipe, options: RunOptions) -> ProposalGenerator | None:
    if recipe.proposals_from < 0:
        return None
    if options.proposals is None:
        logger.warning(
            "recipe %s samples boxes as a detector errs from epoch %d on, but no file of them is "
            "given (--proposals): IT TRAINS ON ANNOTATED BOXES",
            recipe.name,
            recipe.proposals_from,
        )
        return None
    return ProposalGenerator.load(options.proposals)


def _loggers(folder: Path, steps_done: int) -> list[Logger]:
    """Return the logs of a run; one that goes on after some steps keeps what they have of these."""
    table = CSVLogger(folder, name="", version="")
    if steps_done:
        keep_metrics(table, steps_done)
    if find_spec("tensorboard") is None:
        logger.warning("no TensorBoard log: python -m pip install tensorboard gives one")
        return [table]
    return [table, TensorBoardLogger(folder, name="", version="", purge_step=steps_done or None)]


def _services(folder: Path, recipe: NetworkRecipe, names: Sequence[str]) -> list[Logger]:
    """Return the logs of services; Weights & Biases' has the recipe too."""
    if "wandb" not in names:
        return []
    if find_spec("wandb") is None:
        raise ValueError("the log to wandb needs its package: pip install 'rmpe[wandb]'")
    return [
        WandbLogger(
            name=recipe.name,
            project=os.environ.get("WANDB_PROJECT", "rmpe"),
            save_dir=folder,
            config=json.loads(recipe.as_json()),
        )
    ]


def _trainer(
    recipe: NetworkRecipe,
    options: RunOptions,
    loggers: list[Logger],
    checkpoints: list[ModelCheckpoint],
    steps_per_epoch: int,
) -> lightning.Trainer:
    callbacks: list[Any] = [*checkpoints, LearningRateMonitor("step")]
    if options.progress:
        callbacks.append(TQDMProgressBar())
    several = options.devices * options.machines > 1
    return lightning.Trainer(
        accelerator=options.device,
        devices=options.devices,
        num_nodes=options.machines,
        strategy="ddp" if several else "auto",
        sync_batchnorm=several and options.device != "cpu",
        use_distributed_sampler=False,
        max_epochs=recipe.epochs,
        precision=recipe.precision,
        accumulate_grad_batches=recipe.accumulate,
        gradient_clip_val=recipe.clip_gradient or None,
        logger=loggers,
        callbacks=callbacks,
        log_every_n_steps=max(min(20, steps_per_epoch), 1),
        enable_model_summary=False,
        enable_progress_bar=options.progress,
    )


def _report_unreadable(
    module: NetworkModule, scorer: ValidationPeople | None, folder: Path
) -> None:
    lines = sorted(module.skipped | (scorer.skipped if scorer else set()))
    if lines:
        path = folder / "skipped.txt"
        # Several processes name the same held-out pictures.
        known = set(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else set()
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines if line not in known)
        logger.warning("%d pictures could not be read, listed in %s", len(lines), path)


def weights_card(
    recipe: NetworkRecipe, conventions: Conventions, scores: Mapping[str, float]
) -> WeightsCard:
    """Return the card of a run's weights."""
    fields = json.loads(recipe.as_json())
    return WeightsCard(recipe.variant, recipe.origin, conventions, fields, scores)
