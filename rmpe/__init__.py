"""rmpe: video human pose. Importing this module is cheap; the names below load on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door
from rmpe.records import Boxes, Frame, Poses

if TYPE_CHECKING:
    from pipeline.clip_results import video
    from rmpe.estimator import PoseEstimator
    from rmpe.formats import read_records
    from rmpe.formats.table import to_table
    from rmpe.kinematics import measure_clip
    from rmpe.skeletons import Skeleton, get_skeleton

__version__ = "0.2.0"

__all__ = [
    "Boxes",
    "Frame",
    "PoseEstimator",
    "Poses",
    "Skeleton",
    "__version__",
    "get_skeleton",
    "measure_clip",
    "read_records",
    "to_table",
    "video",
]

__getattr__, _ = lazy_door(
    __name__,
    {
        "ClipResults": "pipeline.clip_results",
        "DrawingStyle": "rmpe.drawing",
        "EstimatorOptions": "rmpe.estimator",
        "PictureResult": "rmpe.results",
        "PoseEstimator": "rmpe.estimator",
        "Skeleton": "rmpe.skeletons",
        "draw_poses": "rmpe.drawing",
        "get_skeleton": "rmpe.skeletons",
        "measure_clip": "rmpe.kinematics",
        "read_records": "rmpe.formats",
        "save_results": "rmpe.results",
        "to_table": "rmpe.formats.table",
        "video": "pipeline.clip_results",
    },
)


def __dir__() -> list[str]:
    """Return what a user needs; what results, options and drawing are made of loads too."""
    return __all__
