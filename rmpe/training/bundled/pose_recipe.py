"""Everything that decides the compact pose network's weights, beside the pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

from rmpe.training.bundled.pose_augment import PoseAugmentation


@dataclass(frozen=True)
class SourceShare:
    """How often a pack is drawn and what it teaches."""

    share: float
    """Relative frequency of its crops."""
    label_weight: float
    """Factor on the trust of its joints."""
    teacher_weight: float
    """Factor on the trust in the teacher on its people."""


def _default_sources() -> dict[str, SourceShare]:
    return {
        "lspet": SourceShare(0.5, 1.0, 0.0),
        "street": SourceShare(0.2, 0.0, 1.0),
        "coco128": SourceShare(0.15, 0.0, 1.0),
        "flickr": SourceShare(0.15, 0.0, 1.0),
    }


@dataclass(frozen=True)
class PoseRecipe:
    """One run: data mix, augmentation, loss, optimiser, seed."""

    steps: int = 8000
    """Optimiser steps."""
    batch_size: int = 32
    """Crops in a step."""
    input_height: int = 256
    """Rows of the crop."""
    input_width: int = 192
    """Columns of the crop."""
    sources: dict[str, SourceShare] = field(default_factory=_default_sources)
    """By pack."""
    augmentation: PoseAugmentation = field(default_factory=PoseAugmentation)
    """How far the crops vary."""
    target_sigma: float = 1.0
    """Standard deviation of the target distributions, in heatmap cells."""
    teacher_weight: float = 1.0
    """Factor of the distillation loss beside the cross-entropy."""
    rate: float = 2e-3
    """Peak relative step (``RelativeAdam``) of the trunk from stride 16 on and of the pyramid."""
    output_rate_factor: float = 2.0
    """The output layer's rate in units of ``rate``."""
    fine_rate_factor: float = 0.0
    """The stride-8 level's rate in units of ``rate``; 0 keeps it frozen."""
    finest_rate_factor: float = 0.0
    """The same for what lies before stride 8."""
    train_depthwise: bool = False
    """Whether the depthwise filters learn too; their gradient costs a third of a step."""
    warm_up_steps: int = 200
    """Steps over which the rates rise from nothing."""
    last_rate_share: float = 0.02
    """Share of the peak rates that the cosine ends at."""
    average_decay: float = 0.998
    """Decay per step of the exponential average of the weights that becomes the result."""
    seed: int = 1
    """Seed of every draw."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1:
            raise ValueError(
                f"got {self.steps} steps of {self.batch_size} crops, supported are 1 and more"
            )
        if self.input_height % 32 or self.input_width % 32:
            raise ValueError(
                f"got crops of {self.input_height}x{self.input_width} pixels, "
                "supported are multiples of 32"
            )
