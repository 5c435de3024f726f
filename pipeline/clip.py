"""One clip, one output folder: run it, write everything, and sum up what happened."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.assemble import RunOptions, assemble
from pipeline.flow import PosedFrame
from pipeline.readers.base import Reader
from pipeline.runner import PATIENCE_AFTER_INTERRUPT_S, Pipeline
from pipeline.stages.track import Tracker
from pipeline.stats import RunStats, peak_memory_bytes
from pipeline.writers import ImagesWriter, RecordsWriter, VideoWriter, Writer
from rmpe.formats import ClipHeader, get_format

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

NATIVE = "native"
SUMMARY_NAME = "summary.json"
VIDEO_NAME = "annotated.mp4"
_VERSIONS_OF = ("rmpe", "torch", "openvino", "opencv-python", "av", "numpy")


@dataclass(frozen=True)
class OutputPlan:
    """What is written for one clip."""

    folder: Path
    """Where to; it is made if missing."""
    formats: tuple[str, ...] = ()
    """Record formats beside the native one, names in :data:`rmpe.formats.FORMATS`."""
    video: bool = True
    """Write ``annotated.mp4``, for clips."""
    images: bool = False
    """Write annotated pictures, for folders of pictures."""
    video_threads: int = 1
    """Threads of the encoder."""


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
    stats: RunStats | None = None
    """Times of the run and its stages."""

    @property
    def succeeded(self) -> bool:
        """Whether the clip was whole and was done to its end."""
        return self.complete and not self.decoder_errors

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        item = {name: value for name, value in vars(self).items() if name != "stats"}
        item["timing"] = self.stats.to_json() if self.stats else {}
        return item


def process_clip(
    reader: Reader,
    estimator: PoseEstimator,
    plan: OutputPlan,
    *,
    options: RunOptions | None = None,
    tracker: Tracker | None = None,
    described: Mapping[str, Any] | None = None,
    on_frame: Callable[[PosedFrame], None] | None = None,
) -> ClipSummary:
    """Run one clip into its folder and return what happened.

    The summary is written however the run ends; what was written before a failure stays.

    Args:
        reader: where frames come from.
        estimator: finds people and their joints.
        plan: what is written.
        options: how the run goes.
        tracker: gives identities; None leaves every id 0.
        described: how the run was asked for, for the records' header and the summary.
        on_frame: called with every result, for progress.

    Raises:
        StageError: a stage failed.
        OSError: the folder cannot be written.
        ValueError: a format is unknown.
    """
    described = dict(described or {})
    summary = ClipSummary(reader.info.source, str(plan.folder))
    try:
        writers = _open_writers(reader, estimator, plan, described)
    except BaseException:
        reader.close()
        raise
    run = assemble(reader, estimator, options, tracker, writers)
    try:
        for result in run:
            _count(summary, result)
            if on_frame is not None:
                on_frame(result)
        summary.complete = True
    except KeyboardInterrupt:
        summary.failure = "interrupted"
        run.stop(PATIENCE_AFTER_INTERRUPT_S)
        raise
    except Exception as error:
        summary.failure = str(error)
        raise
    finally:
        run.stop(PATIENCE_AFTER_INTERRUPT_S if summary.failure == "interrupted" else None)
        _note_reading(summary, reader, run)
        _write_summary(plan.folder / SUMMARY_NAME, summary, described, estimator)
    return summary


def _open_writers(
    reader: Reader, estimator: PoseEstimator, plan: OutputPlan, described: Mapping[str, Any]
) -> list[tuple[str, Writer]]:
    """Open every output; nothing stays open if one of them fails."""
    info, skeleton = reader.info, estimator.skeleton
    header = ClipHeader(
        skeleton=skeleton,
        source=info.source,
        width=info.width,
        height=info.height,
        fps=info.fps,
        options=described,
        image_names=info.image_names,
    )
    for name in plan.formats:
        get_format(name)
    plan.folder.mkdir(parents=True, exist_ok=True)
    writers: list[tuple[str, Writer]] = []
    try:
        for name in dict.fromkeys((NATIVE, *plan.formats)):
            writers.append((name, RecordsWriter(name, plan.folder, header)))
        if plan.images:
            folder = plan.folder / "annotated"
            writers.append(("images", ImagesWriter(folder, info.image_names, skeleton)))
        if plan.video:
            path = plan.folder / VIDEO_NAME
            path.unlink(missing_ok=True)
            video = VideoWriter(path, skeleton, info.fps, threads=plan.video_threads)
            writers.append(("video", video))
    except BaseException:
        for _, writer in writers:
            writer.close(complete=False)
        raise
    return writers


def _count(summary: ClipSummary, result: PosedFrame) -> None:
    people = len(result.poses)
    summary.frames += 1
    summary.people += people
    summary.most_people = max(summary.most_people, people)
    if people:
        summary.identities = max(summary.identities, int(result.poses.ids.max()))


def _note_reading(summary: ClipSummary, reader: Reader, run: Pipeline) -> None:
    report = reader.report
    summary.decoder_errors = report.error_count
    summary.decoder_messages = list(report.errors)
    summary.warnings = list(report.warnings)
    summary.stats = run.stats


def _write_summary(
    path: Path,
    summary: ClipSummary,
    described: Mapping[str, Any],
    estimator: PoseEstimator,
) -> None:
    item = summary.to_json()
    item["options"] = dict(described)
    item["network"] = getattr(estimator.runtime, "description", "")
    item["peak_memory_mb"] = round(peak_memory_bytes() / 2**20, 1)
    item["versions"] = {name: _version(name) for name in _VERSIONS_OF}
    path.write_text(json.dumps(item, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
