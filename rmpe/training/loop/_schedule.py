"""Learning rates over a run, of torch's own schedulers."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    SequentialLR,
    StepLR,
)

from rmpe.training.recipes.settings import NetworkRecipe


def with_warm_up(optimiser: Optimizer, schedule: LRScheduler, steps: int) -> LRScheduler:
    """Return the schedule with some steps before it in which the rate rises from nearly nothing."""
    if steps < 1:
        return schedule
    warm_up = LinearLR(optimiser, start_factor=1 / (steps + 1), total_iters=steps)
    return SequentialLR(optimiser, [warm_up, schedule], [steps])


def recipe_schedule(
    recipe: NetworkRecipe, optimiser: Optimizer, steps_per_epoch: int
) -> LRScheduler:
    """Return a recipe's schedule, to be moved on after every optimiser step."""
    left = max(recipe.epochs * steps_per_epoch - recipe.warm_up_steps, 1)
    schedule: LRScheduler
    if recipe.schedule == "linear":
        schedule = LinearLR(optimiser, start_factor=1.0, end_factor=0.0, total_iters=left)
    elif recipe.schedule == "cosine":
        schedule = CosineAnnealingLR(optimiser, left)
    elif recipe.schedule == "halving":
        schedule = StepLR(optimiser, math.ceil(recipe.halving_people / recipe.batch_size), 0.5)
    else:
        drops = [epoch * steps_per_epoch - recipe.warm_up_steps for epoch in recipe.rate_drops]
        schedule = MultiStepLR(optimiser, drops, recipe.rate_factor)
    return with_warm_up(optimiser, schedule, recipe.warm_up_steps)
