"""Where results go: records, an annotated video, annotated pictures."""

from pipeline.writers.base import Writer, WriteStage
from pipeline.writers.images import ImagesWriter
from pipeline.writers.records import RecordsWriter
from pipeline.writers.resumable_video import SegmentedVideoWriter
from pipeline.writers.video import VideoWriter

__all__ = [
    "ImagesWriter",
    "RecordsWriter",
    "SegmentedVideoWriter",
    "VideoWriter",
    "WriteStage",
    "Writer",
]
