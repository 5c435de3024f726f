"""A sheet of a bundled pose network's failures on rendered people in rare poses.

    python tools/scores/failure_sheet.py compact docs/images/compact_failures.jpg
    python tools/scores/failure_sheet.py compact-accurate docs/images/compact_accurate_failures.jpg

Every person is rendered with known joints, estimated from the true box with the flip test, and
ranked by the share of visible limb joints within 0.2 torsos. The sheet shows the worst; the table
says how the people are spread.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from held_out_people import LIMBS, torso_length
from numpy.typing import NDArray

from rmpe import PoseEstimator
from rmpe.drawing import draw_poses
from rmpe.estimator import EstimatorOptions
from rmpe.records import Boxes
from rmpe.skeletons import COCO_17
from rmpe.synthetic.world.pictures import random_pose_picture
from rmpe.zoo.bundled import BUNDLED

SIDE = 288
COLUMNS = 6
ROWS = 3


def main() -> None:
    """Render, estimate, rank, write the sheet and print the spread."""
    parser = argparse.ArgumentParser(description="Failures on rendered people")
    parser.add_argument("preset", choices=tuple(BUNDLED))
    parser.add_argument("output", type=Path)
    parser.add_argument("--people", type=int, default=150)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    options = EstimatorOptions(flip_test=True)
    estimator = PoseEstimator.from_preset(arguments.preset, options=options)
    rng = np.random.default_rng(arguments.seed)
    judged: list[tuple[float, NDArray[np.uint8]]] = []
    while len(judged) < arguments.people:
        frame = random_pose_picture(rng, SIDE, SIDE, rare=True)
        if len(frame) != 1:
            continue
        boxes = Boxes(frame.boxes_xyxy, np.ones(1, np.float32))
        poses = estimator.estimate(frame.image_bgr, boxes)
        truth = frame.keypoints_xy[0, : COCO_17.joint_count]
        shown = frame.visible[0, : COCO_17.joint_count]
        limbs = [joint for joint in LIMBS if shown[joint]]
        if len(limbs) < 6:
            continue
        torso = torso_length(truth, np.ones(COCO_17.joint_count, bool))
        error = np.linalg.norm(poses.keypoints_xy[0, limbs] - truth[limbs], axis=1)
        share = float((error <= 0.2 * torso).mean())
        drawn = draw_poses(frame.image_bgr, poses, estimator.skeleton)
        cv2.putText(drawn, f"{share:.2f}", (6, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 255), 2)
        judged.append((share, drawn))
    judged.sort(key=lambda entry: entry[0])
    shares = np.array([share for share, _ in judged])
    print(f"{len(shares)} people, mean PCK@0.2 of visible limb joints {shares.mean():.3f}")
    for limit in (0.25, 0.5, 0.75, 1.0):
        print(f"at most {limit:.2f}: {(shares <= limit).mean():.2f} of the people")
    worst = [picture for _, picture in judged[: COLUMNS * ROWS]]
    rows = [
        np.concatenate(worst[start : start + COLUMNS], 1) for start in range(0, len(worst), COLUMNS)
    ]
    sheet = cv2.resize(np.concatenate(rows), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(arguments.output), sheet, [cv2.IMWRITE_JPEG_QUALITY, 80]):
        raise OSError(f"cannot write {arguments.output}")


if __name__ == "__main__":
    main()
