"""How a run goes, beside the estimator's own options."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.engine.runner import ChannelLimits
from pipeline.stages.following import FollowParameters
from pipeline.stages.rhythm import DetectEvery
from rmpe.detectors.precomputed import PrecomputedBoxes


@dataclass(frozen=True)
class RunOptions:
    """What a run does beside the estimator's own options."""

    detect_every: DetectEvery = 1
    """Detect people in every n-th frame; in between, look around their last poses. ``auto``, for
    live runs: as often as there is time."""
    detect_batch: int = 1
    """Frames in one call of the detector; more than 1 need ``detect_every`` 1, and are for GPUs."""
    boxes: PrecomputedBoxes | None = None
    """Boxes by frame index to use instead of the detector."""
    follow: FollowParameters = field(default_factory=FollowParameters)
    """How a pose becomes the next frame's box, with ``detect_every`` other than 1."""
    limits: ChannelLimits | None = None
    """How much may wait between stages, and in all of them together; None: as much as keeps this
    machine busy, by the size of the pictures."""
    pixel_aspect: tuple[int, int] = (1, 1)
    """Width and height of the clip's pixels as they are shown; people are searched in square ones.
    A run takes it from its reader."""
    batch_frames: int = 8
    """Frames that may share a batch of crops, so that a clip with few people neither waits long nor
    piles up pictures; 1 sends the people of every frame at once, as live runs need."""
    chunk_frames: int = 64
    """Batches start afresh after this many frames; a run can be cut there without any effect."""

    def __post_init__(self) -> None:
        for name in ("detect_every", "detect_batch", "batch_frames", "chunk_frames"):
            value = getattr(self, name)
            if value != "auto" and value < 1:
                raise ValueError(f"{name} is {value}, allowed is 1 or more")
        if self.detect_batch > 1 and self.detect_every != 1:
            raise ValueError(
                f"detect_batch is {self.detect_batch}, which needs every frame to be searched; "
                f"detect_every is {self.detect_every}"
            )

    @property
    def chunk(self) -> int:
        """Frames of one chunk: ``chunk_frames`` made a multiple of ``detect_every``.

        The first frame of a chunk is looked at by the detector and shares no batch with frames
        before, so its poses do not depend on where a run began.
        """
        every = 1 if self.detect_every == "auto" else self.detect_every
        return -(-self.chunk_frames // every) * every
