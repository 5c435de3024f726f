"""One clip into its output folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.clips.clip import OutputPlan, process_clip
from pipeline.engine.stage import StageError
from pipeline.sources import NetworkPoses
from rmpe.formats import read_records
from rmpe.geometry.crop import CropTransform
from rmpe.records import Boxes, Poses
from tests.helpers.squares import ListReader, MakeFrames, SquaresEstimator
from tracking import OnlineTracker


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "poses.ndjson").read_text().splitlines()]


def test_a_whole_clip_leaves_records_video_and_summary(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
    tmp_path: Path,
) -> None:
    counts = [2, 0, 3, 3, 1]
    seen = []
    summary = process_clip(
        reader(list(people(counts))),
        NetworkPoses(squares()),
        OutputPlan(tmp_path / "out", formats=("coco", "alphapose")),
        tracker=OnlineTracker(),
        request={"preset": "squares"},
        on_frame=seen.append,
    )
    records = lines(tmp_path / "out")
    assert records[0]["schema"] == "rmpe/1"
    assert (records[0]["width"], records[0]["height"]) == (200, 60)
    assert records[0]["options"] == {"preset": "squares"}
    assert [record["frame"] for record in records[1:-1]] == list(range(5))
    assert [len(record["people"]) for record in records[1:-1]] == counts
    assert records[-1] == {"end": True, "frames": 5}
    assert (tmp_path / "out/annotated.mp4").stat().st_size > 100
    assert (tmp_path / "out/coco-results.json").exists()
    assert (tmp_path / "out/alphapose-results.json").exists()
    assert summary.succeeded
    assert (summary.frames, summary.people, summary.most_people) == (5, 9, 3)
    assert len(seen) == 5

    written = json.loads((tmp_path / "out/summary.json").read_text())
    assert written["complete"] is True
    assert written["frames"] == 5
    assert written["options"] == {"preset": "squares"}
    assert written["timing"]["held_back_by"]
    names = [stage["stage"] for stage in written["timing"]["stages"]]
    assert names == [
        *("read", "detect", "crop", "batch", "estimate", "decode", "suppress", "track"),
        *("write native", "write coco", "write alphapose", "write video"),
    ]
    assert written["versions"]["numpy"]
    assert written["peak_memory_mb"] > 1


def test_no_video_and_no_frames(
    squares: type[SquaresEstimator], reader: type[ListReader], tmp_path: Path
) -> None:
    summary = process_clip(reader([]), NetworkPoses(squares()), OutputPlan(tmp_path, video=False))
    assert summary.succeeded
    assert lines(tmp_path)[-1] == {"end": True, "frames": 0}
    assert not (tmp_path / "annotated.mp4").exists()


def test_an_older_video_does_not_survive_a_new_run(
    squares: type[SquaresEstimator], reader: type[ListReader], tmp_path: Path
) -> None:
    (tmp_path / "annotated.mp4").write_bytes(b"older")
    process_clip(reader([]), NetworkPoses(squares()), OutputPlan(tmp_path))
    assert not (tmp_path / "annotated.mp4").exists()


def test_a_failure_keeps_what_was_written_and_says_so(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
    tmp_path: Path,
) -> None:
    class Breaks(SquaresEstimator):
        def decode(
            self, heatmaps: torch.Tensor, transforms: list[CropTransform], boxes: Boxes
        ) -> Poses:
            if len(boxes) == 5:
                raise RuntimeError("five is too many")
            return super().decode(heatmaps, transforms, boxes)

    source = reader(list(people([2] * 60 + [5] + [2] * 20)))
    with pytest.raises(StageError, match="stage 'decode', frame 60: five is too many"):
        process_clip(source, NetworkPoses(Breaks()), OutputPlan(tmp_path, formats=("coco",)))
    records = list(read_records(tmp_path / "poses.ndjson"))
    assert [record.frame_index for record in records] == list(range(len(records)))
    written = json.loads((tmp_path / "summary.json").read_text())
    assert written["complete"] is False
    assert "five is too many" in written["failure"]
    assert written["frames"] <= len(records)
    assert source.closed == 1


def test_damage_in_the_source_is_a_failure_of_the_clip_but_everything_is_kept(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
    tmp_path: Path,
) -> None:
    source = reader(list(people([1, 1])))
    source.report.add_error("packet 3 is damaged")
    source.report.warnings.append("odd")
    summary = process_clip(source, NetworkPoses(squares()), OutputPlan(tmp_path))
    assert summary.complete
    assert not summary.succeeded
    written = json.loads((tmp_path / "summary.json").read_text())
    assert written["decoder_messages"] == ["packet 3 is damaged"]
    assert written["warnings"] == ["odd"]


def test_an_unwritable_folder_or_unknown_format_fails_before_the_run(
    squares: type[SquaresEstimator], reader: type[ListReader], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for plan, error in [
        (OutputPlan(tmp_path / "file"), OSError),
        (OutputPlan(tmp_path / "new", formats=("cobol",)), ValueError),
    ]:
        source = reader([])
        with pytest.raises(error):
            process_clip(source, NetworkPoses(squares()), plan)
        assert source.closed == 1
    assert not (tmp_path / "new").exists()


def test_an_interrupt_in_the_callers_loop_ends_the_run_and_keeps_the_records(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
    tmp_path: Path,
) -> None:
    def interrupt(result: Any) -> None:
        if result.frame.index == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process_clip(
            reader(list(people([1] * 200))),
            NetworkPoses(squares()),
            OutputPlan(tmp_path),
            on_frame=interrupt,
        )
    records = list(read_records(tmp_path / "poses.ndjson"))
    assert len(records) >= 10
    assert json.loads((tmp_path / "summary.json").read_text())["failure"] == "interrupted"
