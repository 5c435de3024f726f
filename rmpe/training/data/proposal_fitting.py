"""How a detector's boxes lie around annotated people, measured on training pictures (DPG).

Fang et al., RMPE, ICCV 2017, section 3.3.
"""

from __future__ import annotations

import logging

import numpy as np

from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.detectors import Detector
from rmpe.proposals import AtomicPoses, ProposalGenerator, match_boxes

logger = logging.getLogger(__name__)


def fit_proposals(
    people: KeypointSet, detector: Detector, pictures: int = 2000, atomic_poses: int = 16
) -> ProposalGenerator:
    """Run the detector on annotated pictures and learn how its boxes differ from the true ones.

    Args:
        people: annotated pictures; those that cannot be read are left out and counted in the log.
        detector: the one that will give the boxes later.
        pictures: at most this many, spread evenly over the set.
        atomic_poses: shapes that are told apart; fewer where the set is small.

    Raises:
        ValueError: too few people were detected, or the skeleton has no shoulders and hips.
    """
    grouped = [group for group in people.people_by_picture().values() if group]
    step = max(len(grouped) // pictures, 1)
    joints, visible, true, detected, unread = [], [], [], [], 0
    for group in grouped[::step]:
        try:
            image = group[0].picture.load()
        except OSError:
            unread += 1
            continue
        boxes = np.stack([person.box_xyxy for person in group])
        found = detector([image])[0].boxes_xyxy
        for row, place in zip(*match_boxes(boxes, found)):
            joints.append(group[row].keypoints_xy)
            visible.append(group[row].visibility)
            true.append(boxes[row])
            detected.append(found[place])
    logger.info("boxes: %d people detected, %d pictures unreadable", len(true), unread)
    if not true:
        raise ValueError("the detector found none of the annotated people; give another detector")
    count = max(1, min(atomic_poses, len(true) // 12))
    atomic = AtomicPoses.cluster(np.stack(joints), np.stack(visible), people.skeleton, count)
    return ProposalGenerator.fit(
        atomic, np.stack(joints), np.stack(visible), np.stack(true), np.stack(detected)
    )
