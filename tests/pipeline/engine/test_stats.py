"""The stage table."""

from __future__ import annotations

from pipeline.engine.stats import RunStats, StageStats, stage_table


def stats() -> RunStats:
    stages = (
        StageStats("read", 100, busy_s=1.0, cpu_s=0.9, wait_output_s=7.5),
        StageStats("estimate", 40, busy_s=6.0, cpu_s=5.5, wait_input_s=0.5),
        StageStats("write", 100, busy_s=5.0, cpu_s=4.0, wait_input_s=3.0),
    )
    return RunStats(wall_s=8.0, results=100, stages=stages)


def test_the_busiest_stage_held_the_run_back() -> None:
    assert stats().bottleneck == "estimate"
    assert stats().results_per_s == 12.5


def test_the_table_has_a_line_for_each_stage_and_marks_one() -> None:
    lines = stage_table(stats()).splitlines()
    assert lines[0].split()[:2] == ["stage", "items"]
    assert lines[2].startswith("estimate")
    assert lines[2].endswith("<- held the run back")
    assert sum("held" in line for line in lines) == 1
    assert " 75 " in lines[2]
    assert lines[-1] == "100 frames in 8.00 s, 12.5 frames/s"


def test_json_and_an_empty_run() -> None:
    item = stats().to_json()
    assert item["held_back_by"] == "estimate"
    assert item["stages"][0]["wait_output_s"] == 7.5
    empty = RunStats(0.0, 0, ())
    assert (empty.bottleneck, empty.results_per_s) == ("", 0.0)
    assert "0 frames" in stage_table(empty)
