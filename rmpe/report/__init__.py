"""One self-contained HTML page on which stored poses are looked at, frame by frame."""

from rmpe.report._page import (
    ClipReport,
    ReportOptions,
    ReportSummary,
    find_clip,
    find_clip_file,
    write_report,
)
from rmpe.report.pictures import ClipMode, PictureOptions

__all__ = [
    "ClipMode",
    "ClipReport",
    "PictureOptions",
    "ReportOptions",
    "ReportSummary",
    "find_clip",
    "find_clip_file",
    "write_report",
]
