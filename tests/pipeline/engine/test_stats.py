"""The stage table."""

from __future__ import annotations

from pipeline.engine.stats import RunStats, StageStats, stage_table


def stats() -> RunStats:
    stages = (
        StageStats("read", 1, 100, busy_s=1.0, cpu_s=0.9, wait_output_s=7.5),
        StageStats("estimate", 2, 40, busy_s=12.0, cpu_s=9.0, wait_input_s=0.5),
        StageStats("write", 1, 100, busy_s=5.0, cpu_s=4.0, wait_input_s=3.0),
    )
    return RunStats(wall_s=8.0, results=100, stages=stages)


def test_the_busiest_stage_is_that_with_the_largest_share_for_each_worker():
    assert stats().bottleneck == "estimate"  # 12 s / 2 workers = 6 s > 5 s
    assert stats().results_per_s == 12.5


def test_the_table_has_a_line_for_each_stage_and_marks_one():
    lines = stage_table(stats()).splitlines()
    assert lines[0].split()[:2] == ["stage", "items"]
    assert lines[2].startswith("estimate x2")
    assert lines[2].endswith("<- held the run back")
    assert sum("held" in line for line in lines) == 1
    assert " 75 " in lines[2]
    assert lines[-1] == "100 frames in 8.00 s, 12.5 frames/s"


def test_json_and_an_empty_run():
    item = stats().to_json()
    assert item["held_back_by"] == "estimate"
    assert item["stages"][0]["wait_output_s"] == 7.5
    empty = RunStats(0.0, 0, ())
    assert (empty.bottleneck, empty.results_per_s) == ("", 0.0)
    assert "0 frames" in stage_table(empty)
