"""What a run may write in its folder: nothing that it reads, nothing that it did not make."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.clips.journal import WORK_NAME
from pipeline.clips.outputs import NATIVE, OutputPlan
from pipeline.writers.images import drawn_path
from rmpe.formats import FORMATS, get_format, read_records
from rmpe.formats.outputs import (
    PICTURES_NAME,
    RECORDS_NAME,
    SUMMARY_NAME,
    VIDEO_NAME,
    check_outputs,
)


def claim_folder(folder: Path) -> bool:
    """Make a run's folder and return whether it is new.

    Raises:
        OSError: it is a file, or cannot be made; the message says so.
    """
    if folder.is_dir():
        return False
    if folder.exists():
        raise FileExistsError(f"{folder} is a file, needed is a folder for the outputs")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise OSError(f"the folder {folder} cannot be made: {error.strerror or error}") from None
    return True


def prepare_folder(
    plan: OutputPlan,
    inputs: Sequence[str | Path],
    *,
    overwrite: bool = False,
    names: Sequence[str] = (),
) -> None:
    """Make room for a run that begins: check what it would write, remove what runs before it left.

    Everything that an earlier run made in the folder goes, also formats that are not wanted now,
    so that what lies there in the end is of one run.

    Args:
        plan: what is going to be written.
        inputs: what is going to be read.
        overwrite: replace what is there, whoever made it; never an input.
        names: pictures that are going to be written, by name.

    Raises:
        ValueError: an output is an input, or is there already and was not made by a run, or a
            picture's name is too long for that of its file.
        OSError: something cannot be removed.
    """
    folder, is_ours = plan.folder, _is_ours(plan.folder)
    for name in plan.formats:
        get_format(name).check_names(names)
    wanted = planned(plan, names)
    stale = _everything(folder) if is_ours else []
    check_outputs([*wanted, *stale], inputs, overwrite=True)
    if not is_ours and not overwrite:
        check_outputs(wanted, inputs)
    for name in FORMATS if is_ours else (NATIVE, *plan.formats):
        FORMATS[name].remove_stale(folder / FORMATS[name].output_name)
    _remove([*wanted, *stale])


def refuse_results(folder: Path) -> None:
    """Raise if a folder holds a run's results, which only ``--overwrite`` replaces.

    Raises:
        ValueError: it does.
    """
    if _is_ours(folder) and (folder / RECORDS_NAME).exists():
        raise ValueError(f"{folder} holds the results of an earlier run; --overwrite replaces them")


def planned(plan: OutputPlan, names: Iterable[str]) -> list[Path]:
    """Return every file and folder that a run is going to write."""
    folder = plan.folder
    paths = [folder / SUMMARY_NAME]
    for name in dict.fromkeys((NATIVE, *plan.formats)):
        chosen = get_format(name)
        paths += chosen.outputs(folder / chosen.output_name)
    if plan.video:
        paths.append(folder / VIDEO_NAME)
    if plan.images:
        paths += [drawn_path(folder / PICTURES_NAME, name) for name in names]
    return paths


def _everything(folder: Path) -> list[Path]:
    """Return every file that a run before may have made, the pictures that its records name too."""
    paths = [folder / SUMMARY_NAME, folder / VIDEO_NAME]
    for chosen in FORMATS.values():
        path = folder / chosen.output_name
        paths += chosen.outputs(path)
        if path.parent != folder:
            paths.append(path.parent)
    with suppress(OSError, ValueError):
        names = read_records(folder / RECORDS_NAME, NATIVE).header.image_names
        paths += [drawn_path(folder / PICTURES_NAME, name) for name in names]
    return paths


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_file():
            path.unlink()
        elif path.is_dir():
            with suppress(OSError):
                path.rmdir()  # only if nothing else lies in it


def _is_ours(folder: Path) -> bool:
    """Whether a run of this program wrote into a folder, whole or broken off."""
    if (folder / WORK_NAME).is_dir():
        return True
    try:
        item = json.loads((folder / SUMMARY_NAME).read_text("utf-8"))
        return "versions" in item and "complete" in item
    except (OSError, ValueError, TypeError):
        return False
