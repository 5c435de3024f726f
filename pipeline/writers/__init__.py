"""Where results go: records, an annotated video, annotated pictures."""

from pipeline.writers.base import Writer, WriteStage
from pipeline.writers.by_suffix import check_target, open_target
from pipeline.writers.chunked_video import ChunkedVideoWriter
from pipeline.writers.images import ImagesWriter
from pipeline.writers.records import RecordsWriter
from pipeline.writers.video import VideoWriter

__all__ = [
    "ChunkedVideoWriter",
    "ImagesWriter",
    "RecordsWriter",
    "VideoWriter",
    "WriteStage",
    "Writer",
    "check_target",
    "open_target",
]
