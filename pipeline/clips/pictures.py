"""Many pictures into one folder: like a clip's run, but in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.clips.claiming import claim_folder, prepare_folder, refuse_results
from pipeline.clips.clip import ClipSummary, process_clip
from pipeline.clips.delivered import run_and_deliver
from pipeline.clips.folder_lock import FolderLock
from pipeline.clips.outputs import OutputPlan
from pipeline.items import PosedFrame
from pipeline.options import RunOptions
from pipeline.readers.images import ImageReader
from pipeline.sources import PoseSource


def run_pictures(
    pictures: Sequence[Path],
    get_poses: Callable[[], PoseSource],
    plan: OutputPlan,
    *,
    source: str = "",
    read_from: Sequence[str] = (),
    left_out: Sequence[str] = (),
    options: RunOptions | None = None,
    request: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    on_frame: Callable[[PosedFrame], None] | None = None,
) -> ClipSummary:
    """Run pictures into one folder and return what happened.

    Args:
        pictures: the files.
        get_poses: gives what finds people and joints; called when nothing forbids the run.
        plan: what is written.
        source: what to call the whole.
        read_from: addresses that the pictures are copies of, if they are.
        left_out: what was found and is not read, in words, for the summary.
        options: how the run goes.
        request: how it was asked for, for the records' header and the summary.
        overwrite: replace results that are there.
        on_frame: called with every result, for progress.

    Raises:
        OSError: the folder cannot be written or is in use by another run.
        ValueError: an output is an input, or there are results already.
        StageError: a stage failed.
    """
    folder = plan.folder
    is_new = claim_folder(folder)

    reader = ImageReader(pictures, source=source, left_out=left_out)
    names = reader.info.image_names

    def run() -> ClipSummary:
        if not overwrite:
            refuse_results(folder)
        prepare_folder(plan, pictures, overwrite=overwrite, names=names)
        return process_clip(
            reader, get_poses(), plan, options=options, request=request, on_frame=on_frame
        )

    try:
        with FolderLock(folder):
            if not plan.address:
                return run()
            return run_and_deliver(
                plan, read_from, run, go_on=not overwrite, in_one_go=True, names=names
            )
    finally:
        if is_new or plan.address:
            with suppress(OSError):
                folder.rmdir()  # empty: the run was forbidden, or all is uploaded
