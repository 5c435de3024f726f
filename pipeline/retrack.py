"""Give stored poses identities, anew: pictures are read, no network is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pipeline.flow import PosedFrame
from pipeline.readers.base import Reader
from pipeline.render import posed_frames
from rmpe.formats import ClipHeader, PoseReader, PoseWriter
from rmpe.records import Poses
from tracking import DEFAULT, OneEuroSmoother, OnlineTracker, PoseFlowParameters, refine_tracks

_Timed = tuple[int, float, Poses]


def retrack_records(
    reader: Reader,
    records: PoseReader,
    make_writer: Callable[[ClipHeader], PoseWriter],
    *,
    parameters: PoseFlowParameters = DEFAULT,
    whole_clip: bool = False,
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
            ones before anything is written.
        smoother: smooths the joints of every identity; None: they stay as they are.
        on_frame: called with every frame, for progress.

    Returns:
        Number of different people.

    Raises:
        OSError: the clip cannot be read or the output not written.
        ValueError: the clip is not the one of the records.
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
        tracked = _tracked(reader, records, parameters, on_frame)
        for index, time_s, poses in _refined(tracked) if whole_clip else tracked:
            smooth = poses if smoother is None else smoother.update(time_s, poses)
            writer.write(index, time_s, smooth)
            identities.update(smooth.ids.tolist())
        complete = True
    finally:
        writer.close(complete)
        reader.close()
    return len(identities)


def _tracked(
    reader: Reader,
    records: PoseReader,
    parameters: PoseFlowParameters,
    on_frame: Callable[[PosedFrame], object] | None,
) -> Iterator[_Timed]:
    tracker = OnlineTracker(parameters)
    for posed in posed_frames(reader, records):
        poses = tracker.update(posed.frame, posed.poses)
        yield posed.frame.index, posed.frame.timestamp_s, poses
        if on_frame is not None:
            on_frame(posed)


def _refined(tracked: Iterator[_Timed]) -> Iterator[_Timed]:
    everything = list(tracked)
    refined = refine_tracks([poses for _, _, poses in everything])
    for (index, time_s, _), poses in zip(everything, refined):
        yield index, time_s, poses
