"""Training runs as values: what the papers and their public code say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.training.recipes.published import NETWORK_RECIPES
    from rmpe.training.recipes.settings import NetworkRecipe, describe

__all__ = [
    "NETWORK_RECIPES",
    "NetworkRecipe",
    "describe",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "NETWORK_RECIPES": "rmpe.training.recipes.published",
        "NetworkRecipe": "rmpe.training.recipes.settings",
        "describe": "rmpe.training.recipes.settings",
    },
)
