"""Measurements as files: tables, files of biomechanics programs, plots."""

from rmpe.kinematics.outputs.folder import (
    OUTPUT_FORMATS,
    PLOT_FORMATS,
    filled_warnings,
    write_measures,
)
from rmpe.kinematics.outputs.tables import long_table, wide_table

__all__ = [
    "OUTPUT_FORMATS",
    "PLOT_FORMATS",
    "filled_warnings",
    "long_table",
    "wide_table",
    "write_measures",
]
