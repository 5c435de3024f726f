"""What a writer is, and the stage that runs one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pipeline.engine.stage import Stage
from pipeline.items import PosedFrame
from rmpe.records import Frame, Poses


class Writer(Protocol):
    """Takes the results of a clip, frame by frame in order."""

    def write(self, frame: Frame, poses: Poses) -> None:
        """Write one frame; neither the picture nor the poses may be changed."""

    def close(self, complete: bool) -> None:
        """End the file so that it can be read; ``complete`` is False when the run broke off."""


class WriteStage(Stage):
    """Hands every result to a writer and passes it on.

    Args:
        name: what is written, for tables and errors.
        writer: where to.
    """

    def __init__(self, name: str, writer: Writer) -> None:
        self.name = name
        self._writer = writer

    def process(self, item: PosedFrame) -> Iterable[PosedFrame]:
        """Write one frame."""
        self._writer.write(item.frame, item.poses)
        return [item]

    def close(self, complete: bool) -> None:
        """Close the writer."""
        self._writer.close(complete)
