"""Gives every frame the poses that are stored for it: no network is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.engine.stage import Stage
from pipeline.items import PosedFrame
from pipeline.options import RunOptions
from rmpe.formats import PoseRecord
from rmpe.records import Frame
from rmpe.skeletons import Skeleton

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

_TIME_SLACK_S = 1e-5
"""Records hold six digits of a second."""


class OtherFramesError(ValueError):
    """The stored poses are not those of the clip's frames."""


@dataclass(frozen=True)
class StoredPoses:
    """Poses of a clip that are computed already; no network is run again."""

    skeleton: Skeleton
    """Their joints."""
    network: str
    """What computed them: runtime, device and precision in words."""
    engine: str
    """The same with digests of the weights, see :attr:`pipeline.sources.PoseSource.engine`."""
    records: Iterable[PoseRecord] = field(repr=False)
    """One for every frame of the clip, in order."""
    get_estimator: Callable[[], PoseEstimator | None] = field(default=lambda: None, repr=False)
    """Gives the estimator that looks for people who are missing; None: nobody looks."""

    def stages(self, options: RunOptions) -> list[Stage]:
        """Return the one stage that looks the poses up."""
        return [StoredStage(self)]

    def looker(self) -> PoseEstimator | None:
        """Return the estimator that looks for people who are missing, if there is one."""
        return self.get_estimator()


class StoredStage(Stage):
    """Frames in, the same frames with their stored poses out.

    Args:
        stored: of every frame that comes; frames before the first one that comes are passed over.

    Raises:
        OtherFramesError: from :meth:`process`, where a frame has no record or another time.
    """

    name = "stored"

    def __init__(self, stored: StoredPoses) -> None:
        self._records: Iterator[PoseRecord] = iter(stored.records)

    def process(self, item: Frame) -> Iterable[PosedFrame]:
        """Look up one frame."""
        for record in self._records:
            if record.frame_index < item.index:
                continue
            late_s = abs(record.timestamp_s - item.timestamp_s)
            if record.frame_index > item.index or late_s > _TIME_SLACK_S:
                break
            return [PosedFrame(item, record.poses)]
        raise OtherFramesError(
            f"no poses are stored for frame {item.index} at {item.timestamp_s:.6f} s"
        )
