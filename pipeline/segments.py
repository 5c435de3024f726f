"""One long clip in parts that are worked on side by side, and put together again.

Parts begin where sections do and each goes on a little into the next one. Their poses are those of
a run over the whole clip to the last bit; identities are counted by a tracker for each part and
are stitched over the frames that two parts share.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from pipeline.clip import SUMMARY_NAME, ClipSummary, count_people, write_summary
from pipeline.flow import PosedFrame
from pipeline.folder_lock import FolderLock
from pipeline.jobs import ClipJob
from pipeline.outputs import RECORDS_NAME, WORK_NAME, OutputPlan, open_writers
from pipeline.readers.base import Reader
from pipeline.readers.video import VideoReader
from pipeline.render import posed_frames
from rmpe.formats import ClipHeader, NativeReader, PoseRecord
from tracking import OneEuroSmoother, match_identities

LEAST_OVERLAP_FRAMES = 128


@dataclass(frozen=True)
class Part:
    """A part of a clip."""

    first: int
    """Frames of the clip before it."""
    end: int | None
    """Frames of the clip up to its end; None to the clip's end."""


def plan_parts(frames: int, count: int, section: int) -> list[Part]:
    """Return up to ``count`` parts of about equal length that overlap by whole sections.

    Args:
        frames: expected length of the clip; the last part goes on to the true end.
        count: parts wanted; a short clip gets fewer, one of unknown length (0) gets one.
        section: frames of a section; parts begin and overlap in multiples of it.
    """
    overlap = overlap_frames(section)
    count = max(min(count, frames // (2 * overlap)), 1)
    firsts = [number * frames // count // section * section for number in range(count)]
    ends: list[int | None] = [first + overlap for first in firsts[1:]]
    return [Part(first, end) for first, end in zip(firsts, [*ends, None])]


def overlap_frames(section: int) -> int:
    """Return how many frames two parts share."""
    return -(-LEAST_OVERLAP_FRAMES // section) * section


def part_jobs(job: ClipJob, count: int) -> list[ClipJob]:
    """Return the jobs of a clip's parts, whose results lie in its hidden folder.

    Raises:
        OSError: the clip cannot be opened.
    """
    reader = VideoReader(job.source, job.span, job.threads)
    expected = reader.info.frames_expected
    reader.close()
    return [
        replace(
            job,
            plan=OutputPlan(job.plan.folder / WORK_NAME / f"part{number}", video=False),
            smooth=False,
            first=part.first,
            end=part.end,
        )
        for number, part in enumerate(plan_parts(expected, count, job.options.section))
    ]


def join_parts(
    job: ClipJob,
    parts: Sequence[ClipJob],
    on_frame: Callable[[PosedFrame], None] | None = None,
) -> ClipSummary:
    """Write the outputs of a clip from those of its parts and return what happened.

    The parts' folders stay; the caller removes them when all is well.

    Args:
        job: the clip.
        parts: from :func:`part_jobs`, each done.
        on_frame: called with every frame, for progress.

    Raises:
        OSError: something cannot be read or written, or the folder is in use by another run.
        ValueError: a part's records are not whole.
    """
    stitched = StitchedRecords(parts, overlap_frames(job.options.section))
    summary = ClipSummary(job.source, str(job.plan.folder), asked=job.asked())
    smoother = OneEuroSmoother() if job.smooth else None
    with ExitStack() as stack:
        stack.enter_context(FolderLock(job.plan.folder))
        reader = VideoReader(job.source, job.span, job.threads)
        stack.callback(reader.close)
        writers = [writer for _, writer in open_writers(job.plan, stitched.header)]
        try:
            for frame, poses in posed_frames(reader, stitched):
                if smoother is not None:
                    poses = smoother.update(frame.timestamp_s, poses)
                for writer in writers:
                    writer.write(frame, poses)
                count_people(summary, poses)
                if on_frame is not None:
                    on_frame(PosedFrame(frame, poses))
            summary.complete = True
        finally:
            for writer in writers:
                writer.close(summary.complete)
        _note_reading(summary, reader)
        text = (Path(parts[0].plan.folder) / SUMMARY_NAME).read_text("utf-8")
        network = str(json.loads(text).get("network", ""))
        write_summary(job.plan.folder / SUMMARY_NAME, summary, job.described, network)
    return summary


class StitchedRecords:
    """The records of parts as those of one clip, a :class:`rmpe.formats.PoseReader`.

    Frames that two parts share are taken from the earlier one, and identities of the later one are
    those of the earlier one where both have seen a person. People who come later are counted on.

    Args:
        parts: jobs that are done, in order.
        overlap: frames that two parts share.
    """

    complete = True

    def __init__(self, parts: Sequence[ClipJob], overlap: int) -> None:
        self._readers = [NativeReader(Path(p.plan.folder) / RECORDS_NAME) for p in parts]
        self._overlap = overlap
        self._is_tracked = all(part.track for part in parts)

    @property
    def header(self) -> ClipHeader:
        """The first part's header; all are equal."""
        return self._readers[0].header

    def __iter__(self) -> Iterator[PoseRecord]:
        """Yield every frame of the clip in order."""
        shared: list[PoseRecord] = []
        highest = 0
        for number, reader in enumerate(self._readers):
            records = iter(reader)
            known: dict[int, int] = {}
            if number:
                known = self._match(shared, list(islice(records, self._overlap)))
            shared = []
            for record in records:
                if self._is_tracked:
                    for identity in record.poses.ids.tolist():
                        if identity not in known:
                            highest += 1
                            known[identity] = highest
                    ids = [known[identity] for identity in record.poses.ids.tolist()]
                    record = replace(record, poses=record.poses.with_ids(ids))
                shared = [*shared[-self._overlap + 1 :], record]
                yield record
            if not reader.complete:
                raise ValueError(f"{reader.path} is not whole; run the part again")

    def _match(self, earlier: list[PoseRecord], later: list[PoseRecord]) -> dict[int, int]:
        """Return the identities that a part and the one before have in common."""
        # A clip that ends before its header says so may end inside the frames that parts share.
        earlier = earlier[len(earlier) - len(later) :]
        if [r.timestamp_s for r in earlier] != [r.timestamp_s for r in later]:
            raise ValueError("the parts do not share the frames that they should; run them again")
        if not self._is_tracked:
            return {}
        size = (self.header.width, self.header.height)
        return match_identities([r.poses for r in earlier], [r.poses for r in later], size)


def _note_reading(summary: ClipSummary, reader: Reader) -> None:
    summary.decoder_errors = reader.report.error_count
    summary.decoder_messages = list(reader.report.errors)
    summary.warnings = list(reader.report.warnings)
