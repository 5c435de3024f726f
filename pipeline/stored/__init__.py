"""Stored poses put to use without a network: drawn, tracked anew."""

from pipeline.stored.render import posed_frames, render_records
from pipeline.stored.retrack import retrack_records

__all__ = ["posed_frames", "render_records", "retrack_records"]
