"""Leeds Sports Pose Extended (Johnson and Everingham, CVPR 2011): the pack with merged targets.

Training targets come from ``coco17.npz`` (human joints, gaps filled by a teacher), the held-out
scores from ``joints.npz`` (human joints only).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet, Picture
from rmpe.skeletons import COCO_19, LSP_14

WEIGHT_OF_SOURCE = (0.0, 1.0, 0.7, 0.7, 0.3, 0.5)
"""By the pack's ``source`` code: none, human, teacher, exchanged sides, doubtful, derived neck."""


def read_lspet(folder: Path | str, split: Literal["train", "validation"]) -> KeypointSet:
    """Read one split of the pack, one person a picture, in COCO-19 joints.

    ``train``: merged joints with a weight each. ``validation``: human joints only.

    Raises:
        OSError: a file of the pack is missing.
    """
    folder = Path(folder)
    with np.load(folder / "joints.npz") as joints, np.load(folder / "coco17.npz") as merged:
        names, boxes_xywh = joints["file_names"], joints["box"]
        human, is_validation = joints["joints"], joints["is_val"]
        keypoints, source = merged["keypoints"], merged["source"]
    with np.load(folder / "blazepose.npz") as teacher:
        torso = teacher["torso"]
    target = [COCO_19.index(name) for name in LSP_14.joints]
    weight_table = np.array(WEIGHT_OF_SOURCE, np.float32)
    people: list[AnnotatedPerson] = []
    for row in np.flatnonzero(is_validation == (split == "validation")):
        if split == "train":
            points, weights = keypoints[row, :, :2], weight_table[source[row]]
        else:
            points = np.zeros((COCO_19.joint_count, 2), np.float32)
            weights = np.zeros(COCO_19.joint_count, np.float32)
            points[target], weights[target] = human[row, :, :2], human[row, :, 2]
        left, top, width, height = (float(value) for value in boxes_xywh[row])
        number = len(people)
        people.append(
            AnnotatedPerson(
                picture=Picture(number, folder / "images.tar" / str(names[row])),
                annotation_id=number,
                box_xyxy=np.array([left, top, left + width, top + height], np.float32),
                keypoints_xy=points.astype(np.float32),
                visibility=np.where(weights > 0, 2, 0).astype(np.uint8),
                area=width * height,
                weights=weights,
                torso=float(torso[row]),
            )
        )
    return KeypointSet(COCO_19, tuple(p.picture for p in people), tuple(people), ())
