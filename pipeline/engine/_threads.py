"""The loops that run on the threads of a pipeline: one that reads, one for every stage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from pipeline.engine.channel import Cancellation, CancelledError, Channel, ClosedError
from pipeline.engine.stage import Stage
from pipeline.engine.stats import StageStats

IndexOf = Callable[[Any], "int | None"]
"""Gives the index of the frame that an item is about; None if it is about no frame."""
Fail = Callable[[str, "int | None", BaseException], None]
"""Is told which stage failed, at which frame, and why."""


class StageThread:
    """The thread of one stage between two channels; it closes the output when it leaves."""

    def __init__(
        self,
        stage: Stage,
        source: Channel[Any],
        sink: Channel[Any],
        cancellation: Cancellation,
        fail: Fail,
        index_of: IndexOf,
    ) -> None:
        self.stats = StageStats(stage.name)
        self._stage = stage
        self._source = source
        self._sink = sink
        self._cancellation = cancellation
        self._fail = fail
        self._index_of = index_of
        self.thread = threading.Thread(target=self._run, name=stage.name, daemon=True)

    def _run(self) -> None:
        """Work until the input is closed, the run is cancelled or the stage fails."""
        frame_index: int | None = None
        complete = False
        try:
            while True:
                try:
                    item = self._source.take()
                except ClosedError:
                    break
                frame_index = self._index_of(item)
                with self.stats.working():
                    results = list(self._stage.process(item))
                del item
                self._hand_on(results)
                del results
            frame_index = None
            self._cancellation.check()
            with self.stats.working(items=0):
                results = list(self._stage.finish())
            self._hand_on(results)
            complete = True
        except CancelledError:
            pass
        except BaseException as error:  # whatever ends a thread must reach the caller
            self._fail(self._stage.name, frame_index, error)
        finally:
            self._close(complete and not self._cancellation.is_set)

    def _hand_on(self, results: list[Any]) -> None:
        for result in results:
            self._sink.put(result)

    def _close(self, complete: bool) -> None:
        try:
            with self.stats.working(items=0):
                self._stage.close(complete)
        except BaseException as error:
            self._fail(self._stage.name, None, error)
        finally:
            self._sink.close()


class SourceThread:
    """The thread that reads: puts every item of an iterable into the first channel."""

    def __init__(
        self,
        name: str,
        items: Iterable[Any],
        close: Callable[[], None],
        sink: Channel[Any],
        fail: Fail,
        index_of: IndexOf,
        count_in: Callable[[Any], None],
    ) -> None:
        self.stats = StageStats(name)
        self._count_in = count_in
        self._items = items
        self._close_items = close
        self._sink = sink
        self._fail = fail
        self._index_of = index_of
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        frame_index: int | None = None
        try:
            iterator = iter(self._items)
            while True:
                with self.stats.working(items=0):
                    item = next(iterator, None)
                if item is None:
                    break
                self.stats.items += 1
                frame_index = self._index_of(item)
                self._count_in(item)
                self._sink.put(item)
                del item
        except CancelledError:
            pass
        except BaseException as error:
            following = 0 if frame_index is None else frame_index + 1
            self._fail(self.stats.name, following, error)
        finally:
            self._close()

    def _close(self) -> None:
        try:
            self._close_items()
        except BaseException as error:
            self._fail(self.stats.name, None, error)
        finally:
            self._sink.close()
