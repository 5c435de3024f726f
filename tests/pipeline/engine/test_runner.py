"""The laws of a run: order, failure, cancelling, leaving early, and memory."""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline import engine
from pipeline.engine import ChannelLimits, Source, StageError, run_inline
from rmpe.records import Frame
from tests.helpers.squares import FunctionStage, MakeFrames


def same(item: Any) -> Any:
    return item


def Pipeline(source: Source, stages: Any, limits: ChannelLimits | None = None) -> Any:  # noqa: N802
    """A pipeline of frames: it knows their bytes and their index."""
    return engine.Pipeline(
        source,
        stages,
        limits,
        size_of=lambda item: item.image_bgr.nbytes if isinstance(item, Frame) else 0,
        index_of=lambda item: item.index if isinstance(item, Frame) else None,
    )


def test_results_come_in_frame_order_under_random_sleeps(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    chance = random.Random(5)
    sleeps = [chance.random() * 0.004 for _ in range(120)]

    def slow(frame: Frame) -> Any:
        time.sleep(sleeps[frame.index])
        return frame

    run = Pipeline(Source(frames(120)), [stage(slow, "a"), stage(same, "b"), stage(slow, "c")])
    assert [frame.index for frame in run] == list(range(120))


def test_a_run_without_frames_and_one_without_stages_end_well(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    work = stage(same)
    assert list(Pipeline(Source([]), [work])) == []
    assert work.closed == [True]
    assert [frame.index for frame in Pipeline(Source(frames(3)), [])] == [0, 1, 2]


def test_what_a_stage_held_back_comes_at_the_end_and_every_stage_is_closed_once(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    first, second = stage(same, "a", last=(None,)), stage(same, "b")
    items = list(Pipeline(Source(frames(2)), [first, second]))
    assert [item and item.index for item in items] == [0, 1, None]
    assert (first.closed, second.closed) == ([True], [True])


def failing_reader(frames: MakeFrames) -> Iterator[Frame]:
    yield from frames(3)
    raise OSError("the disk is gone")


def test_failure_of_the_reader_reaches_the_caller_with_frame_and_traceback(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    closed = []
    work = stage(same)
    source = Source(failing_reader(frames), close=lambda: closed.append(1))
    with pytest.raises(StageError) as caught:
        list(Pipeline(source, [work]))
    assert str(caught.value) == "stage 'read', frame 3: the disk is gone"
    assert isinstance(caught.value.__cause__, OSError)
    assert "failing_reader" in "".join(traceback.format_tb(caught.value.__cause__.__traceback__))
    assert (closed, work.closed) == ([1], [False])


@pytest.mark.parametrize("name", ["detect", "write video"])
def test_failure_of_a_stage_or_writer_names_it_and_stops_the_others(
    frames: MakeFrames, stage: type[FunctionStage], name: str
) -> None:
    def fail_at_7(frame: Frame) -> Any:
        if frame.index == 7:
            raise ValueError("a bad frame")
        return frame

    others = [stage(same, "before"), stage(same, "behind")]
    run = Pipeline(Source(frames(10**9)), [others[0], stage(fail_at_7, name), others[1]])
    with pytest.raises(StageError) as caught:
        list(run)
    assert (caught.value.stage, caught.value.frame_index) == (name, 7)
    assert str(caught.value) == f"stage '{name}', frame 7: a bad frame"
    assert isinstance(caught.value.__cause__, ValueError)
    assert [other.closed for other in others] == [[False], [False]]


def test_the_first_failure_wins(frames: MakeFrames, stage: type[FunctionStage]) -> None:
    def fail(frame: Frame) -> None:
        raise KeyError(frame.index)

    def fail_late(frame: Frame) -> None:
        time.sleep(0.05)
        raise RuntimeError("later")

    run = Pipeline(Source(frames(1)), [stage(lambda f: f, "a", last=(1,)), stage(fail, "b")])
    run2 = Pipeline(Source(frames(5)), [stage(fail_late, "late"), stage(same, "x")])
    with pytest.raises(StageError, match="stage 'b', frame 0"):
        list(run)
    with pytest.raises(StageError, match=r"stage 'late', frame [01]: later"):
        list(run2)


def test_failure_while_finishing_or_closing_a_writer_is_a_failure(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    class Broken(FunctionStage):
        def finish(self) -> list[Any]:
            raise OSError("no space left")

    class Unclosable(FunctionStage):
        def close(self, complete: bool) -> None:
            raise OSError("no space for the end line")

    with pytest.raises(StageError, match="stage 'write': no space left"):
        list(Pipeline(Source(frames(2)), [Broken(same, "write")]))
    with pytest.raises(StageError, match="no space for the end line"):
        list(Pipeline(Source(frames(2)), [Unclosable(same, "write")]))


def test_a_caller_who_leaves_early_ends_the_run(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    closed = []
    work = stage(same)
    run = iter(Pipeline(Source(frames(10**9), close=lambda: closed.append(1)), [work]))
    assert next(run).index == 0
    run.close()
    assert (closed, work.closed) == ([1], [False])


def test_stop_may_be_called_before_during_and_twice(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    run = Pipeline(Source(frames(10**9)), [stage(same)])
    assert run.stop()
    other = Pipeline(Source(frames(10**9)), [stage(same)])
    results = iter(other)
    next(results)
    assert other.stop()
    assert other.stop()
    assert len(list(results)) == 0


def test_stop_from_another_thread_ends_an_iteration_that_waits(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    leave = threading.Event()
    run = Pipeline(Source(iter(lambda: leave.wait(30) and None, None)), [stage(same)])
    thread = threading.Thread(target=lambda: (time.sleep(0.1), leave.set(), run.stop()))
    thread.start()
    assert list(run) == []
    thread.join()


def test_stop_with_patience_says_when_a_thread_is_still_busy(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    release = threading.Event()
    run = Pipeline(Source(frames(5)), [stage(lambda f: release.wait(10) and f, "slow network")])
    thread = threading.Thread(target=list, args=(run,))
    thread.start()
    time.sleep(0.05)
    assert not run.stop(patience_s=0.05)
    release.set()
    thread.join(2)
    assert run.stop()


def test_a_pipeline_runs_once(frames: MakeFrames, stage: type[FunctionStage]) -> None:
    run = Pipeline(Source(frames(1)), [stage(same)])
    list(run)
    with pytest.raises(RuntimeError, match="runs once"):
        list(run)


def test_memory_is_bounded_in_items_and_bytes_under_a_slow_writer(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    made = []

    def counted() -> Iterator[Any]:
        for frame in frames(60, size=(100, 100)):  # 30,000 bytes each
            made.append(frame.index)
            yield frame

    lead = []

    def slow(frame: Frame) -> Any:
        time.sleep(0.002)
        lead.append(len(made) - frame.index)
        return frame

    limits = ChannelLimits(max_items=50, max_bytes=90_000)
    run = Pipeline(Source(counted()), [stage(same, "a"), stage(slow, "write")], limits)
    assert len(list(run)) == 60
    # Three frames in each of two channels, and one in the hands of each of the three threads.
    assert max(lead) <= 3 + 3 + 3 + 1


@pytest.mark.parametrize(
    ("size", "most"), [(10, 6), (100, 4)], ids=["few by number", "large ones by bytes"]
)
def test_only_so_much_is_under_way_in_the_whole_run(
    frames: MakeFrames, stage: type[FunctionStage], size: int, most: int
) -> None:
    made = []

    def counted() -> Iterator[Any]:
        for frame in frames(40, size=(size, size)):  # 300 or 30,000 bytes each
            made.append(frame.index)
            yield frame

    limits = ChannelLimits(max_items=50, under_way_items=6, under_way_bytes=60_000)
    stages = [stage(same, name) for name in "abc"]
    given = 0
    for _ in Pipeline(Source(counted()), stages, limits):
        given += 1
        time.sleep(0.002)
        # One more is in the hands of the thread that reads.
        assert len(made) - given <= most + 1
    assert given == 40


def test_a_run_full_of_items_under_way_can_be_left(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    limits = ChannelLimits(under_way_items=4)
    run = Pipeline(Source(frames(40)), [stage(same, "a")], limits)
    next(iter(run))
    assert run.stop(2)


def test_the_figures_say_which_stage_held_the_run_back(
    frames: MakeFrames, stage: type[FunctionStage]
) -> None:
    def slow(frame: Frame) -> Any:
        time.sleep(0.005)
        return frame

    run = Pipeline(
        Source(frames(40)),
        [stage(same, "quick"), stage(slow, "slow"), stage(same, "behind")],
        ChannelLimits(max_items=2),
    )
    list(run)
    stats = run.stats
    by_name = {figures.name: figures for figures in stats.stages}
    assert stats.bottleneck == "slow"
    assert stats.results == 40
    assert [by_name[name].items for name in ("read", "quick", "slow", "behind")] == [40] * 4
    assert 0.2 <= by_name["slow"].busy_s <= stats.wall_s
    assert by_name["slow"].cpu_s < by_name["slow"].busy_s
    assert by_name["quick"].wait_output_s > 0.1
    assert by_name["behind"].wait_input_s > 0.1


def test_the_engine_alone_carries_anything(stage: type[FunctionStage]) -> None:
    run = engine.Pipeline(Source(range(1, 5)), [stage(lambda n: n * n), stage(str, last=("end",))])
    assert list(run) == ["1", "4", "9", "16", "end"]

    def fail(number: Any) -> None:
        raise ValueError(f"{number} is too many")

    with pytest.raises(StageError, match=r"^stage 'work': 1 is too many$"):
        list(engine.Pipeline(Source([1]), [stage(fail)]))


def test_the_same_stages_without_threads_give_the_same_and_are_closed(
    stage: type[FunctionStage],
) -> None:
    def chain() -> Any:
        return [stage(lambda n: n * n, last=(7,)), stage(str, last=("end",))]

    stages = chain()
    assert list(run_inline(range(4), stages)) == ["0", "1", "4", "9", "7", "end"]
    assert list(engine.Pipeline(Source(range(4)), chain())) == ["0", "1", "4", "9", "7", "end"]
    assert [each.closed for each in stages] == [[True], [True]]
    left = chain()
    results: Any = run_inline(range(4), left)
    next(results)
    results.close()
    assert [each.closed for each in left] == [[False], [False]]
