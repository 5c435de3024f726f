"""People of a COCO keypoint file, each with its own box: for scores with ground-truth boxes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from rmpe.datasets.pose_samples import ImageArray, PoseSample, torso_length
from rmpe.skeletons import COCO_19

COCO_JOINTS = 17


def read_coco_people(annotations: Path | str, image_folder: Path | str) -> list[PoseSample]:
    """Read the people with at least one annotated joint, in the order of the file.

    The sample's name is ``FILE#ANNOTATION_ID``.

    Raises:
        OSError: the annotation file is missing; the pictures are opened when they are loaded.
        ValueError: an annotation names a picture that the file does not list.
    """
    content = json.loads(Path(annotations).read_text())
    files = {image["id"]: image["file_name"] for image in content["images"]}
    samples = []
    for annotation in content["annotations"]:
        joints = np.asarray(annotation.get("keypoints", []), np.float32).reshape(-1, 3)
        if len(joints) != COCO_JOINTS or not joints[:, 2].any():
            continue
        if annotation["image_id"] not in files:
            raise ValueError(
                f"{annotations}: annotation {annotation['id']} names picture "
                f"{annotation['image_id']}, which the file does not list"
            )
        points = np.zeros((COCO_19.joint_count, 2), np.float32)
        trust = np.zeros(COCO_19.joint_count, np.float32)
        points[:COCO_JOINTS] = joints[:, :2]
        trust[:COCO_JOINTS] = joints[:, 2] > 0
        left, top, width, height = (float(value) for value in annotation["bbox"])
        file_name = files[annotation["image_id"]]
        samples.append(
            PoseSample(
                name=f"{file_name}#{annotation['id']}",
                source="coco_people",
                box_xyxy=np.array([left, top, left + width, top + height], np.float32),
                keypoints_xy=points,
                trust=trust,
                teacher_trust=0.0,
                torso=torso_length(points, trust > 0),
                area=float(annotation["area"]),
                load=_picture_loader(Path(image_folder) / file_name),
            )
        )
    return samples


def _picture_loader(path: Path) -> Callable[[], ImageArray]:
    def load() -> ImageArray:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise OSError(f"{path} is missing or not a picture that OpenCV can decode")
        return np.asarray(image, np.uint8)

    return load
