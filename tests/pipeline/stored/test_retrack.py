"""Stored poses get identities anew: through the command, with the pictures of a folder."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from tqdm import tqdm

import cli
from rmpe.formats import ClipHeader, NativeWriter, read_records
from rmpe.records import Poses
from rmpe.skeletons import COCO_17


@pytest.fixture(autouse=True)
def no_progress_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The progress bar starts a thread for the whole process."""
    monkeypatch.setattr(tqdm, "monitor_interval", 0)


def two_people(step: int) -> Poses:
    rng = np.random.default_rng(0)
    shape = rng.uniform(0, 80, (17, 2))
    joints = np.stack([shape + [40 + 4 * step, 20], shape + [180 - 4 * step, 30]])
    order = [0, 1] if step % 2 else [1, 0]
    boxes = np.concatenate([joints.min(1), joints.max(1)], 1)
    poses = Poses(boxes, [1, 1], joints, np.ones((2, 17)), [1, 1], [5, 5])
    return poses.select(order)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    image = cv2.resize(rng.integers(0, 256, (20, 32, 3), dtype=np.uint8), (320, 200))
    names = tuple(f"{index}.png" for index in range(8))
    (tmp_path / "frames").mkdir()
    header = ClipHeader(COCO_17, str(tmp_path / "frames"), 320, 200, image_names=names)
    writer = NativeWriter(tmp_path / "poses.ndjson", header)
    for index, name in enumerate(names):
        cv2.imwrite(str(tmp_path / "frames" / name), image)
        writer.write(index, 0.0, Poses.empty(17) if index == 4 else two_people(index))
    writer.close()
    return tmp_path


@pytest.mark.parametrize(
    "options", [[], ["--offline"], ["--reference"], ["--offline", "--building", "confidence"]]
)
def test_identities_are_made_anew_and_frames_without_people_stay(
    clip: Path, options: list[str]
) -> None:
    command = ["track", str(clip / "poses.ndjson"), "--images", str(clip / "frames"), *options]
    result = CliRunner().invoke(cli.rmpe_command, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "2 people" in result.output
    records = list(read_records(clip / "tracked.ndjson"))
    assert [len(record.poses) for record in records] == [2, 2, 2, 2, 0, 2, 2, 2]
    first = None
    for record in records:
        if len(record.poses) == 0:
            continue
        people = {
            int(identity): float(two_people(record.frame_index).keypoints_xy[row, 0, 0])
            for row, identity in enumerate(record.poses.ids)
        }
        assert set(people) == {1, 2}
        if not options:  # order is kept, so who moves right can be told by row
            right = int(record.poses.ids[0 if record.frame_index % 2 else 1])
            first = right if first is None else first
            assert right == first


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["bytetrack", "ocsort", "sort"])
def test_other_trackers_go_by_the_same_boxes(clip: Path, name: str) -> None:
    pytest.importorskip("trackers")
    command = ["track", str(clip / "poses.ndjson"), "--tracker", name]
    result = CliRunner().invoke(cli.rmpe_command, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    records = list(read_records(clip / "tracked.ndjson"))
    # each of the two goes on under one identity once it has one
    right = [int(r.poses.ids[0 if r.frame_index % 2 else 1]) for r in records[2:4]]
    assert right[0] == right[1] > 0
    assert [len(record.poses) for record in records] == [2, 2, 2, 2, 0, 2, 2, 2]


def test_other_trackers_without_their_package_are_wrong_use(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trackers", None)
    code, said = explain(clip, "--tracker", "sort")
    assert (code, said) == (
        2,
        "Error: tracker sort needs the extra: pip install 'rmpe[trackers]'\n",
    )
    assert not (clip / "tracked.ndjson").exists()


def test_records_are_not_written_over(clip: Path) -> None:
    path = str(clip / "poses.ndjson")
    result = CliRunner().invoke(cli.rmpe_command, ["track", path, "-o", path])
    assert result.exit_code == 2
    assert "is the file to read" in result.output


@pytest.mark.parametrize(
    ("options", "after_the_gap"),
    [([], {1, 2}), (["--building", "identities"], {1, 2}), (["--building", "confidence"], {3, 4})],
)
def test_flows_are_built_as_asked(
    tmp_path: Path, options: list[str], after_the_gap: set[int]
) -> None:
    """Two people are gone for 35 frames, and flows are joined over 30 at most: the online tracker
    knows them again by their colours, the paper's flows end where a frame has no candidate.
    """
    rng = np.random.default_rng(1)
    image = cv2.resize(rng.integers(0, 256, (20, 32, 3), dtype=np.uint8), (320, 200))
    names = tuple(f"{index:02}.png" for index in range(43))
    header = ClipHeader(COCO_17, str(tmp_path / "frames"), 320, 200, image_names=names)
    writer = NativeWriter(tmp_path / "poses.ndjson", header)
    (tmp_path / "frames").mkdir()
    for index, name in enumerate(names):
        cv2.imwrite(str(tmp_path / "frames" / name), image)
        there = index < 4 or index >= 39
        step = index if index < 4 else index - 35
        writer.write(index, 0.0, two_people(step) if there else Poses.empty(17))
    writer.close()
    command = ["track", str(tmp_path / "poses.ndjson"), "--offline", *options]
    result = CliRunner().invoke(cli.rmpe_command, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = [set(r.poses.ids.tolist()) for r in read_records(tmp_path / "tracked.ndjson")]
    assert found == [{1, 2}] * 4 + [set()] * 35 + [after_the_gap] * 4


def test_a_way_to_build_flows_needs_the_whole_clip(clip: Path) -> None:
    command = ["track", str(clip / "poses.ndjson"), "--building", "confidence"]
    result = CliRunner().invoke(cli.rmpe_command, command)
    assert result.exit_code == 2
    assert "--offline" in result.output


def explain(clip: Path, *options: str) -> tuple[int, str]:
    command = ["track", str(clip / "poses.ndjson"), "--images", str(clip / "frames"), *options]
    result = CliRunner().invoke(cli.rmpe_command, command)
    return result.exit_code, result.output


def test_a_frame_is_explained_and_nothing_is_written(clip: Path) -> None:
    before = sorted(clip.iterdir())
    code, said = explain(clip, "--explain", "3")
    assert code == 0
    lines = said.splitlines()
    assert lines[0].startswith("frame 3: 2 people, 2 known before")
    # those of the first frame were named in its order, here they stand the other way round
    outcomes = [line.partition(" -> ")[2] for line in lines if line.startswith("person")]
    assert outcomes == ["identity 2", "identity 1"]
    assert sum(line.endswith(" chosen") for line in lines) == 2
    assert sorted(clip.iterdir()) == before


def test_a_frame_without_people_is_explained_too(clip: Path) -> None:
    assert explain(clip, "--explain", "4")[1].startswith("frame 4: 0 people, 2 known before")


def test_a_frame_outside_the_clip_is_wrong_use(clip: Path) -> None:
    code, said = explain(clip, "--explain", "8")
    assert code == 2
    assert said.endswith("has no frame 8: frame 7 is its last\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize("other", ["--offline", "--reference", "--smooth"])
def test_only_our_own_way_from_frame_to_frame_is_explained(clip: Path, other: str) -> None:
    code, said = explain(clip, "--explain", "3", other)
    assert code == 2
    assert other in said
