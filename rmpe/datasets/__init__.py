"""Annotated people of the public data sets and of a user's own COCO-style files.

A reader per set gives a :class:`KeypointSet`: the pictures, the people in them in the set's own
joints, and one line for everything that was left out and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.datasets.coco import read_coco_set
    from rmpe.datasets.crowdpose import read_crowdpose_set
    from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet, Picture
    from rmpe.datasets.lspet import read_lspet
    from rmpe.datasets.mpii import read_mpii_set
    from rmpe.datasets.posetrack import read_posetrack_set
    from rmpe.datasets.synthetic_people import write_synthetic_set

__all__ = [
    "AnnotatedPerson",
    "KeypointSet",
    "Picture",
    "read_coco_set",
    "read_crowdpose_set",
    "read_lspet",
    "read_mpii_set",
    "read_posetrack_set",
    "write_synthetic_set",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "AnnotatedPerson": "rmpe.datasets.keypoint_set",
        "KeypointSet": "rmpe.datasets.keypoint_set",
        "Picture": "rmpe.datasets.keypoint_set",
        "read_coco_set": "rmpe.datasets.coco",
        "read_crowdpose_set": "rmpe.datasets.crowdpose",
        "read_lspet": "rmpe.datasets.lspet",
        "read_mpii_set": "rmpe.datasets.mpii",
        "read_posetrack_set": "rmpe.datasets.posetrack",
        "write_synthetic_set": "rmpe.datasets.synthetic_people",
    },
)
