"""One HTML page of an evaluation: curves, scores by joint and the worst pictures, drawn."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmpe.evaluation.page._parts import WORST_PICTURES
    from rmpe.evaluation.page.report import worst_pictures, write_report

_HOMES = {
    "write_report": "rmpe.evaluation.page.report",
    "worst_pictures": "rmpe.evaluation.page.report",
    "WORST_PICTURES": "rmpe.evaluation.page._parts",
}

__all__ = [
    "WORST_PICTURES",
    "worst_pictures",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Load a name the first time it is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'rmpe.evaluation.page' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
