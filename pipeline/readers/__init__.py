"""Where frames come from: video files and pictures."""

from pipeline.readers.base import ClipInfo, Reader, ReadReport
from pipeline.readers.images import ImageReader
from pipeline.readers.span import Span
from pipeline.readers.video import VideoReader

__all__ = ["ClipInfo", "ImageReader", "ReadReport", "Reader", "Span", "VideoReader"]
