"""Give stored poses identities, anew: pictures are read, no network is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pipeline.items import PosedFrame
from pipeline.readers.base import Reader
from pipeline.stages.track import FRAMES_HELD_BACK
from pipeline.stored.plain_trackers import PlainTracker
from pipeline.stored.render import posed_frames
from rmpe.formats import ClipHeader, PoseReader, PoseWriter
from rmpe.records import Frame, Poses
from tracking import (
    DEFAULT,
    OneEuroSmoother,
    OnlineTracker,
    PoseFlowParameters,
    TrackerParameters,
    track_clip,
)
from tracking.following import Explanation, LateNames
from tracking.offline import FlowBuilding

_Timed = tuple[int, float, Poses]


def retrack_records(
    reader: Reader,
    records: PoseReader,
    make_writer: Callable[[ClipHeader], PoseWriter],
    *,
    parameters: TrackerParameters | PoseFlowParameters = DEFAULT,
    whole_clip: FlowBuilding | None = None,
    plain: PlainTracker | None = None,
    smoother: OneEuroSmoother | None = None,
    on_frame: Callable[[PosedFrame], object] | None = None,
) -> int:
    """Track stored poses and write them with their new identities.

    Args:
        reader: the clip that the records are about; it is closed at the end.
        records: stored poses; identities in them are not looked at.
        make_writer: gives the writer for a header.
        parameters: rules of the tracker.
        whole_clip: keep all poses (no pictures) to the end, then merge redundant flows and join cut
            ones before anything is written; says how the flows are built. None: frame by frame.
        plain: another tracker, to compare with, frame by frame; None: our own.
        smoother: smooths the joints of every identity; None: they stay as they are.
        on_frame: called with every frame, for progress.

    Returns:
        Number of different people.

    Raises:
        OSError: the clip cannot be read or the output not written.
        ValueError: the clip is not the one of the records; ``whole_clip`` is no way to build flows.
    """
    header, info = records.header, reader.info
    header = replace(
        header,
        source=info.source,
        width=info.width or header.width,
        height=info.height or header.height,
        fps=info.fps or header.fps,
        image_names=tuple(info.image_names) or header.image_names,
    )
    writer = make_writer(header)
    identities: set[int] = set()
    complete = False
    try:
        frames = _announced(posed_frames(reader, records), on_frame)
        if plain is None:
            tracked = _tracked(frames, parameters, whole_clip)
        else:
            tracked = ((f.index, f.timestamp_s, plain.update(f, poses)) for f, poses in frames)
        for index, time_s, poses in tracked:
            smooth = poses if smoother is None else smoother.update(time_s, poses)
            writer.write(index, time_s, smooth)
            identities.update(smooth.ids[smooth.ids > 0].tolist())
        complete = True
    finally:
        writer.close(complete)
        reader.close()
    return len(identities)


def explain_frame(
    reader: Reader,
    records: PoseReader,
    index: int,
    *,
    parameters: TrackerParameters = DEFAULT,
    on_frame: Callable[[PosedFrame], object] | None = None,
) -> Explanation:
    """Track stored poses up to a frame and return why its people are who they are.

    Args:
        reader: the clip that the records are about; it is closed at the end.
        records: stored poses; identities in them are not looked at.
        index: of the frame, from 0.
        parameters: rules of the tracker.
        on_frame: called with every frame, for progress.

    Raises:
        IndexError: the clip has no such frame.
        OSError: the clip cannot be read.
        ValueError: the clip is not the one of the records.
    """
    tracker = OnlineTracker(parameters)
    latest = -1
    try:
        for frame, poses in _announced(posed_frames(reader, records), on_frame):
            latest = frame.index
            if latest > index:
                break
            tracker.update(frame, poses)
            if latest == index and tracker.explanation is not None:
                return tracker.explanation
    finally:
        reader.close()
    there = f"frame {latest} is its last" if latest < index else f"the next is frame {latest}"
    there = there if latest >= 0 else "it has no frames"
    raise IndexError(f"{reader.info.source} has no frame {index}: {there}")


def _tracked(
    frames: Iterable[tuple[Frame, Poses]],
    parameters: TrackerParameters | PoseFlowParameters,
    whole_clip: FlowBuilding | None,
) -> Iterator[_Timed]:
    if whole_clip is None:
        yield from _with_late_names(frames, OnlineTracker(parameters))
        return
    times: list[tuple[int, float]] = []

    def clip() -> Iterator[tuple[Frame, Poses]]:
        for frame, poses in frames:
            times.append((frame.index, frame.timestamp_s))
            yield frame, poses

    refined = track_clip(clip(), parameters, building=whole_clip)
    for (index, time_s), poses in zip(times, refined):
        yield index, time_s, poses


def _with_late_names(
    frames: Iterable[tuple[Frame, Poses]], tracker: OnlineTracker
) -> Iterator[_Timed]:
    late: LateNames[tuple[int, float]] = LateNames(FRAMES_HELD_BACK)
    for frame, poses in frames:
        tracked = tracker.update(frame, poses)
        for time, named in late.take((frame.index, frame.timestamp_s), tracked, tracker.naming):
            yield *time, named
    for time, named in late.flush():
        yield *time, named


def _announced(
    frames: Iterable[PosedFrame], on_frame: Callable[[PosedFrame], object] | None
) -> Iterator[tuple[Frame, Poses]]:
    """Yield frames with their people; tell of each when the next is asked for."""
    for posed in frames:
        yield posed.frame, posed.poses
        if on_frame is not None:
            on_frame(posed)
