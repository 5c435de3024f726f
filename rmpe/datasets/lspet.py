"""Leeds Sports Pose Extended (Johnson and Everingham, CVPR 2011): the pack with merged targets.

Training targets come from ``coco17.npz`` (human joints, gaps filled by a teacher), the held-out
scores from ``joints.npz`` (human joints only).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from rmpe.datasets.pose_samples import PoseSample
from rmpe.datasets.tar_pictures import TarPictures
from rmpe.skeletons import COCO_19, LSP_14

TRUST_OF_SOURCE = (0.0, 1.0, 0.7, 0.7, 0.3, 0.5)
"""By the pack's ``source`` code: none, human, teacher, exchanged sides, doubtful, derived neck."""


def read_lspet(folder: Path | str, split: Literal["train", "validation"]) -> list[PoseSample]:
    """Read one split of the pack, a sample for each picture.

    ``train``: merged joints with a trust each. ``validation``: human joints only, all with trust 1.

    Raises:
        OSError: a file of the pack is missing.
    """
    folder = Path(folder)
    pictures = TarPictures(folder / "images.tar")
    with np.load(folder / "joints.npz") as joints, np.load(folder / "coco17.npz") as merged:
        names, boxes_xywh = joints["file_names"], joints["box"]
        human, is_validation = joints["joints"], joints["is_val"]
        keypoints, source, teacher_fits = merged["keypoints"], merged["source"], merged["trust"]
    with np.load(folder / "blazepose.npz") as teacher:
        torso = teacher["torso"]
    target = [COCO_19.index(name) for name in LSP_14.joints]
    trust_table = np.array(TRUST_OF_SOURCE, np.float32)
    samples = []
    for row in np.flatnonzero(is_validation == (split == "validation")):
        if split == "train":
            points, trust = keypoints[row, :, :2], trust_table[source[row]]
        else:
            points = np.zeros((COCO_19.joint_count, 2), np.float32)
            trust = np.zeros(COCO_19.joint_count, np.float32)
            points[target], trust[target] = human[row, :, :2], human[row, :, 2]
        left, top, width, height = (float(value) for value in boxes_xywh[row])
        samples.append(
            PoseSample(
                name=str(names[row]),
                source="lspet",
                box_xyxy=np.array([left, top, left + width, top + height], np.float32),
                keypoints_xy=points.astype(np.float32),
                trust=trust,
                teacher_trust=float(teacher_fits[row]),
                torso=float(torso[row]),
                area=width * height,
                load=partial(pictures.read, str(names[row])),
            )
        )
    return samples
