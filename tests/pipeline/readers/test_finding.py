"""Which inputs are meant, and where their results go."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.readers.finding import find_clips, read_list
from pipeline.storage.inputs import output_folders


def test_folders_give_their_videos_in_natural_order(tmp_path: Path) -> None:
    for name in ("b10.mp4", "b2.AVI", "notes.txt", "deep/c.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [Path(clip).name for clip in find_clips([tmp_path])] == ["b2.AVI", "b10.mp4"]
    assert [Path(clip).name for clip in find_clips([tmp_path], True)] == [
        "b2.AVI",
        "b10.mp4",
        "c.mkv",
    ]


def test_files_and_addresses_are_taken_as_given(tmp_path: Path) -> None:
    odd = tmp_path / "clip.bin"
    odd.touch()
    given = [str(odd), "https://example.org/a.mp4"]
    assert find_clips(given) == given


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"x\.mp4 does not exist"):
        find_clips([tmp_path / "x.mp4"])
    with pytest.raises(OSError, match="holds no video"):
        find_clips([tmp_path])


@pytest.mark.parametrize(
    ("sources", "output", "folders"),
    [
        (["a/walk.mp4"], None, ["walk_rmpe"]),
        (["a/walk.mp4"], "out", ["out"]),
        (
            ["a/walk.mp4", "b/walk.avi", "run.mp4"],
            "out",
            ["out/walk_rmpe", "out/walk_rmpe_2", "out/run_rmpe"],
        ),
        (["https://example.org/a/b.mp4"], None, ["example_org_a_b_mp4_rmpe"]),
    ],
)
def test_every_source_gets_a_folder_of_its_own(
    sources: list[str], output: str | None, folders: list[str]
) -> None:
    assert [folder.as_posix() for folder in output_folders(sources, output)] == folders


@pytest.mark.parametrize(
    "name", ["a" * 251, "日" * 83, "é" * 125 + "b", "https://a.org/" + "b" * 300]
)
def test_a_long_name_is_cut_to_what_file_systems_allow(name: str, tmp_path: Path) -> None:
    sources = [f"{folder}{name}.mp4" for folder in ("x/", "y/")]
    folders = output_folders(sources if "://" not in name else [name, f"{name}.mp4"], tmp_path)
    assert [folder.name.rpartition("_rmpe")[2] for folder in folders] == ["", "_2"]
    for folder in folders:
        folder.mkdir()
        assert len(folder.name.encode()) > 240
    assert len({*folders}) == 2


def test_patterns_and_lists(tmp_path: Path) -> None:
    for name in ("b10.mp4", "b2.mp4", "deep/c.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [Path(c).name for c in find_clips([tmp_path / "b*.mp4"])] == ["b2.mp4", "b10.mp4"]
    assert [Path(c).name for c in find_clips([tmp_path / "**/c.mp?"])] == ["c.mp4"]
    with pytest.raises(FileNotFoundError, match="fits no file"):
        find_clips([tmp_path / "z*"])
    (tmp_path / "odd[1].mp4").touch()
    assert find_clips([tmp_path / "odd[1].mp4"]) == [str(tmp_path / "odd[1].mp4")]
    (tmp_path / "list").write_text("# clips\n a b.mp4 \n\nhttp://x/y.mp4\n")
    assert read_list(tmp_path / "list") == ["a b.mp4", "http://x/y.mp4"]
    (tmp_path / "list").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is no text file"):
        read_list(tmp_path / "list")
