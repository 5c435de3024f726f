"""Clips, pictures and results behind addresses (``s3://``, ``gs://``, ``memory://``), by fsspec.

What is read is staged on this disk; what was made here is uploaded whole, when a run is done.
"""

from pipeline.storage.delivery import StoredFolder
from pipeline.storage.inputs import find_sources, output_places, unique_sources
from pipeline.storage.staging import fetch_pictures, fetch_records
from pipeline.storage.store import Stored, is_stored

__all__ = [
    "Stored",
    "StoredFolder",
    "fetch_pictures",
    "fetch_records",
    "find_sources",
    "is_stored",
    "output_places",
    "unique_sources",
]
