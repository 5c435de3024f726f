"""Runs a reader and a chain of stages on threads, and ends them: well, failed or left early."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.engine._threads import IndexOf, SourceThread, StageThread
from pipeline.engine.channel import (
    Cancellation,
    CancelledError,
    Channel,
    UnderWay,
)
from pipeline.engine.memory import give_back_memory, share_heaps
from pipeline.engine.stage import Stage, StageError
from pipeline.engine.stats import RunStats
from rmpe.runtimes.threads import available_cores

PATIENCE_AFTER_INTERRUPT_S = 1.5
"""Stages finish their item after Ctrl-C, so that a program ends within two seconds."""
# Results between two; it takes no time that could be measured.
_GIVE_BACK_EVERY = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChannelLimits:
    """How much may wait between two stages."""

    max_items: int = 8
    """Most items in one channel."""
    max_bytes: int = 48 * 2**20
    """Most bytes of pictures in one channel; one larger item still passes on its own."""
    under_way_items: int = 0
    """Most items between the source and the end, for chains that give one result for each; 0: no
    limit but the channels'."""
    under_way_bytes: int = 64 * 2**20
    """Most bytes of those, where ``under_way_items`` is set."""
    under_way_least: int = 4
    """So many are under way whatever their bytes; more than the stages hold back together."""


@dataclass(frozen=True)
class Source:
    """Where items come from."""

    items: Iterable[Any]
    """Read to its end on a thread of its own."""
    name: str = "read"
    """For tables and errors."""
    close: Callable[[], None] = lambda: None
    """Called once when reading is over, however it ended."""
    interrupt: Callable[[], None] = lambda: None
    """Called when the run is over or cancelled, from any thread and perhaps more than once: wakes
    a reader that waits for a camera."""


class Pipeline:
    """One run: iterate it once to get what comes out of the last stage, in order.

    Threads start with the first item asked for. They are gone when the iteration is over, whether
    it reached the end, a stage failed, the caller left the loop or :meth:`stop` was called.

    Args:
        source: what is read.
        stages: the steps, in order.
        limits: bounds of every channel.
        size_of: bytes of an item, for the bounds; without it items count nothing.
        index_of: index of the frame that an item is about, for errors; without it none is named.

    Raises:
        StageError: from the iteration, for the first failure of any thread.
    """

    def __init__(
        self,
        source: Source,
        stages: Sequence[Stage],
        limits: ChannelLimits | None = None,
        *,
        size_of: Callable[[Any], int] | None = None,
        index_of: IndexOf = lambda item: None,
    ) -> None:
        limits = limits or ChannelLimits()
        self._cancellation = Cancellation()
        self._failure: StageError | None = None
        self._failure_lock = threading.Lock()
        self._stopped = False
        self._patience_s: float | None = None
        self._results = 0
        self._started_at: float | None = None
        self._wall_s = 0.0
        self._channels: list[Channel[Any]] = [
            Channel(
                name,
                self._cancellation,
                max_items=limits.max_items,
                max_bytes=limits.max_bytes,
                size_of=size_of,
            )
            for name in [source.name, *(stage.name for stage in stages)]
        ]
        self._interrupt = source.interrupt
        self._under_way = _under_way(limits, self._cancellation)
        self._source = SourceThread(
            source.name,
            source.items,
            source.close,
            self._channels[0],
            self._fail,
            index_of,
            self._count_in(size_of),
        )
        self._stages = [
            StageThread(stage, inlet, outlet, self._cancellation, self._fail, index_of)
            for stage, inlet, outlet in zip(stages, self._channels, self._channels[1:])
        ]

    def __iter__(self) -> Iterator[Any]:
        """Yield results in order; see the class."""
        if self._started_at is not None:
            raise RuntimeError("a pipeline runs once; build another one for another run")
        patience_s: float | None = None
        self._start()
        try:
            for item in self._channels[-1]:
                self._results += 1
                if self._under_way is not None:
                    self._under_way.leave()
                if self._results % _GIVE_BACK_EVERY == 0:
                    give_back_memory()
                yield item
                del item
        except CancelledError:
            log.debug("the run was cancelled")
        except KeyboardInterrupt:
            patience_s = PATIENCE_AFTER_INTERRUPT_S
            raise
        finally:
            if not self._stopped:
                self.stop(patience_s)
        if self._failure is not None:
            raise self._failure

    def stop(self, patience_s: float | None = None) -> bool:
        """Cancel the run and wait for its threads; allowed at any time, any number of times.

        Args:
            patience_s: longest wait; None waits for as long as a stage's current item takes. Once
                somebody was less patient, nobody waits longer than that.

        Returns:
            Whether all threads have ended.
        """
        if patience_s is None:
            patience_s = self._patience_s
        self._patience_s = patience_s
        self._cancellation.set()
        self._interrupt()
        deadline = None if patience_s is None else time.monotonic() + patience_s
        for thread in self._threads():
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(None if deadline is None else max(deadline - time.monotonic(), 0))
        for channel in self._channels:
            channel.clear()
        if self._started_at is not None and not self._wall_s:
            self._wall_s = time.perf_counter() - self._started_at
        alive = [thread.name for thread in self._threads() if thread.is_alive()]
        if alive:
            log.warning("still busy with their last item: %s", ", ".join(alive))
        self._stopped = self._started_at is not None
        return not alive

    @property
    def stats(self) -> RunStats:
        """Figures so far, or of the whole run once it is over."""
        running = time.perf_counter() - self._started_at if self._started_at is not None else 0.0
        stages = [self._source.stats, *(stage.stats for stage in self._stages)]
        for number, stage in enumerate(stages):
            stage.wait_output_s = self._channels[number].stats.put_wait_s
            stage.wait_input_s = self._channels[number - 1].stats.get_wait_s if number else 0.0
        return RunStats(self._wall_s or running, self._results, tuple(stages))

    def _count_in(self, size_of: Callable[[Any], int] | None) -> Callable[[Any], None]:
        """Return what the source calls with every item before it hands it on."""
        under_way = self._under_way
        if under_way is None:
            return lambda item: None
        return lambda item: under_way.enter(size_of(item) if size_of else 0)

    def _start(self) -> None:
        self._started_at = time.perf_counter()
        share_heaps(available_cores())
        for thread in self._threads():
            thread.start()

    def _threads(self) -> list[threading.Thread]:
        return [self._source.thread, *(stage.thread for stage in self._stages)]

    def _fail(self, stage: str, frame_index: int | None, error: BaseException) -> None:
        """Keep the first failure and cancel the run; later ones are only logged."""
        with self._failure_lock:
            if self._failure is None and not self._cancellation.is_set:
                self._failure = StageError(stage, frame_index, error)
            else:
                log.info("%s also failed: %s", stage, error)
        self._cancellation.set()


def _under_way(limits: ChannelLimits, cancellation: Cancellation) -> UnderWay | None:
    if not limits.under_way_items:
        return None
    return UnderWay(
        cancellation, limits.under_way_items, limits.under_way_bytes, limits.under_way_least
    )
