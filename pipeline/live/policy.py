"""Which captured frames a live run takes: the newest one, or every one in a bounded backlog.

The gate stands between the thread that captures and the pipeline. It lets a frame in only while
few are under way, so that no queue behind it can grow old, and it accounts for every frame:
captured = processed + dropped (with a reason) + held + under way.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pipeline.engine.channel import ClosedError
from rmpe.records import ImageArray

Policy = Literal["newest", "every"]
POLICIES: tuple[Policy, ...] = ("newest", "every")

REPLACED = "newer_frame"
STOPPED = "stopped"
UNFINISHED = "unfinished"

_MAX_BACKLOG_BYTES = 512 * 2**20
"""Of frames that wait under the policy ``every``, whatever their number may be."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was captured, not yet converted."""

    captured_s: float
    """When its data came, :func:`time.monotonic` seconds."""
    to_image: Callable[[], ImageArray]
    """Gives it as BGR (H, W, 3); called for the pictures that are taken only."""
    nbytes: int
    """Memory that it holds."""
    stream_s: float | None = None
    """Its time in the stream, seconds, where that counts and not when its data came."""


@dataclass(frozen=True, eq=False)
class CapturedFrame:
    """A picture and its place among all that were captured."""

    index: int
    """0 for the first picture captured, dropped ones counted."""
    picture: Picture
    """The picture."""


@dataclass(frozen=True)
class FrameCounts:
    """Where the captured frames are."""

    captured: int = 0
    """Frames that the source gave."""
    processed: int = 0
    """Frames whose result is there."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Frames thrown away, by reason."""
    held: int = 0
    """Frames that wait to be taken."""
    under_way: int = 0
    """Frames between being taken and their result."""

    @property
    def dropped_total(self) -> int:
        """Frames thrown away for whatever reason."""
        return sum(self.dropped.values())


class BacklogError(RuntimeError):
    """More frames wait than ``every`` may hold."""


class FrameGate:
    """Takes captured frames from one thread and gives them to another; see the module.

    Args:
        policy: ``newest`` keeps one frame, the latest; ``every`` keeps all up to the backlog.
        under_way: most frames between being taken and done; None for as many as the pipeline
            holds. May be changed at any time.
        max_backlog: most frames that wait with ``every``.
        may_wait: whether a full backlog makes the source wait (a pipe, a file) in place of
            ending the run.

    Raises:
        ValueError: a number is below 1 or the policy is unknown.
    """

    def __init__(
        self,
        policy: Policy = "newest",
        under_way: int | None = 2,
        max_backlog: int = 250,
        may_wait: bool = False,
    ) -> None:
        if policy not in POLICIES:
            raise ValueError(f"policy is {policy!r}, supported are {', '.join(POLICIES)}")
        if max_backlog < 1 or (under_way is not None and under_way < 1):
            raise ValueError(f"allowed is 1 or more, got {under_way=}, {max_backlog=}")
        self._policy = policy
        self._limit = under_way
        self._max_backlog = 1 if policy == "newest" else max_backlog
        self._may_wait = may_wait
        self._held: deque[CapturedFrame] = deque()
        self._held_bytes = 0
        self._under_way: dict[int, float] = {}
        self._captured = self._processed = 0
        self._dropped: Counter[str] = Counter()
        self._ended = self._stopped = False
        self._began_s = time.monotonic()
        self._changed = threading.Condition()

    @property
    def under_way_limit(self) -> int | None:
        """Most frames between being taken and done."""
        return self._limit

    @under_way_limit.setter
    def under_way_limit(self, limit: int | None) -> None:
        with self._changed:
            self._limit = limit
            self._changed.notify_all()

    def offer(self, picture: Picture) -> bool:
        """Take one captured picture; False when no more are wanted.

        Raises:
            BacklogError: ``every`` holds as many as it may; what it holds is still given out.
        """
        with self._changed:
            if self._policy == "every" and not self._make_room(picture):
                return False
            if self._ended:
                return False
            if self._policy == "newest" and self._held:
                self._held_bytes -= self._held.popleft().picture.nbytes
                self._dropped[REPLACED] += 1
            self._held.append(CapturedFrame(self._captured, picture))
            self._held_bytes += picture.nbytes
            self._captured += 1
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float) -> CapturedFrame | None:
        """Return the next frame as soon as one more may be under way; None after the timeout.

        Raises:
            ClosedError: nothing is left and nothing will come.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not (self._held and self._has_credit()):
                if self._ended and not self._held:
                    raise ClosedError
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return None
                self._changed.wait(left_s)
            taken = self._held.popleft()
            self._held_bytes -= taken.picture.nbytes
            self._under_way[taken.index] = taken.picture.captured_s
            self._changed.notify_all()
            return taken

    def done(self, index: int) -> float:
        """Note that the result of a frame is there; return the seconds since its capture."""
        with self._changed:
            captured_s = self._under_way.pop(index)
            self._processed += 1
            self._changed.notify_all()
        return time.monotonic() - captured_s

    def end(self) -> None:
        """Say that nothing more will be captured; what is held can still be taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        """End, and throw away what is held: the viewer has gone."""
        with self._changed:
            self._ended = self._stopped = True
            if self._held:
                self._dropped[STOPPED] += len(self._held)
            self._held.clear()
            self._held_bytes = 0
            self._changed.notify_all()

    def abandon(self) -> None:
        """Count what is under way as unfinished: no result will come any more."""
        with self._changed:
            if self._under_way:
                self._dropped[UNFINISHED] += len(self._under_way)
            self._under_way.clear()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be captured."""
        return self._ended

    def counts(self) -> FrameCounts:
        """Return where all captured frames are, at one moment."""
        with self._changed:
            return FrameCounts(
                self._captured,
                self._processed,
                dict(self._dropped),
                len(self._held),
                len(self._under_way),
            )

    def _has_credit(self) -> bool:
        return self._limit is None or len(self._under_way) < self._limit

    def _make_room(self, picture: Picture) -> bool:
        """Wait for room in the backlog if the source may wait; False when stopped meanwhile."""
        while self._held and not self._ended:
            fits = self._held_bytes + picture.nbytes <= _MAX_BACKLOG_BYTES
            if fits and len(self._held) < self._max_backlog:
                break
            if not self._may_wait:
                raise BacklogError(self._too_many())
            self._changed.wait()
        return not self._ended

    def _too_many(self) -> str:
        seconds = max(time.monotonic() - self._began_s, 1e-3)
        return (
            f"{len(self._held)} captured frames wait ({self._held_bytes / 2**20:.0f} MiB), "
            f"more are not kept: frames come at {self._captured / seconds:.1f} a second and are "
            f"done at {self._processed / seconds:.1f}. Use --policy newest, a smaller network "
            "or a slower source, or a larger --max-backlog"
        )


class InFlightControl:
    """Says how many frames may be under way: as many as the wanted latency allows, 1 to 4.

    More frames under way keep all stages busy; each waits longer. Ten results are looked at
    together: if one of ten was later than wanted, one frame less; if frames are dropped although
    results come in half the time, one more.

    Args:
        max_latency_s: wanted latency from capture to result.

    Raises:
        ValueError: the latency is not positive.
    """

    FEWEST, MOST, START, LOOK_AT = 1, 4, 2, 10

    def __init__(self, max_latency_s: float) -> None:
        if not max_latency_s > 0:
            raise ValueError(f"max latency is {max_latency_s} s, allowed is more than 0")
        self._max_latency_s = max_latency_s
        self._latencies: list[float] = []
        self._dropped_before = 0
        self.limit = self.START

    def update(self, latency_s: float, dropped: int) -> int:
        """Take the latency of one more result and all drops so far; return the limit."""
        self._latencies.append(latency_s)
        if len(self._latencies) < self.LOOK_AT:
            return self.limit
        late = sorted(self._latencies)[-2]
        if late > self._max_latency_s:
            self.limit = max(self.limit - 1, self.FEWEST)
        elif late < self._max_latency_s / 2 and dropped > self._dropped_before:
            self.limit = min(self.limit + 1, self.MOST)
        self._latencies.clear()
        self._dropped_before = dropped
        return self.limit
