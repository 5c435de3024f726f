"""A run from its start to its weights: module, epochs, validation, going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.training.loop._validation import ValidationPeople
    from rmpe.training.loop.module import NetworkModule
    from rmpe.training.loop.relative_adam import RelativeAdam
    from rmpe.training.loop.run import RunOptions, train_network

__all__ = [
    "NetworkModule",
    "RelativeAdam",
    "RunOptions",
    "ValidationPeople",
    "train_network",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "NetworkModule": "rmpe.training.loop.module",
        "RelativeAdam": "rmpe.training.loop.relative_adam",
        "RunOptions": "rmpe.training.loop.run",
        "ValidationPeople": "rmpe.training.loop._validation",
        "train_network": "rmpe.training.loop.run",
    },
)
