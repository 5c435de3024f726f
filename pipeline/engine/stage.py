"""What a stage is, and how its failure is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from rmpe.error_words import in_words


class Stage(ABC):
    """One step of the flow: takes items one by one, gives any number for each, in order.

    Every stage runs on one thread of its own, so it may keep what it likes between items.
    """

    name: str
    """How the stage is called in tables and errors."""

    @abstractmethod
    def process(self, item: Any) -> Iterable[Any]:
        """Return what follows from one item; results of items stay in the items' order."""

    def finish(self) -> Iterable[Any]:
        """Return what was held back, after the last item of a stream that ended well."""
        return ()

    def close(self, complete: bool) -> None:  # noqa: B027
        """Let go of files and handles; ``complete`` is False after a failure or a cancel."""


class StageError(RuntimeError):
    """A run failed; ``__cause__`` is the first failure with its own traceback."""

    def __init__(self, stage: str, frame_index: int | None, cause: BaseException) -> None:
        where = f"stage '{stage}'" + ("" if frame_index is None else f", frame {frame_index}")
        super().__init__(f"{where}: {in_words(cause) or type(cause).__name__}")
        self.stage = stage
        self.frame_index = frame_index
        self.__cause__ = cause
