"""rmpe: video human pose. Importing this module is cheap; the names below load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rmpe.records import Boxes, Frame, Poses

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator
    from rmpe.formats import read_records
    from rmpe.formats.table import to_table
    from rmpe.skeletons import Skeleton, get_skeleton

__version__ = "0.2.0"

_LATER = {
    "PoseEstimator": "rmpe.estimator",
    "Skeleton": "rmpe.skeletons",
    "get_skeleton": "rmpe.skeletons",
    "read_records": "rmpe.formats",
    "to_table": "rmpe.formats.table",
}

__all__ = [
    "Boxes",
    "Frame",
    "PoseEstimator",
    "Poses",
    "Skeleton",
    "__version__",
    "get_skeleton",
    "read_records",
    "to_table",
]


def __getattr__(name: str) -> Any:
    """Load a public name the first time it is asked for (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module 'rmpe' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)
