"""Small sets with pictures, whose joints are where the box estimator puts them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from rmpe.skeletons import COCO_17, MPII_16
from tests.helpers.box_estimator import BOXES, places


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A folder of pictures 1.png, 2.png, 3.png and their annotation file."""
    for image in BOXES:
        cv2.imwrite(str(tmp_path / f"{image}.png"), np.full((240, 320, 3), 60 * image, np.uint8))
    people = [(image, box) for image, boxes in BOXES.items() for box in boxes]
    annotations = []
    for number, (image, (x, y, width, height)) in enumerate(people, start=1):
        points = np.array([x, y]) + places(COCO_17) * np.array([width, height])
        joints = np.concatenate([points, np.full((17, 1), 2)], 1)
        annotations.append(
            {
                "id": number,
                "image_id": image,
                "category_id": 1,
                "keypoints": joints.reshape(-1).tolist(),
                "bbox": [x, y, width, height],
            }
        )
    document = {
        "images": [{"id": image, "file_name": f"{image}.png"} for image in BOXES],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}],
    }
    (tmp_path / "truth.json").write_text(json.dumps(document))
    return tmp_path


@pytest.fixture
def mpii(tmp_path: Path) -> Path:
    """Two pictures of one person each and one that is missing, joints as the estimator puts them.

    Boxes are 200 pixels from (0, 0), heads 0.6 * 50 = 30 pixels.
    """
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((300, 300, 3), np.uint8))
    entries = [
        {
            "image": name,
            "center": [101, 86],
            "scale": 1.0,
            "joints": (places(MPII_16) * 200 + 1).tolist(),
            "joints_vis": [1] * 16,
        }
        for name in ("a.png", "missing.png", "b.png")
    ]
    (tmp_path / "valid.json").write_text(json.dumps(entries))
    np.savez(
        tmp_path / "gt.npz",
        pos_gt_src=np.zeros((16, 2, 3)),
        jnt_missing=np.zeros((16, 3)),
        headboxes_src=np.tile(np.array([[[0.0], [0]], [[30], [40]]]), (1, 1, 3)),
    )
    return tmp_path
