"""People whose joints BlazePose labelled: the ``flickr_people`` and ``detect`` packs.

Nobody checked these joints; the trust follows the packs' own error predictors (gap between a
straight and a mirrored pass, visibility, pose score).
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np

from rmpe.datasets.pose_samples import FloatArray, PoseSample, from_teacher_joints, torso_length
from rmpe.datasets.tar_pictures import TarPictures
from rmpe.training.bundled.person_boxes import is_held_out

JOINT_TRUST = 0.7
"""Trust of a joint that passes the tests of its pack."""

NECK_TRUST = 0.3
"""Trust of the neck that follows from trusted shoulders and hips."""

LARGEST_SPREAD = 0.06
"""Gap of the two passes, in box heights, above which a joint of the detect pack is left out."""

LEAST_POSE_SCORE = 0.5
"""Pose score below which no joint of a person of the detect pack is trusted."""

FLICKR_MARGIN = 0.1
"""A flickr picture is the person and a quarter around: the box leaves this share on each side."""


def read_flickr_poses(folder: Path | str) -> list[PoseSample]:
    """Read the ``flickr_people`` pack, one person a picture.

    Raises:
        OSError: a file of the pack is missing.
    """
    folder = Path(folder)
    pictures = TarPictures(folder / "images.tar")
    with np.load(folder / "landmarks.npz") as labels:
        names, keypoints, sizes = labels["file_names"], labels["coco17"], labels["image_size"]
    samples = []
    for name, joints, (width, height) in zip(names, keypoints, sizes, strict=True):
        margin = FLICKR_MARGIN * np.array([width, height], np.float32)
        box = np.concatenate([margin, np.array([width, height]) - margin]).astype(np.float32)
        trust = JOINT_TRUST * joints[:, 2]
        samples.append(_sample(str(name), "flickr", box, joints[:, :2], trust, 1.0, pictures, name))
    return samples


def read_detect_poses(folder: Path | str) -> list[PoseSample]:
    """Read the labelled people of the ``detect`` pack, without its held-out coco128 pictures.

    Raises:
        OSError: a file of the pack is missing.
    """
    folder = Path(folder)
    pictures = TarPictures(folder / "images.tar")
    entries = json.loads((folder / "boxes.json").read_text())
    with np.load(folder / "blazepose.npz") as labels:
        rows, boxes, people = labels["image"], labels["boxes_xyxy"], labels["box_index"]
        keypoints, spread, score = labels["keypoints"], labels["spread"], labels["pose_score"]
    samples = []
    for index, row in enumerate(rows):
        entry = entries[int(row)]
        if is_held_out(entry["file"]):
            continue
        certain = (keypoints[index, :, 2] >= 0.5) & (spread[index] <= LARGEST_SPREAD)
        certain &= score[index] >= LEAST_POSE_SCORE
        trust = JOINT_TRUST * certain.astype(np.float32)
        name = f"{entry['file']}#{int(people[index])}"
        box, points = boxes[index].astype(np.float32), keypoints[index, :, :2]
        samples.append(
            _sample(name, entry["source"], box, points, trust, 1.0, pictures, entry["file"])
        )
    return samples


def _sample(
    name: str,
    source: str,
    box_xyxy: FloatArray,
    keypoints_xy: FloatArray,
    trust: FloatArray,
    teacher_trust: float,
    pictures: TarPictures,
    member: str,
) -> PoseSample:
    points, weights = from_teacher_joints(keypoints_xy, trust.astype(np.float32), NECK_TRUST)
    width, height = box_xyxy[2:] - box_xyxy[:2]
    torso = torso_length(points, weights > 0)
    load = partial(pictures.read, str(member))
    return PoseSample(
        name, source, box_xyxy, points, weights, teacher_trust, torso, float(width * height), load
    )
