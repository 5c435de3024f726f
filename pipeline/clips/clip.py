"""One clip, one output folder: run it, write everything, and sum up what happened."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import rmpe
from pipeline.assemble import assemble
from pipeline.clips.journal import Checkpoint, Journal, write_atomically
from pipeline.clips.outputs import OutputPlan, open_writers, stored_poses
from pipeline.engine.memory import peak_memory_bytes
from pipeline.engine.runner import PATIENCE_AFTER_INTERRUPT_S, Pipeline
from pipeline.engine.stats import RunStats
from pipeline.items import PosedFrame
from pipeline.options import RunOptions
from pipeline.readers.base import ClipInfo, Reader
from pipeline.sources import PoseSource
from pipeline.stages.track import Tracker
from pipeline.writers.sound import SoundTrack
from rmpe.error_words import in_words
from rmpe.formats import ClipHeader
from rmpe.formats.outputs import SUMMARY_NAME
from rmpe.records import Poses

_VERSIONS_OF = ("torch", "openvino", "cv2", "av", "numpy")

log = logging.getLogger(__name__)


@dataclass
class ClipSummary:
    """What happened to one clip, also in ``summary.json``."""

    source: str
    """The clip."""
    folder: str
    """The output folder."""
    frames: int = 0
    """Frames written."""
    people: int = 0
    """People in all frames together."""
    most_people: int = 0
    """People in the fullest frame."""
    identities: int = 0
    """Highest identity given; 0 without tracking."""
    complete: bool = False
    """Whether the run reached the end of the stream."""
    failure: str = ""
    """Why it did not."""
    decoder_errors: int = 0
    """Damaged places in the source."""
    decoder_messages: list[str] = field(default_factory=list)
    """The first of them in words."""
    warnings: list[str] = field(default_factory=list)
    """What was odd but lost nothing."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for, see :meth:`pipeline.clips.jobs.ClipJob.whole_request`."""
    engine: str = ""
    """What computed the poses, with digests of the weights."""
    resumed_at: int = 0
    """Frames that an interrupted run had done before this one went on."""
    already_done: bool = False
    """Whether nothing was left to do."""
    stats: RunStats | None = None
    """Times of the run and its stages, of the part after ``resumed_at``."""

    @property
    def succeeded(self) -> bool:
        """Whether the clip was whole and was done to its end."""
        return self.complete and not self.decoder_errors

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        left_out = ("stats", "already_done")
        item = {name: value for name, value in vars(self).items() if name not in left_out}
        item["timing"] = self.stats.to_json() if self.stats else {}
        return item

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> ClipSummary:
        """Return the summary that a file holds, without its times."""
        names = {f.name for f in fields(cls)} - {"stats"}
        found = {name: value for name, value in item.items() if name in names}
        return cls(**{"request": item.get("asked", {}), **found})  # its name until 0.1.0


def process_clip(
    reader: Reader,
    poses: PoseSource,
    plan: OutputPlan,
    *,
    options: RunOptions | None = None,
    tracker: Tracker | None = None,
    request: Mapping[str, Any] | None = None,
    on_frame: Callable[[PosedFrame], None] | None = None,
    sound_of: str = "",
    start: Checkpoint | None = None,
    journal: Journal | None = None,
) -> ClipSummary:
    """Run one clip into its folder and return what happened.

    The summary is written however the run ends; what was written before a failure stays.

    Args:
        reader: where frames come from.
        poses: gives every frame its people.
        plan: what is written.
        options: how the run goes.
        tracker: gives identities; None leaves every id 0.
        request: how the run was asked for, for the records' header and the summary.
        on_frame: called with every result, for progress.
        sound_of: file whose sound goes into the annotated clip of a run that can go on.
        start: where the run begins, for one that can go on after an interruption; reader and
            tracker must be there too. None: a run in one go.
        journal: notes how far the run has come; it is the last writer.

    Raises:
        StageError: a stage failed.
        OSError: the folder cannot be written.
        ValueError: a format is unknown.
    """
    request = {name: value for name, value in (request or {}).items() if value is not None}
    info = reader.info
    summary = ClipSummary(info.source, plan.shown)
    header = _header_of(info, poses, request)
    try:
        options = options or RunOptions()
        if options.boxes is not None:
            boxes = options.boxes.placed(info.image_names, info.frames_expected)
            options = replace(options, boxes=boxes)
        sound = SoundTrack(sound_of) if sound_of and plan.audio else None
        writers = open_writers(plan, header, start, options.chunk, sound)
        if journal is not None:
            writers.append(("journal", journal))
        if start is not None:
            summary.request, summary.engine = start.request, start.engine
            summary.resumed_at = start.frames
            for record in stored_poses(plan.folder, summary.resumed_at):
                count_people(summary, record.poses)
    except BaseException:
        reader.close()
        raise
    run = assemble(reader, poses, options, tracker, writers)
    try:
        for result in run:
            count_people(summary, result.poses)
            if on_frame is not None:
                on_frame(result)
        summary.complete = True
    except KeyboardInterrupt:
        summary.failure = "interrupted"
        run.stop(PATIENCE_AFTER_INTERRUPT_S)
        raise
    except Exception as error:
        summary.failure = in_words(error)
        raise
    finally:
        run.stop(PATIENCE_AFTER_INTERRUPT_S if summary.failure == "interrupted" else None)
        _note_reading(summary, reader, run)
        summary.warnings += options.boxes.notes if options.boxes is not None else ()
        summary.warnings += journal.warnings if journal is not None else []
        summary.warnings += [sound.failure] if sound is not None and sound.failure else []
        write_summary(plan.folder / SUMMARY_NAME, summary, request, poses.network)
    return summary


def _header_of(info: ClipInfo, poses: PoseSource, request: Mapping[str, Any]) -> ClipHeader:
    return ClipHeader(
        skeleton=poses.skeleton,
        source=info.source,
        width=info.width,
        height=info.height,
        fps=info.fps,
        options=request,
        image_names=info.image_names,
        pixel_aspect=info.pixel_aspect,
    )


def count_people(summary: ClipSummary, poses: Poses) -> None:
    """Count the people of one more frame."""
    people = len(poses)
    summary.frames += 1
    summary.people += people
    summary.most_people = max(summary.most_people, people)
    if people:
        summary.identities = max(summary.identities, int(poses.ids.max()))


def _note_reading(summary: ClipSummary, reader: Reader, run: Pipeline) -> None:
    report = reader.report
    summary.decoder_errors = report.error_count
    summary.decoder_messages = list(report.errors)
    summary.warnings = list(report.warnings)
    summary.stats = run.stats


def write_summary(
    path: Path,
    summary: ClipSummary,
    request: Mapping[str, Any],
    network: str,
) -> None:
    """Write ``summary.json``; of a run that failed, as well as can be."""
    item = summary.to_json()
    item["options"] = dict(request)
    item["network"] = network
    item["peak_memory_mb"] = round(peak_memory_bytes() / 2**20, 1)
    taking_part = {name: sys.modules[name] for name in _VERSIONS_OF if name in sys.modules}
    item["versions"] = {"rmpe": rmpe.__version__} | {
        name: str(module.__version__) for name, module in taking_part.items()
    }
    try:
        write_atomically(path, json.dumps(item, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        if summary.complete:
            raise
        log.warning("%s: the summary cannot be written", in_words(error))
