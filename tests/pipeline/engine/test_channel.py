"""The channel: order, both bounds, closing, cancelling, and choosing what is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from pipeline.engine.channel import Cancellation, CancelledError, Channel, ClosedError


def start(target: Callable[[], Any]) -> tuple[Thread, list[Exception]]:
    """Run ``target`` on a thread; the returned list holds what it raised."""
    raised = []

    def run() -> None:
        try:
            target()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def test_items_come_out_in_the_order_they_went_in_with_tickets_from_0() -> None:
    channel = Channel("c", Cancellation(), max_items=3)
    for item in "abc":
        channel.put(item)
    assert [channel.take() for _ in range(3)] == ["a", "b", "c"]


def test_closing_lets_the_rest_be_taken_and_then_ends() -> None:
    channel = Channel("c", Cancellation(), max_items=3)
    channel.put("a")
    channel.close()
    channel.close()
    assert list(channel) == ["a"]
    with pytest.raises(ClosedError):
        channel.take()
    with pytest.raises(RuntimeError, match="closed channel 'c'"):
        channel.put("b")


def test_put_waits_while_the_channel_holds_its_most_items() -> None:
    channel = Channel("c", Cancellation(), max_items=2)
    channel.put(0)
    channel.put(1)
    thread, _ = start(lambda: channel.put(2))
    time.sleep(0.1)
    assert len(channel) == 2
    assert channel.take() == 0
    thread.join(2)
    assert not thread.is_alive()
    assert 0.05 < channel.stats.put_wait_s < 2


def test_put_waits_while_the_channel_holds_its_most_bytes_but_one_giant_passes() -> None:
    channel = Channel("c", Cancellation(), max_items=99, max_bytes=10, size_of=len)
    channel.put("x" * 50)  # larger than the bound: passes alone
    thread, _ = start(lambda: channel.put("y"))
    time.sleep(0.05)
    assert len(channel) == 1
    channel.take()
    thread.join(2)
    channel.put("z" * 9)
    assert len(channel) == 2


def test_cancel_wakes_a_put_on_a_full_channel_and_a_take_on_an_empty_one() -> None:
    cancellation = Cancellation()
    full, empty = Channel("f", cancellation, max_items=1), Channel("e", cancellation, max_items=1)
    full.put(0)
    threads = [start(lambda: full.put(1)), start(empty.take)]
    time.sleep(0.05)
    cancellation.set()
    for thread, raised in threads:
        thread.join(1)
        assert not thread.is_alive()
        assert isinstance(raised[0], CancelledError)


def test_close_wakes_every_waiting_taker() -> None:
    channel = Channel("c", Cancellation(), max_items=1)
    threads = [start(channel.take) for _ in range(3)]
    time.sleep(0.02)
    channel.close()
    for thread, raised in threads:
        thread.join(1)
        assert isinstance(raised[0], ClosedError)


def test_taking_counts_how_long_it_waited() -> None:
    channel = Channel("c", Cancellation(), max_items=1)
    thread, _ = start(channel.take)
    time.sleep(0.1)
    channel.put(0)
    thread.join(1)
    assert 0.05 < channel.stats.get_wait_s < 1


@pytest.mark.parametrize("bounds", [{"max_items": 0}, {"max_items": 1, "max_bytes": 0}])
def test_a_bound_below_one_is_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Channel("c", Cancellation(), **bounds)
