"""An estimator that finds people's joints at fixed places in their boxes."""

from __future__ import annotations

import numpy as np

from rmpe._skeleton import Skeleton
from rmpe.records import Boxes, Poses
from rmpe.skeletons import COCO_17, SKELETONS


class BoxEstimator:
    """Puts every joint where the fixture's annotators did: at a fixed place in the box."""

    def __init__(self, skeleton: Skeleton = COCO_17) -> None:
        self.skeleton = skeleton
        self.calls = 0

    def estimate(self, image_bgr: np.ndarray, boxes: Boxes) -> Poses:
        self.calls += 1
        corners = boxes.boxes_xyxy
        sides = corners[:, None, 2:] - corners[:, None, :2]
        return Poses(
            boxes_xyxy=corners,
            box_scores=boxes.scores,
            keypoints_xy=corners[:, None, :2] + places(self.skeleton) * sides,
            keypoint_scores=np.full((len(boxes), self.skeleton.joint_count), 0.9),
            scores=boxes.scores * 0.9,
            ids=np.zeros(len(boxes)),
        )

    def suppress(self, poses: Poses) -> Poses:
        return poses

    def limit(self, boxes: Boxes, image_bgr: np.ndarray) -> Boxes:
        return boxes

    def detect(self, images_bgr: list[np.ndarray]) -> list[Boxes]:
        return [Boxes(np.array([[10, 10, 60, 110]]), np.array([0.8])) for _ in images_bgr]


def places(skeleton: Skeleton) -> np.ndarray:
    names = sorted({joint for known in SKELETONS.values() for joint in known.joints})
    shares = {name: ((7 * k % 11) / 11, (5 * k % 13) / 13) for k, name in enumerate(names)}
    return np.array([shares[joint] for joint in skeleton.joints], np.float32)


BOXES = {1: [(10, 10, 50, 100), (100, 20, 60, 120)], 2: [(30, 30, 80, 160)], 3: []}
"""Boxes x, y, width, height of the pictures 1.png, 2.png and 3.png."""
