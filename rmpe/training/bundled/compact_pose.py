"""Training of the compact pose network, with a larger network as its teacher."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from safetensors.torch import save_file
from torch import Tensor, nn

from rmpe.datasets.pose_samples import PoseSample
from rmpe.networks.compact_pose import CompactPose
from rmpe.skeletons import COCO_17
from rmpe.training.bundled.pose_crops import CropBatch, CropData, PoseCrops
from rmpe.training.bundled.pose_recipe import PoseRecipe
from rmpe.training.bundled.pose_teacher import load_teacher
from rmpe.training.loop.depthwise import use_fast_depthwise
from rmpe.training.loop.relative_adam import RelativeAdam
from rmpe.training.losses.cells import cell_targets, spatial_cross_entropy, spatial_divergence
from rmpe.zoo import load

logger = logging.getLogger(__name__)

START_WEIGHTS = Path(__file__).parents[2] / "weights" / "compact_pose.safetensors"
TEACHER_JOINTS = COCO_17.joint_count
FINE_PARTS = ("stem", "stem_filter", "stem_project", "level4")

Scorer = Callable[[nn.Module], dict[str, float]]


def load_compact_pose(path: Path | str) -> CompactPose:
    """Read weights of the compact network.

    Raises:
        OSError: the file is missing.
        ValueError: the file does not fit.
    """
    network = load(str(path)).network
    if not isinstance(network, CompactPose):
        raise ValueError(f"got {path}, which does not fit the compact pose network")
    return network


def as_input(crops_bgr: Tensor) -> Tensor:
    """uint8 crops (N, H, W, 3) BGR -> float (N, 3, H, W) RGB in 0..1, channels last."""
    return crops_bgr.flip(-1).permute(0, 3, 1, 2).float().div_(255)


class PoseModule(lightning.LightningModule):
    """Student, teacher and averaged weights of one run."""

    def __init__(
        self,
        network: CompactPose,
        teacher: nn.Module,
        recipe: PoseRecipe,
        scorer: Scorer | None,
        score_every: int,
    ) -> None:
        super().__init__()
        self.recipe, self._scorer, self._score_every = recipe, scorer, score_every
        self.teacher = teacher.requires_grad_(False)
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.network = network
        freeze(network, recipe)
        use_fast_depthwise(network)
        for part in (self.teacher, self.average, self.network):
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def training_step(self, batch: CropBatch, batch_index: int) -> Tensor:
        """Loss of one batch. Raises ValueError when it is not finite, with its parts."""
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.network(as_input(batch.seen_bgr))
        height, width = logits.shape[-2:]
        targets = cell_targets(batch.keypoints_xy, height, width, self.recipe.target_sigma)
        label = spatial_cross_entropy(logits, targets, batch.trust)
        teacher = self._distillation(logits, batch)
        loss = label + self.recipe.teacher_weight * teacher
        values = {
            "loss": float(loss.detach()),
            "label": float(label.detach()),
            "teacher": float(teacher.detach()),
        }
        if not math.isfinite(values["loss"]):
            raise ValueError(f"the loss is not finite at step {self.global_step}: {values}")
        self.log_dict(values, batch_size=len(logits), prog_bar=True)
        return loss

    def _distillation(self, logits: Tensor, batch: CropBatch) -> Tensor:
        followed = batch.teacher_trust > 0
        if not followed.any():
            return logits.new_zeros(())
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16):
            teacher = self.teacher(as_input(batch.clean_bgr[followed]))[:, :TEACHER_JOINTS]
        weights = batch.teacher_trust[followed, None].expand(-1, TEACHER_JOINTS)
        return spatial_divergence(logits[followed, :TEACHER_JOINTS], teacher, weights)

    def on_train_batch_end(self, outputs: object, batch: CropBatch, batch_index: int) -> None:
        """Move the averaged weights (faster at the start); score them from time to time."""
        step = self.global_step
        decay = min(self.recipe.average_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, value in zip(
                self.average.parameters(), self.network.parameters(), strict=True
            ):
                mean.lerp_(value, 1 - decay)
        if self._scorer is not None and step % self._score_every == 0:
            scores = self._scorer(self.average)
            self.log_dict(scores)
            logger.info("step %d: %s", step, {name: round(v, 4) for name, v in scores.items()})

    def configure_optimizers(self) -> Any:
        """RelativeAdam with a rate by depth; warm-up, then cosine."""
        optimiser = RelativeAdam(parameter_groups(self.network, self.recipe))
        recipe = self.recipe

        def share(step: int) -> float:
            warm = min((step + 1) / max(recipe.warm_up_steps, 1), 1.0)
            cosine = 0.5 * (1 + math.cos(math.pi * min(step / recipe.steps, 1.0)))
            return warm * (recipe.last_rate_share + (1 - recipe.last_rate_share) * cosine)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, share)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def freeze(network: CompactPose, recipe: PoseRecipe) -> None:
    """Switch gradients off where the recipe does not train."""
    for name, parameter in network.named_parameters():
        if _rate_factor(name, recipe) == 0.0:
            parameter.requires_grad_(False)
    if not recipe.train_depthwise:
        for module in network.modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.weight.requires_grad_(False)


def _rate_factor(name: str, recipe: PoseRecipe) -> float:
    part = name.split(".")[0]
    if part in FINE_PARTS:
        return recipe.finest_rate_factor
    if part == "level8":
        return recipe.fine_rate_factor
    return recipe.output_rate_factor if name.startswith("head.output") else 1.0


def parameter_groups(network: CompactPose, recipe: PoseRecipe) -> list[dict[str, Any]]:
    """The trained parameters by rate."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(recipe.rate * _rate_factor(name, recipe), []).append(parameter)
    return [{"params": parameters, "lr": rate} for rate, parameters in groups.items()]


def train_compact_pose(
    samples: Sequence[PoseSample],
    output: Path | str,
    *,
    recipe: PoseRecipe,
    start: Path | str = START_WEIGHTS,
    teacher: Path | str | None = None,
    resume: Path | str | None = None,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    workers: int = 1,
    scorer: Scorer | None = None,
    score_every: int = 500,
) -> Path:
    """Train the network and write its averaged weights.

    Args:
        samples: training people; held-out ones are the caller's to leave out.
        output: folder for checkpoints (every four minutes), ``metrics.csv`` and the result.
        recipe: the run.
        start: weights to start from.
        teacher: file of the larger network (``tools/convert_movenet.py --teacher``); without it the
            untouched start teaches.
        resume: a checkpoint of an interrupted run of the same recipe.
        device: Lightning's accelerator.
        workers: processes that make crops; 0 makes them in this one.
        scorer: gives held-out scores of a network, logged every ``score_every`` steps.

    Returns:
        Path of ``compact_pose.safetensors`` (float16).

    Raises:
        ValueError: the weights do not fit, or the loss stops being finite.
        OSError: a file is missing or cannot be written.
    """
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    logger.info("training the pose network: %s", asdict(recipe))
    torch.manual_seed(recipe.seed)
    guide = load_compact_pose(START_WEIGHTS) if teacher is None else load_teacher(teacher)
    module = PoseModule(load_compact_pose(start), guide, recipe, scorer, score_every)
    shares = {name: source.share for name, source in recipe.sources.items()}
    crops = PoseCrops(
        weigh_sources(samples, recipe), shares, recipe.augmentation, recipe.seed,
        recipe.input_height, recipe.input_width,
    )  # fmt: skip
    trainer = lightning.Trainer(
        accelerator=device,
        devices=1,
        max_steps=recipe.steps,
        precision="32-true",
        callbacks=[
            ModelCheckpoint(
                folder, filename="pose-{step}", save_last=True,
                train_time_interval=timedelta(minutes=4),
            )
        ],
        logger=CSVLogger(folder, name="", version=""),
        log_every_n_steps=min(20, recipe.steps),
        gradient_clip_val=5.0,
        enable_model_summary=False,
        enable_progress_bar=False,
    )  # fmt: skip
    data = CropData(crops, recipe.batch_size, recipe.steps, workers)
    trainer.fit(module, datamodule=data, ckpt_path=None if resume is None else str(resume))
    trainer.save_checkpoint(folder / "last.ckpt")
    result = folder / "compact_pose.safetensors"
    save_weights(module.average, result)
    return result


def weigh_sources(samples: Sequence[PoseSample], recipe: PoseRecipe) -> list[PoseSample]:
    """The samples with their trust multiplied by what the recipe gives their source."""
    weighed = []
    for sample in samples:
        source = recipe.sources.get(sample.source)
        if source is not None:
            weighed.append(
                replace(
                    sample,
                    trust=sample.trust * source.label_weight,
                    teacher_trust=sample.teacher_trust * source.teacher_weight,
                )
            )
    return weighed


def save_weights(network: nn.Module, path: Path | str) -> None:
    """Write the weights as float16."""
    state = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(state, str(path))
