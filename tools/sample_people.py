"""People of other data sets' sample pictures, for scores on sources that no training has seen.

The folder is the pack ``samples``: a few pictures each of COCO val2017, OCHuman, AI Challenger,
CrowdPose, PoseTrack 2018 and JHMDB in COCO's annotation layout, each with its own joints.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.pose_samples import PoseSample, torso_length
from rmpe.skeletons import COCO_17, COCO_19

LEAST_HEIGHT = 60.0
"""Pixels; smaller boxes are left out."""
LEAST_JOINTS = 5

SAMPLE_FILES = {
    "COCO val2017": "coco/test_coco.json",
    "OCHuman": "ochuman/test_ochuman.json",
    "AI Challenger": "aic/test_aic.json",
    "CrowdPose": "crowdpose/test_crowdpose.json",
    "PoseTrack 2018": "posetrack18/annotations/test_posetrack18_val.json",
    "JHMDB": "jhmdb/test_jhmdb_sub1.json",
}
"""Name of the source to its annotation file; the pictures lie beside the source's folder."""


def read_sample_people(annotations: Path, pictures: Path, source: str) -> list[PoseSample]:
    """The people of one file with their COCO-17 joints, taken by name; no crowd regions.

    Raises OSError when a picture is missing or cannot be decoded.
    """
    document = json.loads(annotations.read_text())
    files = {image["id"]: image["file_name"] for image in document["images"]}
    names = [_joint_name(name) for name in document["categories"][0]["keypoints"]]
    shared = [
        (row, COCO_17.index(name)) for row, name in enumerate(names) if name in COCO_17.joints
    ]
    rows, targets = np.array(shared).T
    hidden = 3 if source == "AI Challenger" else 0  # its flag 3 says "not in the picture"
    samples = []
    for annotation in document["annotations"]:
        joints = np.asarray(annotation["keypoints"], np.float32).reshape(-1, 3)[rows]
        points = np.zeros((COCO_19.joint_count, 2), np.float32)
        trust = np.zeros(COCO_19.joint_count, np.float32)
        points[targets] = joints[:, :2]
        trust[targets] = (joints[:, 2] > 0) & (joints[:, 2] != hidden)
        left, top, width, height = (float(value) for value in annotation["bbox"])
        if annotation.get("iscrowd") or trust.sum() < LEAST_JOINTS or height < LEAST_HEIGHT:
            continue
        box = np.array([left, top, left + width, top + height], np.float32)
        samples.append(
            PoseSample(
                f"{source}#{annotation['id']}", source, box, points, trust, 0.0,
                torso_length(points, trust > 0), float(annotation.get("area") or width * height),
                _loader(pictures / files[annotation["image_id"]]),
            )
        )  # fmt: skip
    return samples


def _joint_name(name: str) -> str:
    return name.lower().replace(" ", "_")


def _loader(path: Path) -> Callable[[], NDArray[np.uint8]]:
    return partial(_read, path)


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise OSError(f"{path} is missing or not a picture that OpenCV can decode")
    return np.asarray(image, np.uint8)
