"""One person with joints, whatever set it comes from: joints in COCO_19 order with a trust each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmpe.skeletons import COCO_19

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

LEFT_SHOULDER, RIGHT_SHOULDER = COCO_19.index("left_shoulder"), COCO_19.index("right_shoulder")
LEFT_HIP, RIGHT_HIP = COCO_19.index("left_hip"), COCO_19.index("right_hip")
NECK = COCO_19.index("neck")

LIMB_JOINTS = tuple(
    COCO_19.index(f"{side}_{joint}")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
"""The 12 joints that LSPET's PCK is counted on."""

TEACHER_HIP_WIDENING = 1.4
"""Human annotators put the hips this much further apart than BlazePose (lspet/README.md)."""

NECK_ABOVE_SHOULDERS = 0.085
"""The annotated neck lies this part of the torso above the middle of the shoulders."""


@dataclass(frozen=True, eq=False)
class PoseSample:
    """One person of one picture.

    Raises ValueError when an array does not have the shape given below.
    """

    name: str
    """Picture file and, where it holds several people, the person's number."""
    source: str
    """Pack: ``lspet``, ``street``, ``coco128``, ``flickr``, ``coco_people``."""
    box_xyxy: FloatArray
    """Person box in pixels of the picture, (4,)."""
    keypoints_xy: FloatArray
    """Joints in pixels of the picture, (19, 2); anything where the trust is 0."""
    trust: FloatArray
    """How far each joint may be believed, (19,): 1 human annotation, 0 unknown."""
    teacher_trust: float
    """How far a teacher network may be believed on this person, 0..1."""
    torso: float
    """Reference length of PCK in pixels."""
    area: float
    """Segmented area in square pixels where known (OKS), else that of the box."""
    load: Callable[[], ImageArray]
    """Decodes the picture: BGR uint8 (H, W, 3)."""

    def __post_init__(self) -> None:
        count = COCO_19.joint_count
        shapes = {"box_xyxy": (4,), "keypoints_xy": (count, 2), "trust": (count,)}
        for field, shape in shapes.items():
            if getattr(self, field).shape != shape:
                raise ValueError(
                    f"{self.name}: got {field} {getattr(self, field).shape}, supported is {shape}"
                )


def torso_length(keypoints_xy: FloatArray, known: NDArray[np.bool_]) -> float:
    """Mean shoulder-hip distance in pixels over the pairs that are known.

    At least a fifth of the known joints' extent, so that a body seen from above or cut at the waist
    keeps a sensible length (the rule of lspet/README.md).

    Args:
        keypoints_xy: COCO_19 or COCO_17 joints (K, 2).
        known: which of them count, (K,).
    """
    lengths = [
        float(np.hypot(*(keypoints_xy[shoulder] - keypoints_xy[hip])))
        for shoulder in (LEFT_SHOULDER, RIGHT_SHOULDER)
        for hip in (LEFT_HIP, RIGHT_HIP)
        if known[shoulder] and known[hip]
    ]
    points = keypoints_xy[known]
    extent = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    return max(float(np.mean(lengths)) if lengths else 0.0, 0.2 * extent)


def from_teacher_joints(
    keypoints_xy: FloatArray, trust: FloatArray, neck_trust: float
) -> tuple[FloatArray, FloatArray]:
    """COCO_19 joints and trust from BlazePose's COCO-17 ones, in the annotators' definition.

    The hips are moved apart about their middle; the neck is derived from shoulders and hips.

    Args:
        keypoints_xy: (17, 2) in pixels.
        trust: (17,), 0..1.
        neck_trust: trust of a derived neck when all four torso joints are trusted.

    Returns:
        joints (19, 2) and trust (19,); the head top has none.
    """
    joints = np.zeros((COCO_19.joint_count, 2), np.float32)
    weights = np.zeros(COCO_19.joint_count, np.float32)
    joints[:17], weights[:17] = keypoints_xy, trust
    hips = joints[[LEFT_HIP, RIGHT_HIP]]
    middle = hips.mean(0)
    joints[[LEFT_HIP, RIGHT_HIP]] = middle + TEACHER_HIP_WIDENING * (hips - middle)
    if trust[[LEFT_HIP, RIGHT_HIP, LEFT_SHOULDER, RIGHT_SHOULDER]].min() > 0:
        shoulders = joints[[LEFT_SHOULDER, RIGHT_SHOULDER]].mean(0)
        joints[NECK] = shoulders + NECK_ABOVE_SHOULDERS * (shoulders - middle)
        weights[NECK] = neck_trust
    return joints, weights
