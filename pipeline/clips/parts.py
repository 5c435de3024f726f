"""One long clip in parts that are worked on side by side, and put together again.

Parts begin where chunks do, so their poses are those of a run over the whole clip to the last
bit. Identities are given when the parts are put together, by the same tracker over the whole clip:
it reads the pictures and the stored poses, and gives what a run in one go would have given. Only
to look for people whom the detector missed does the pose network run then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.clips.clip import ClipSummary
from pipeline.clips.jobs import ClipJob, run_job
from pipeline.clips.journal import WORK_NAME
from pipeline.clips.outputs import OutputPlan
from pipeline.items import PosedFrame
from pipeline.readers.frames import open_clip
from pipeline.stages.stored import StoredPoses
from rmpe.formats import PoseRecord
from rmpe.formats.native import NativeReader
from rmpe.formats.outputs import RECORDS_NAME, SUMMARY_NAME

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


@dataclass(frozen=True)
class Part:
    """A part of a clip."""

    first: int
    """Frames of the clip before it."""
    end: int | None
    """Frames of the clip up to its end; None to the clip's end."""

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"part{self.first:09d}-{'end' if self.end is None else self.end}"


def plan_parts(frames: int, count: int, chunk: int) -> list[Part]:
    """Return up to ``count`` parts of about equal length, one after another.

    Args:
        frames: expected length of the clip; the last part goes on to the true end.
        count: parts wanted; a short clip gets fewer, one of unknown length (0) gets one.
        chunk: frames of a chunk; parts begin at multiples of it.
    """
    count = max(min(count, frames // chunk), 1)
    firsts = [number * frames // count // chunk * chunk for number in range(count)]
    ends: list[int | None] = [*firsts[1:], None]
    return [Part(first, end) for first, end in zip(firsts, ends)]


def part_jobs(job: ClipJob, count: int) -> list[ClipJob]:
    """Return the jobs of a clip's parts, whose results lie in its hidden folder.

    Raises:
        OSError: the clip cannot be opened.
    """
    reader = open_clip(
        job.local or job.source, job.span, job.threads, fps=job.fps, called=job.source
    )
    expected = reader.info.frames_expected
    reader.close()
    return [
        replace(
            job,
            plan=OutputPlan(job.plan.folder / WORK_NAME / part.name, video=False),
            track=False,
            smooth=False,
            first=part.first,
            end=part.end,
        )
        for part in plan_parts(expected, count, job.options.chunk)
    ]


def join_parts(
    job: ClipJob,
    parts: Sequence[ClipJob],
    on_frame: Callable[[PosedFrame], None] | None = None,
    get_estimator: Callable[[], PoseEstimator] | None = None,
) -> ClipSummary:
    """Give identities and write the outputs of a clip from the poses of its parts.

    It is a run like any other, with poses from files instead of networks: when it is killed, the
    next call goes on from its checkpoint. The parts are removed when it is done.

    Args:
        job: the clip.
        parts: from :func:`part_jobs`, each done.
        on_frame: called with every frame, for progress.
        get_estimator: gives the estimator that looks for people who are missing, where the job is
            to propagate; it must compute as that of the parts did.

    Raises:
        OSError: something cannot be read or written, or the folder is in use by another run.
        ValueError: a part is not whole, or was computed by another engine than the others.
        StageError: a stage failed; its cause is an :class:`OtherFramesError` where the parts do
            not hold the frames that the whole clip has.
    """
    return run_job(job, lambda: stored_parts(parts, get_estimator), on_frame=on_frame)


def stored_parts(
    parts: Sequence[ClipJob], get_estimator: Callable[[], PoseEstimator] | None = None
) -> StoredPoses:
    """Return the poses of a clip's parts, in order.

    Raises:
        OSError: a part's files cannot be read.
        ValueError: a part is not whole, or was computed by another engine than the others.
    """
    readers = [NativeReader(part.plan.folder / RECORDS_NAME) for part in parts]
    summaries = [_summary_of(part.plan.folder) for part in parts]
    engines = sorted({str(item.get("engine")) for item in summaries})
    if len(engines) > 1:
        raise ValueError(
            f"the clip's parts were computed by different engines ({'; '.join(engines)}): "
            "--overwrite begins again"
        )
    network = str(summaries[0].get("network", ""))
    return StoredPoses(
        readers[0].header.skeleton,
        network,
        engines[0],
        _all_records(readers),
        get_estimator or (lambda: None),
    )


def _all_records(readers: Sequence[NativeReader]) -> Iterator[PoseRecord]:
    for reader in readers:
        yield from reader
        if not reader.complete:
            raise ValueError(f"{reader.path} is not whole; run the part again")


def _summary_of(folder: Path) -> dict[str, Any]:
    item: dict[str, Any] = json.loads((folder / SUMMARY_NAME).read_text("utf-8"))
    return item
