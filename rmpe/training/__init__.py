"""Training: recipes, the people they learn from, losses, the loop, the bundled weights' runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.training.data.people import OwnFiles, TrainingPeople, read_data_set, read_own_files
    from rmpe.training.loop.run import RunOptions, train_network
    from rmpe.training.recipes.published import NETWORK_RECIPES
    from rmpe.training.recipes.settings import NetworkRecipe
    from rmpe.training.runs import RunRequest, run_recipe

__all__ = [
    "NETWORK_RECIPES",
    "NetworkRecipe",
    "OwnFiles",
    "RunOptions",
    "RunRequest",
    "TrainingPeople",
    "read_data_set",
    "read_own_files",
    "run_recipe",
    "train_network",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "NETWORK_RECIPES": "rmpe.training.recipes.published",
        "NetworkRecipe": "rmpe.training.recipes.settings",
        "OwnFiles": "rmpe.training.data.people",
        "RunOptions": "rmpe.training.loop.run",
        "RunRequest": "rmpe.training.runs",
        "TrainingPeople": "rmpe.training.data.people",
        "read_data_set": "rmpe.training.data.people",
        "read_own_files": "rmpe.training.data.people",
        "run_recipe": "rmpe.training.runs",
        "train_network": "rmpe.training.loop.run",
    },
)
