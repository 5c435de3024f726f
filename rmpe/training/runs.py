"""Every training run by its recipe's name: the front door of this room."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def run_recipe(
    name: str,
    data: Path | str,
    output: Path | str,
    *,
    start: Path | str | None = None,
    resume: Path | str | None = None,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    labels: Path | str | None = None,
) -> Path:
    """Train by a recipe's name on a folder of data packs; return the weights' path.

    Args:
        name: a key of ``POSE_RECIPES`` or ``DETECTOR_RECIPES``.
        data: folder of the packs.
        output: folder for checkpoints, ``metrics.csv`` and the weights.
        start: weights to start from; each recipe has its own.
        resume: a checkpoint of an interrupted run of the same recipe.
        device: where to train.
        labels: labels of unknown regions, for the detector's second round.

    Raises:
        ValueError: the recipe is unknown, a file does not fit, or Lightning is not installed.
        OSError: a pack is missing.
    """
    try:
        import lightning  # noqa: F401
    except ImportError as error:
        raise ValueError(
            "training needs Lightning: install it with python -m pip install 'rmpe[train]'"
        ) from error
    from rmpe.training.compact_recipes import POSE_RECIPES, run_pose_recipe
    from rmpe.training.detector_recipes import DETECTOR_RECIPES, run_detector_recipe

    if name in POSE_RECIPES:
        return run_pose_recipe(name, data, output, start=start, resume=resume, device=device)
    if name in DETECTOR_RECIPES:
        return run_detector_recipe(
            name, data, output, start=start, resume=resume, device=device, labels=labels
        )
    supported = ", ".join([*POSE_RECIPES, *DETECTOR_RECIPES])
    raise ValueError(f"got recipe {name!r}, supported are {supported}")
