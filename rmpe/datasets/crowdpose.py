"""CrowdPose (Li et al., CVPR 2019): COCO-style files of 14 joints, a crowd index a picture."""

from __future__ import annotations

from pathlib import Path

from rmpe.datasets.coco import read_coco_set
from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.skeletons import CROWDPOSE_14


def read_crowdpose_set(
    annotations: Path | str, image_folder: Path | str | None = None
) -> KeypointSet:
    """Return the annotation of a ``crowdpose_*.json``; see :func:`read_coco_set`.

    Its categories name head and neck in that order, whatever else they say, so the 14 joints are
    fixed here.
    """
    return read_coco_set(annotations, image_folder, CROWDPOSE_14)
