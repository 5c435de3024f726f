"""What people do over time: angles, places, speeds, distances and steps from stored poses.

No network is run. :func:`measure_clip` gives everything of a clip; :func:`write_measures` writes it
as tables and for biomechanics programs. Importing this is cheap; the names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.kinematics._options import KnownLength, MeasureOptions
    from rmpe.kinematics.angles import ANGLES
    from rmpe.kinematics.filters import FILTERS, Filter
    from rmpe.kinematics.measuring import ClipMeasures, PersonMeasures, Series, measure_clip
    from rmpe.kinematics.outputs import write_measures

__all__ = [
    "ANGLES",
    "FILTERS",
    "ClipMeasures",
    "Filter",
    "KnownLength",
    "MeasureOptions",
    "PersonMeasures",
    "Series",
    "measure_clip",
    "write_measures",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "ANGLES": "rmpe.kinematics.angles",
        "ClipMeasures": "rmpe.kinematics.measuring",
        "FILTERS": "rmpe.kinematics.filters",
        "Filter": "rmpe.kinematics.filters",
        "KnownLength": "rmpe.kinematics._options",
        "MeasureOptions": "rmpe.kinematics._options",
        "PersonMeasures": "rmpe.kinematics.measuring",
        "Series": "rmpe.kinematics.measuring",
        "measure_clip": "rmpe.kinematics.measuring",
        "write_measures": "rmpe.kinematics.outputs",
    },
)
