"""The runs that made the bundled pose weights, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rmpe.datasets.lspet import read_lspet
from rmpe.datasets.pose_samples import PoseSample
from rmpe.datasets.teacher_poses import read_detect_poses, read_flickr_poses
from rmpe.training.compact_pose import START_WEIGHTS, train_compact_pose
from rmpe.training.pose_recipe import PoseRecipe
from rmpe.training.pose_scores import PoseScorer


def compact_pose_recipe() -> PoseRecipe:
    """The run of ``rmpe/weights/compact_pose.md``."""
    return PoseRecipe(steps=3600, batch_size=16, rate=3e-3)


POSE_RECIPES: dict[str, Callable[[], PoseRecipe]] = {"compact-pose": compact_pose_recipe}
"""Name at the command line to recipe."""


def read_training_people(data: Path | str) -> list[PoseSample]:
    """The people of all packs that the recipes name, none of them held out.

    Raises OSError when a pack is missing.
    """
    folder = Path(data)
    return [
        *read_lspet(folder / "lspet", "train"),
        *read_flickr_poses(folder / "flickr_people"),
        *read_detect_poses(folder / "detect"),
    ]


def run_pose_recipe(
    name: str,
    data: Path | str,
    output: Path | str,
    *,
    start: Path | str | None = None,
    resume: Path | str | None = None,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    score_every: int = 450,
) -> Path:
    """Train by a recipe's name on a folder of data packs; return the weights' path.

    Raises:
        ValueError: the recipe is unknown.
        OSError: a pack is missing.
    """
    if name not in POSE_RECIPES:
        raise ValueError(f"got recipe {name!r}, supported are {', '.join(POSE_RECIPES)}")
    return train_compact_pose(
        read_training_people(data),
        output,
        recipe=POSE_RECIPES[name](),
        start=START_WEIGHTS if start is None else start,
        resume=resume,
        device=device,
        scorer=PoseScorer(data),
        score_every=score_every,
    )
