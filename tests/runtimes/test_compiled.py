"""Compiled networks kept on the disk: found again, never half, never too many, never needed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rmpe.runtimes import Runtime, compiled
from rmpe.zoo.bundled import ready_pose

CROPS = np.random.default_rng(0).integers(0, 256, (2, 256, 192, 3), np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of kept networks."""
    monkeypatch.setenv("RMPE_CACHE_DIR", str(tmp_path))
    return tmp_path / "compiled"


def compact() -> Runtime:
    """The bundled pose network without torch, newly made."""
    ready = ready_pose("compact", device="cpu", precision="fp32", threads=1)
    assert ready is not None
    return ready[0]


def test_a_kept_network_answers_as_the_one_that_was_compiled(folder: Path) -> None:
    first = np.array(compact()(CROPS)[0])
    (kept,) = folder.iterdir()
    written = kept.stat().st_mtime_ns, kept.read_bytes()
    again = compact()(CROPS)[0]
    np.testing.assert_array_equal(again, first)
    assert kept.read_bytes() == written[1]


def test_a_damaged_file_is_made_anew(folder: Path) -> None:
    first = np.array(compact()(CROPS)[0])
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    np.testing.assert_array_equal(compact()(CROPS)[0], first)
    assert compiled.load(kept.stem)  # whole again; OpenVINO's own header differs from run to run


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RMPE_CACHE_DIR", str(tmp_path / "file"))
    assert np.isfinite(compact()(CROPS)[0]).all()


def test_files_that_were_not_used_for_longest_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "MOST_FILES", 2)
    for age, key in ((30, "a"), (20, "b"), (10, "c")):
        compiled.keep(key, key.encode())
        kept = folder / f"{key}.compiled"
        if kept.exists():
            os.utime(kept, (1_000_000 - age, 1_000_000 - age))
    assert compiled.load("a") is None
    assert [compiled.load(key) for key in "bc"] == [b"b", b"c"]
    assert {path.suffix for path in folder.iterdir()} == {".compiled"}


def test_names_tell_apart_what_is_made_of_other_parts() -> None:
    names = {compiled.key_of(*parts) for parts in ((b"ab", b"c"), (b"a", b"bc"), (b"abc",))}
    assert len(names) == 3
