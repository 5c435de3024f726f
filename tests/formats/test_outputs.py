"""No output destroys an input, and none replaces what is there without being told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from rmpe.formats.outputs import check_outputs


def test_a_new_file_and_an_empty_folder_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    check_outputs([tmp_path / "new.json", tmp_path / "empty"], [tmp_path / "in.json"])


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("spelling", ["in.json", "folder/../in.json", "link", "hard"])
def test_an_input_is_never_written_under_any_name(
    tmp_path: Path, spelling: str, overwrite: bool
) -> None:
    source = tmp_path / "in.json"
    source.write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "hard").hardlink_to(source)
    with pytest.raises(ValueError, match="the file to read"):
        check_outputs([tmp_path / spelling], [source], overwrite=overwrite)


def test_a_file_in_a_folder_that_is_read_is_an_input(tmp_path: Path) -> None:
    part = tmp_path / "records" / "deep" / "a_000_keypoints.json"
    part.parent.mkdir(parents=True)
    part.write_text("{}")
    with pytest.raises(ValueError, match="the file to read"):
        check_outputs([part], [tmp_path / "records"], overwrite=True)
    with pytest.raises(ValueError, match="the file to read"):
        check_outputs([tmp_path / "records"], [tmp_path / "records"], overwrite=True)


def test_what_is_there_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.json"
    foreign.write_text("x")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("x")
    for path, words in ((foreign, "is there already"), (tmp_path / "used", "something in it")):
        with pytest.raises(ValueError, match=words):
            check_outputs([path], [])
        check_outputs([path], [], overwrite=True)


def test_devices_and_addresses_are_no_files(tmp_path: Path) -> None:
    check_outputs(["/dev/null"], ["rtsp://camera/1", "http://host/clip.mp4"])


def test_of_the_folder_of_a_run_only_its_records_are_read(tmp_path: Path) -> None:
    (tmp_path / "poses.ndjson").write_text("x")
    (tmp_path / "tracked.ndjson").write_text("x")
    check_outputs([tmp_path / "tracked.ndjson"], [tmp_path], overwrite=True)
    for output in (tmp_path / "poses.ndjson", tmp_path):
        with pytest.raises(ValueError, match="the file to read"):
            check_outputs([output], [tmp_path], overwrite=True)
