"""``rmpe.video("clip.mp4")``: a clip's results one after another, or saved in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.assemble import run_video
from pipeline.clips.clip import ClipSummary, process_clip
from pipeline.clips.outputs import OutputPlan
from pipeline.options import RunOptions
from pipeline.readers.address import shown_source
from pipeline.readers.video import Span, VideoReader
from pipeline.sources import NetworkPoses
from pipeline.stages.track import build_tracker
from pipeline.storage import is_stored
from rmpe.results import PictureResult

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


@dataclass(frozen=True)
class ClipResults:
    """The results of a clip: iterate, or save. Every iteration runs the clip anew."""

    source: str
    """File or address."""
    estimator: PoseEstimator
    """Finds people and their joints."""
    span: Span
    """Part of the clip."""
    options: RunOptions
    """How the run goes."""
    track: bool = True
    """Give people identities."""
    smooth: bool = False
    """Smooth every person's joints over time."""

    def __iter__(self) -> Iterator[PictureResult]:
        """Yield every frame's result, in order; leaving the loop ends the run and its threads.

        Raises:
            OSError: the clip cannot be opened.
            StageError: a stage failed; ``__cause__`` says why.
        """
        frames = run_video(
            self.source,
            self.estimator,
            span=self.span,
            options=self.options,
            track=self.track,
            smooth=self.smooth,
        )
        for frame, poses in frames:
            yield PictureResult.of(
                poses,
                self.estimator.skeleton,
                picture=frame.image_bgr,
                frame_index=frame.index,
                timestamp_s=frame.timestamp_s,
            )

    def save(
        self, folder: str | Path, *, formats: Sequence[str] = (), video: bool = True
    ) -> ClipSummary:
        """Run the clip and write ``poses.ndjson``, ``annotated.mp4`` and ``summary.json``.

        Args:
            folder: where to; it is made if missing, and files of these names are replaced.
            formats: further record formats, names in :data:`rmpe.formats.FORMATS`.
            video: write ``annotated.mp4``.

        Returns:
            What happened to the clip.

        Raises:
            OSError: the clip cannot be opened or the folder not written.
            StageError: a stage failed; what was written before stays.
            ValueError: a format is unknown.
        """
        return process_clip(
            VideoReader(self.source, self.span),
            NetworkPoses(self.estimator),
            OutputPlan(Path(folder), tuple(formats), video=video),
            options=self.options,
            tracker=build_tracker(self.track, self.smooth, self.estimator),
        )


def video(
    source: str | Path,
    estimator: PoseEstimator | str = "compact",
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    stride: int = 1,
    detect_every: int = 1,
    track: bool = True,
    smooth: bool = False,
) -> ClipResults:
    """Return the results of a clip, computed as they are asked for.

    Args:
        source: file or address of a stream; clips in a store are read by the command line alone.
        estimator: an estimator, or a preset's name.
        start_s: first second to take.
        end_s: second to stop at; None goes on to the end.
        stride: take every n-th frame.
        detect_every: look for people in every n-th frame and follow them in between.
        track: give people identities that last for the clip.
        smooth: smooth every person's joints over time.

    Raises:
        OSError: weights must be fetched and cannot.
        ValueError: an argument is out of its range, the preset unknown, or the clip in a store.

    Example:
        >>> for result in rmpe.video("clip.mp4"):                             # doctest: +SKIP
        ...     print(result.timestamp_s, result.ids, result.keypoints_xy.shape)
        >>> rmpe.video("clip.mp4").save("clip_rmpe")                          # doctest: +SKIP
    """
    if is_stored(source):
        raise ValueError(
            f"{shown_source(str(source))} lies in a store: `rmpe video` reads it there, rmpe.video "
            "needs a copy on this disk"
        )
    span = Span(start_s, end_s, stride)
    options = RunOptions(detect_every=detect_every)
    build_tracker(track, smooth)
    if isinstance(estimator, str):
        from rmpe.estimator import PoseEstimator

        estimator = PoseEstimator(estimator)
    return ClipResults(str(source), estimator, span, options, track, smooth)
