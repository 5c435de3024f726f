"""The same chain of stages on the caller's own thread: what a run is without its threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pipeline.engine.stage import Stage


def run_inline(items: Iterable[Any], stages: Sequence[Stage]) -> Iterator[Any]:
    """Yield what comes out of the last stage, one item of the source after another.

    Stages are closed at the end, however it comes; errors reach the caller as they are.
    """
    complete = False
    try:
        for item in items:
            yield from _pass_on(item, stages)
        for position, stage in enumerate(stages):
            for held_back in stage.finish():
                yield from _pass_on(held_back, stages[position + 1 :])
        complete = True
    finally:
        for stage in stages:
            stage.close(complete)


def _pass_on(item: Any, stages: Sequence[Stage]) -> Iterator[Any]:
    if not stages:
        yield item
        return
    for result in stages[0].process(item):
        yield from _pass_on(result, stages[1:])
