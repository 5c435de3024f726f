"""Where to look for people in a frame that the detector skips: around their last poses.

How is said here alone; the pipeline and the plain loop both use it and so agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rmpe.geometry.boxes import box_area, grow_boxes, keypoint_extent_boxes, snap_boxes
from rmpe.records import Boxes, Poses


@dataclass(frozen=True)
class FollowParameters:
    """How a pose becomes the box of the next frame."""

    grow: float = 1.2
    """The extent of the joints is made this many times larger: hands, feet and hair stick out."""
    min_joint_score: float = 0.2
    """Joints below this score do not count."""
    min_joint_share: float = 0.3
    """With fewer counted joints than this share of all, the old box is kept."""
    min_area_share: float = 0.3
    """A new box with less than this share of the old one's area is not believed."""

    def next_boxes(self, poses: Poses) -> Boxes:
        """Return where the people of ``poses`` are expected in the next frame, in their order.

        Box scores are carried on unchanged, so a person's score falls only with the joints'.
        """
        if len(poses) == 0:
            return Boxes.empty()
        counted = poses.keypoint_scores >= self.min_joint_score
        boxes = snap_boxes(
            grow_boxes(keypoint_extent_boxes(poses.keypoints_xy, counted), self.grow)
        )
        believed = (counted.mean(1) >= self.min_joint_share) & (
            box_area(boxes) >= self.min_area_share * box_area(poses.boxes_xyxy)
        )
        return Boxes(np.where(believed[:, None], boxes, poses.boxes_xyxy), poses.box_scores)
