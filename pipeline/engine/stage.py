"""What a stage is, and the loop that each of its threads runs."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from pipeline.engine.channel import Cancellation, CancelledError, Channel, ClosedError
from pipeline.engine.ordering import Turnstile
from pipeline.engine.stats import StageStats
from pipeline.items import frame_index_of


class Stage(ABC):
    """One step of the flow: takes items one by one, gives any number for each, in order."""

    name: str
    """How the stage is called in tables and errors."""
    workers: int = 1
    """Threads that may run :meth:`process` at the same time; more than 1 needs it stateless."""

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
        super().__init__(f"{where}: {cause or type(cause).__name__}")
        self.stage = stage
        self.frame_index = frame_index
        self.__cause__ = cause


Fail = Callable[[str, "int | None", BaseException], None]


class StageThreads:
    """The threads of one stage between two channels; the last one to leave closes the output."""

    def __init__(
        self,
        stage: Stage,
        source: Channel[Any],
        sink: Channel[Any],
        cancellation: Cancellation,
        fail: Fail,
    ) -> None:
        self.stats = StageStats(stage.name, max(stage.workers, 1))
        self._stage = stage
        self._source = source
        self._sink = sink
        self._cancellation = cancellation
        self._fail = fail
        self._turnstile = Turnstile(cancellation)
        self._lock = threading.Lock()
        self._running = self.stats.workers
        self.threads = [
            threading.Thread(target=self._run, name=f"{stage.name}-{number}", daemon=True)
            for number in range(self.stats.workers)
        ]

    def _run(self) -> None:
        """Work until the input is closed, the run is cancelled or the stage fails."""
        frame_index: int | None = None
        try:
            while True:
                try:
                    ticket, item = self._source.take()
                except ClosedError:
                    break
                frame_index = frame_index_of(item)
                with self.stats.working():
                    results = list(self._stage.process(item))
                del item
                with self._turnstile.turn(ticket):
                    for result in results:
                        self._sink.put(result)
                del results
            self._leave(complete=True)
        except CancelledError:
            self._leave(complete=False)
        except BaseException as error:  # whatever ends a thread must reach the caller
            self._fail(self._stage.name, frame_index, error)
            self._leave(complete=False)

    def _leave(self, complete: bool) -> None:
        """Count this worker out; the last one ends the stage and closes the output, always."""
        with self._lock:
            self._running -= 1
            if self._running:
                return
        try:
            if complete and not self._cancellation.is_set:
                self._finish()
        except CancelledError:
            complete = False
        except BaseException as error:
            complete = False
            self._fail(self._stage.name, None, error)
        finally:
            self._close(complete and not self._cancellation.is_set)

    def _finish(self) -> None:
        with self.stats.working(items=0):
            results = list(self._stage.finish())
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
    ) -> None:
        self.stats = StageStats(name)
        self._items = items
        self._close_items = close
        self._sink = sink
        self._fail = fail
        self.threads = [threading.Thread(target=self._run, name=f"{name}-0", daemon=True)]

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
                frame_index = frame_index_of(item)
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
