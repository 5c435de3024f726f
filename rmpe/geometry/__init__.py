"""Boxes, crops and the affine maps between the frame and a network's input."""

from rmpe.geometry.boxes import (
    box_iou_matrix,
    box_xywh_to_xyxy,
    box_xyxy_to_xywh,
    clip_boxes,
    grow_boxes,
    keypoint_extent_boxes,
)
from rmpe.geometry.crop import CropStyle, CropTransform, points_to_image

__all__ = [
    "CropStyle",
    "CropTransform",
    "box_iou_matrix",
    "box_xywh_to_xyxy",
    "box_xyxy_to_xywh",
    "clip_boxes",
    "grow_boxes",
    "keypoint_extent_boxes",
    "points_to_image",
]
