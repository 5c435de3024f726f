"""A walker drawn with compass and ruler: every joint angle is a formula, so the truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rmpe.formats import ClipHeader, NativeWriter
from rmpe.records import Poses
from rmpe.skeletons import HALPE_26, Skeleton

FloatArray = NDArray[np.float64]

SHANK, THIGH, TRUNK, HEAD = 80.0, 85.0, 100.0, 50.0
ARM, FOREARM, FOOT, HEEL = 60.0, 50.0, 40.0, 10.0
PX_PER_S = 150.0
STRIDE_S = 1.2


def true_angles(time_s: FloatArray) -> dict[str, FloatArray]:
    """Return the angles that the walker is drawn with, degrees."""
    phase = 2 * np.pi * time_s / STRIDE_S
    angles = {"trunk": 90 - 4 + 2 * np.sin(2 * phase)}
    for side, shift in (("left", 0.0), ("right", np.pi)):
        turn = phase + shift
        angles[f"{side}_hip"] = 10 + 25 * np.cos(turn)
        angles[f"{side}_knee"] = 30 - 25 * np.cos(turn + 0.8)
        angles[f"{side}_ankle"] = 5 * np.sin(turn)
        angles[f"{side}_shoulder"] = -20 * np.cos(turn)
        angles[f"{side}_elbow"] = 25 + 10 * np.cos(turn)
    return angles


def walker_joints(time_s: FloatArray, faces_left: bool = False) -> dict[str, FloatArray]:
    """Return joints by name, pixels with y downwards, (F, 2) each; the hips go along y = 400."""
    angles = true_angles(time_s)
    pelvis = np.stack([100 + PX_PER_S * time_s, np.full(len(time_s), 400.0)], -1)

    def ray(degrees: FloatArray, length: float) -> FloatArray:
        turn = np.radians(degrees)
        return length * np.stack([np.cos(turn), -np.sin(turn)], -1)

    trunk = angles["trunk"]
    neck = pelvis + ray(trunk, TRUNK)
    joints = {"pelvis": pelvis, "neck": neck, "head_top": neck + ray(trunk - 10, HEAD)}
    joints["nose"] = neck + ray(trunk - 30, 0.7 * HEAD)
    for side in ("left", "right"):
        thigh = trunk - 180 + angles[f"{side}_hip"]
        shank = thigh - angles[f"{side}_knee"]
        foot = shank + 90 + angles[f"{side}_ankle"]
        arm = trunk - 180 + angles[f"{side}_shoulder"]
        forearm = arm + angles[f"{side}_elbow"]
        knee = pelvis + ray(thigh, THIGH)
        ankle = knee + ray(shank, SHANK)
        elbow = neck + ray(arm, ARM)
        joints |= {
            f"{side}_eye": joints["nose"] + (-3.0, -8.0),
            f"{side}_ear": joints["nose"] + (-20.0, -4.0),
            f"{side}_hip": pelvis,
            f"{side}_knee": knee,
            f"{side}_ankle": ankle,
            f"{side}_heel": ankle + ray(shank, HEEL),
            f"{side}_shoulder": neck,
            f"{side}_elbow": elbow,
            f"{side}_wrist": elbow + ray(forearm, FOREARM),
        }
        joints[f"{side}_index"] = joints[f"{side}_wrist"] + ray(forearm, 0.3 * FOREARM)
        joints[f"{side}_big_toe"] = joints[f"{side}_foot_index"] = joints[f"{side}_heel"] + ray(
            foot, FOOT
        )
        joints[f"{side}_small_toe"] = joints[f"{side}_heel"] + ray(foot, 0.9 * FOOT)
    if faces_left:
        return {name: np.array([1280.0, 0.0]) - xy * (1, -1) for name, xy in joints.items()}
    return joints


def write_walker(
    path: Path,
    time_s: FloatArray,
    *,
    skeleton: Skeleton = HALPE_26,
    faces_left: bool = False,
    noise_px: float = 0.0,
    identity: int = 1,
    unknown: tuple[str, slice] | None = None,
    fps: float = 30.0,
) -> Path:
    """Write the walker's records; a joint may be unknown (score 0) in some frames."""
    joints = walker_joints(time_s, faces_left)
    xy = np.stack([joints[name] for name in skeleton.joints], 1)  # (F, K, 2)
    xy = xy + np.random.default_rng(0).normal(0, 1, xy.shape) * noise_px
    scores = np.full(xy.shape[:2], 0.9)
    if unknown is not None:
        scores[unknown[1], skeleton.joints.index(unknown[0])] = 0
    writer = NativeWriter(path, ClipHeader(skeleton, "walk.mp4", 1280, 720, fps))
    for index, now in enumerate(time_s.tolist()):
        low, high = xy[index].min(0), xy[index].max(0)
        writer.write(
            index,
            now,
            Poses(
                boxes_xyxy=[[*low, *high]],
                box_scores=[0.9],
                keypoints_xy=xy[index : index + 1],
                keypoint_scores=scores[index : index + 1],
                scores=[0.9],
                ids=[identity],
            ),
        )
    writer.close()
    return path
