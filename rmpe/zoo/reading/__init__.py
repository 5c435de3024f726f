"""From a checkpoint file to names, shapes and the network that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.zoo.reading.checkpoint import read_checkpoint
    from rmpe.zoo.reading.keys import rename_keys, unwrap
    from rmpe.zoo.reading.recognise import Architecture

__all__ = ["Architecture", "read_checkpoint", "rename_keys", "unwrap"]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "Architecture": "rmpe.zoo.reading.recognise",
        "read_checkpoint": "rmpe.zoo.reading.checkpoint",
        "rename_keys": "rmpe.zoo.reading.keys",
        "unwrap": "rmpe.zoo.reading.keys",
    },
)
