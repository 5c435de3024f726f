"""A recording run that is left alone: kills of source and process cost nothing that is recorded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.live import bench_left_alone


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_what_was_reported_as_recorded_is_whole_after_kills_and_nothing_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "recording"
    folder.mkdir()
    monkeypatch.setattr(bench_left_alone, "SEGMENT_S", 4)
    good = bench_left_alone.run_left_alone(
        folder, minutes=0.6, fps=25, source_kills=3, process_kills=2
    )
    assert good, capsys.readouterr().out
