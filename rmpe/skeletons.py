"""Skeletons of the field's data sets, and the conversion between them by joint name.

A skeleton is an ordered list of joint names with its limbs, its mirror pairs and its OKS sigmas.
Left and right are the person's own. Orders and sigmas are those of the data sets' publications:
COCO (https://cocodataset.org/#keypoints-eval), COCO-WholeBody (its ``myeval_wholebody.py``), MPII,
CrowdPose, AI Challenger, PoseTrack (poseval's order), JHMDB, LSP, Halpe-FullBody, OpenPose and
MediaPipe. Face points are in the usual 68-point order, hands wrist first, then thumb to little
finger from the palm outwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe._skeleton import Skeleton
from rmpe._skeleton_sets import (
    AIC_14,
    BODY_25,
    COCO_17,
    COCO_19,
    COCO_WHOLEBODY_133,
    CROWDPOSE_14,
    FACE_68,
    HALPE_26,
    HALPE_136,
    HAND_21,
    JHMDB_15,
    LSP_14,
    MEDIAPIPE_33,
    MPII_16,
    OPENPOSE_18,
    OPENPOSE_137,
    OPENPOSE_PARTS,
    POSETRACK_15,
    POSETRACK_17,
    with_openpose_parts,
)

__all__ = [
    "AIC_14",
    "BODY_25",
    "COCO_17",
    "COCO_19",
    "COCO_WHOLEBODY_133",
    "CROWDPOSE_14",
    "FACE_68",
    "HALPE_26",
    "HALPE_136",
    "HAND_21",
    "JHMDB_15",
    "LSP_14",
    "MEDIAPIPE_33",
    "MPII_16",
    "OPENPOSE_18",
    "OPENPOSE_137",
    "OPENPOSE_PARTS",
    "POSETRACK_15",
    "POSETRACK_17",
    "SKELETONS",
    "Skeleton",
    "convert_joints",
    "get_skeleton",
    "joints_given",
    "sigma_note",
    "skeleton_from_names",
    "with_openpose_parts",
]

FloatArray = NDArray[np.float32]

SKELETONS: dict[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (
        COCO_17,
        COCO_19,
        MPII_16,
        CROWDPOSE_14,
        POSETRACK_15,
        POSETRACK_17,
        LSP_14,
        HALPE_26,
        HALPE_136,
        OPENPOSE_18,
        BODY_25,
        OPENPOSE_137,
        AIC_14,
        JHMDB_15,
        COCO_WHOLEBODY_133,
        FACE_68,
        HAND_21,
        MEDIAPIPE_33,
    )
}


def get_skeleton(name: str) -> Skeleton:
    """Return a skeleton by its name; ``ValueError`` lists the names there are."""
    if name not in SKELETONS:
        raise ValueError(f"unknown skeleton {name!r}; there are {', '.join(sorted(SKELETONS))}")
    return SKELETONS[name]


# Sigma of a joint that no data set names: COCO's shoulder, a middling one.
_UNKNOWN_JOINT_SIGMA = 0.079


def skeleton_from_names(
    name: str,
    joints: tuple[str, ...],
    limbs: tuple[tuple[int, int], ...] = (),
    mirror: tuple[tuple[int, int], ...] | None = None,
) -> Skeleton:
    """Return the known skeleton that has these joints in this order, or a new one.

    A new one takes the sigmas of joints known by name and the shoulder's for the others, which
    :func:`sigma_note` says.
    """
    for known in SKELETONS.values():
        if known.joints == joints:
            return known
    # Of several sets that know a joint the first one's sigma stands: COCO's before others'.
    sigmas = {
        joint: sigma
        for known in reversed(SKELETONS.values())
        for joint, sigma in zip(known.joints, known.sigmas)
    }
    own = tuple(sigmas.get(joint, _UNKNOWN_JOINT_SIGMA) for joint in joints)
    return Skeleton(name, joints, limbs, own, mirror)


def sigma_note(skeleton: Skeleton) -> str:
    """Return in one line which sigmas a skeleton takes that no data set publishes; "" if none."""
    if skeleton in SKELETONS.values():
        return ""
    known = {joint for one in SKELETONS.values() for joint in one.joints}
    unknown = [joint for joint in skeleton.joints if joint not in known]
    if not unknown:
        return f"the sigmas of {skeleton.name} are those of joints of the same names"
    return (
        f"no sigma is known for {', '.join(unknown)} of {skeleton.name}: "
        f"{_UNKNOWN_JOINT_SIGMA}, the shoulder's, is taken"
    )


# What a skeleton lacks but can be told from what it has: weights of the joints that give it, the
# first rule whose joints are all there. The nose's is PoseTrack's own baseline for MPII joints.
_DERIVED: dict[str, tuple[tuple[tuple[str, float], ...], ...]] = {
    "neck": (
        (("left_shoulder", 0.5), ("right_shoulder", 0.5)),
        (("thorax", 1.0),),
    ),
    "thorax": ((("left_shoulder", 0.5), ("right_shoulder", 0.5)),),
    "pelvis": ((("left_hip", 0.5), ("right_hip", 0.5)),),
    "nose": ((("head_top", 0.5), ("neck", 0.5)),),
    "head_top": ((("nose", 1.75), ("left_shoulder", -0.375), ("right_shoulder", -0.375)),),
}


def _source_weights(joint: str, source: Skeleton) -> tuple[tuple[str, float], ...] | None:
    """Return the source joints and weights that give ``joint``, or None."""
    if joint in source.joints:
        return ((joint, 1.0),)
    for rule in _DERIVED.get(joint, ()):
        if all(name in source.joints for name, _ in rule):
            return rule
    return None


def joints_given(source: Skeleton, target: Skeleton) -> tuple[bool, ...]:
    """Return for every joint of ``target`` whether ``source`` has it, or gives it by a rule."""
    return tuple(_source_weights(joint, source) is not None for joint in target.joints)


def convert_joints(
    keypoints_xy: ArrayLike, keypoint_scores: ArrayLike, source: Skeleton, target: Skeleton
) -> tuple[FloatArray, FloatArray]:
    """Return the joints of one skeleton in the order of another, matched by name.

    A joint that the source lacks is derived where a rule exists (neck, thorax and pelvis from the
    middles of shoulders and hips, head top and nose from each other); its score is the mean of the
    joints it came from, or 0 if one of them scores 0. The rest is (0, 0) with score 0.

    Args:
        keypoints_xy: positions, (..., K, 2).
        keypoint_scores: scores, (..., K).
        source: the skeleton of the arguments.
        target: the skeleton wanted, L joints.

    Returns:
        Positions (..., L, 2) and scores (..., L), float32.
    """
    points = np.asarray(keypoints_xy, np.float32)
    scores = np.asarray(keypoint_scores, np.float32)
    if points.shape[-2:] != (source.joint_count, 2) or scores.shape != points.shape[:-1]:
        raise ValueError(
            f"got joints of shape {points.shape} and scores of shape {scores.shape}, "
            f"skeleton {source.name} needs (..., {source.joint_count}, 2) and (..., "
            f"{source.joint_count})"
        )
    shape = (*points.shape[:-2], target.joint_count)
    new_points = np.zeros((*shape, 2), np.float32)
    new_scores = np.zeros(shape, np.float32)
    for place, joint in enumerate(target.joints):
        rule = _source_weights(joint, source)
        if rule is None:
            continue
        places = [source.joints.index(name) for name, _ in rule]
        weights = np.array([weight for _, weight in rule], np.float32)
        known = np.asarray((scores[..., places] > 0).all(-1))
        position = (points[..., places, :] * weights[:, None]).sum(-2)
        new_points[..., place, :] = np.where(known[..., None], position, 0)
        new_scores[..., place] = np.where(known, scores[..., places].mean(-1), 0)
        if len(rule) == 1 and rule[0][1] == 1.0:
            new_points[..., place, :] = points[..., places[0], :]
    return new_points, new_scores
