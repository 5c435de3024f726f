"""The runs that made the bundled pose weights, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rmpe.datasets.lspet import read_lspet
from rmpe.datasets.pose_samples import PoseSample
from rmpe.training.bundled.compact_pose import START_WEIGHTS, train_compact_pose
from rmpe.training.bundled.pose_recipe import PoseRecipe, SourceShare
from rmpe.training.bundled.pose_scores import PoseScorer
from rmpe.training.bundled.teacher_poses import read_detect_poses, read_flickr_poses


def first_round() -> PoseRecipe:
    """Human joints on LSPET, the teacher elsewhere."""
    return PoseRecipe(steps=7000, batch_size=16, rate=3e-3)


def second_round() -> PoseRecipe:
    """The teacher on LSPET too, and more everyday pictures, from the first round's weights."""
    sources = {
        "lspet": SourceShare(0.4, 1.0, 0.5),
        "street": SourceShare(0.2, 0.0, 1.0),
        "coco128": SourceShare(0.25, 0.0, 1.0),
        "flickr": SourceShare(0.15, 0.0, 1.0),
    }
    return PoseRecipe(
        steps=2800, batch_size=16, rate=1.5e-3, warm_up_steps=100, sources=sources, seed=2
    )


POSE_RECIPES: dict[str, Callable[[], PoseRecipe]] = {
    "compact-pose-round1": first_round,
    "compact-pose": second_round,
}
"""Name at the command line to recipe; the second starts from the first's result."""


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
    teacher: Path | str | None = None,
    resume: Path | str | None = None,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    score_every: int = 1000,
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
        teacher=teacher,
        resume=resume,
        device=device,
        scorer=PoseScorer(data),
        score_every=score_every,
    )
