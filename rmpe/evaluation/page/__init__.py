"""One HTML page of an evaluation: curves, scores by joint and the worst pictures, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.evaluation.page._parts import WORST_PICTURES
    from rmpe.evaluation.page.report import worst_pictures, write_report

__all__ = [
    "WORST_PICTURES",
    "worst_pictures",
    "write_report",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "WORST_PICTURES": "rmpe.evaluation.page._parts",
        "worst_pictures": "rmpe.evaluation.page.report",
        "write_report": "rmpe.evaluation.page.report",
    },
)
