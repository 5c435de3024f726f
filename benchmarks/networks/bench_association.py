"""Swapped joints in synthetic crowds: global association beside arg-max decoding + pose-NMS.

    python benchmarks/networks/bench_association.py [--pictures 100] [--weights FILE]

Crowds of 6 to 15 overlapping people with known joints. Every person has one or two proposals of
jittered boxes. Without ``--weights`` the maps are those of an ideal joint-candidate network plus
noise: a Gaussian for each own joint and a lower one for every other person's joint in the crop,
with heights drawn at random, so that in some maps the wrong joint answers more strongly. With
``--weights`` they are those of a joint-candidate network of 19 joints. A joint is swapped when it
lies on another person's joint of that type (within 0.1 of the box's height) and that joint is
nearer than the own one. In brackets are 95 % intervals, by 2,000 bootstrap draws of whole pictures.
"""

from __future__ import annotations

import click
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pipeline.sources import find_nobody
from rmpe.association import associate
from rmpe.estimator import PoseEstimator
from rmpe.geometry.crop import HRNET, CropTransform, points_to_image
from rmpe.heatmaps import Codec, get_codec
from rmpe.oks import oks_matrix
from rmpe.pose_nms import pose_nms
from rmpe.records import Boxes, Poses
from rmpe.skeletons import COCO_19
from rmpe.synthetic.world.clips import crowd_scene
from rmpe.synthetic.world.scenes import SyntheticFrame

OWN_HEIGHT = (0.75, 0.2)
OTHER_HEIGHT = (0.42, 0.2)


def proposals(frame: SyntheticFrame, rng: np.random.Generator) -> Boxes:
    """Return one or two jittered boxes for every person."""
    owners = np.repeat(np.arange(len(frame)), rng.integers(1, 3, len(frame)))
    true = frame.boxes_xyxy[owners]
    sides = np.tile(true[:, 2:] - true[:, :2], 2)
    boxes = true + rng.normal(0, 0.06, true.shape) * sides
    scores = rng.uniform(0.5, 1.0, len(boxes))
    return Boxes(boxes.astype(np.float32), scores.astype(np.float32))


def ideal_maps(
    frame: SyntheticFrame, boxes: Boxes, transforms: list[CropTransform], rng: np.random.Generator
) -> torch.Tensor:
    """Return joint-candidate maps (N, 19, 64, 48), each person's own and the others' joints."""
    centre = (boxes.boxes_xyxy[:, :2] + boxes.boxes_xyxy[:, 2:]) / 2
    true_centre = (frame.boxes_xyxy[:, :2] + frame.boxes_xyxy[:, 2:]) / 2
    owner = np.linalg.norm(centre[:, None] - true_centre[None], axis=-1).argmin(1)
    rows, columns = np.mgrid[:64, :48]
    maps = rng.normal(0, 0.02, (len(boxes), 19, 64, 48)).astype(np.float32)
    for row, transform in enumerate(transforms):
        cells = transform.to_input(frame.keypoints_xy) / 4
        inside = ((cells >= 0) & (cells < [48, 64])).all(-1) & frame.in_picture
        for person, joint in zip(*inside.nonzero()):
            mean, spread = OWN_HEIGHT if person == owner[row] else OTHER_HEIGHT
            height = float(np.clip(rng.normal(mean, spread), 0.05, 1.0))
            x, y = cells[person, joint] + rng.normal(0, 0.3, 2)
            blob = height * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
            maps[row, joint] = np.maximum(maps[row, joint], blob)
    return torch.from_numpy(maps)


def plain_poses(
    maps: torch.Tensor, transforms: list[CropTransform], boxes: Boxes, codec: Codec
) -> Poses:
    """Return what arg-max decoding and AlphaPose's pose-NMS give."""
    points, scores = codec.decode(maps)
    joint_scores = np.clip(scores.numpy(), 0, 1)
    poses = Poses(
        boxes.boxes_xyxy,
        boxes.scores,
        points_to_image(points.numpy(), transforms),
        joint_scores,
        boxes.scores * joint_scores.mean(1),
        np.zeros(len(boxes), np.int64),
    )
    return pose_nms(poses)


def count_swaps(frame: SyntheticFrame, poses: Poses) -> tuple[int, int, int]:
    """Return joints swapped, joints right (within 0.1 of the box's height) and joints in all."""
    heights = frame.boxes_xyxy[:, 3] - frame.boxes_xyxy[:, 1]
    areas = heights * (frame.boxes_xyxy[:, 2] - frame.boxes_xyxy[:, 0])
    similar = oks_matrix(
        poses.keypoints_xy, frame.keypoints_xy, frame.in_picture, areas, COCO_19.sigmas
    )
    swapped = right = 0
    for row, person in zip(*linear_sum_assignment(similar, maximize=True)):
        distance = np.linalg.norm(poses.keypoints_xy[row][None] - frame.keypoints_xy, axis=-1)
        limit = 0.1 * heights[person]
        counted = frame.in_picture[person] & (poses.keypoint_scores[row] > 0)
        others = np.where(frame.in_picture, distance, np.inf)
        others[person] = np.inf
        own = distance[person]
        right += int((counted & (own <= limit)).sum())
        swapped += int((counted & (others.min(0) <= limit) & (others.min(0) < own)).sum())
    return swapped, right, int(frame.in_picture.sum())


def share_with_interval(counts: NDArray[np.int64], totals: NDArray[np.int64]) -> str:
    """Return the share of all joints in per cent, and its interval over pictures."""
    drawn = np.random.default_rng(0).integers(0, len(counts), (2000, len(counts)))
    shares = 100 * counts[drawn].sum(1) / totals[drawn].sum(1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return f"{100 * counts.sum() / totals.sum():6.2f} % [{low:6.2f}, {high:6.2f}]"


@click.command()
@click.option("--pictures", default=100, show_default=True)
@click.option("--weights", type=click.Path(exists=True), help="A joint-candidate network.")
def main(pictures: int, weights: str | None) -> None:
    """Print swapped joints of both ways on the same maps."""
    estimator = None
    if weights:
        estimator = PoseEstimator.build(detector=find_nobody, weights=weights)
    codec = get_codec(estimator.conventions.codec if estimator else "hrnet")
    counts: dict[str, list[tuple[int, int, int]]] = {"arg-max + pose-NMS": [], "association": []}
    for seed in range(pictures):
        rng = np.random.default_rng(seed)
        frame = crowd_scene(6 + seed % 10, 960, 540, seed).frame_at(0)
        boxes = proposals(frame, rng)
        if estimator:
            crops, transforms = estimator.crop(frame.image_bgr, boxes)
            maps = estimator.infer(crops)[:, 0]
        else:
            transforms = [
                CropTransform.from_person_box(b, 256, 192, HRNET) for b in boxes.boxes_xyxy
            ]
            maps = ideal_maps(frame, boxes, transforms, rng)
        plain = plain_poses(maps, transforms, boxes, codec)
        joined = associate(maps, transforms, boxes, codec, COCO_19.sigmas)
        counts["arg-max + pose-NMS"].append(count_swaps(frame, plain))
        counts["association"].append(count_swaps(frame, joined))
    click.echo(f"{pictures} crowds of 6-15 people, maps: {weights or 'ideal with noise'}")
    rows = {name: np.array(of_pictures) for name, of_pictures in counts.items()}
    for name, (swapped, right, total) in ((name, row.T) for name, row in rows.items()):
        click.echo(
            f"{name:20} swapped {share_with_interval(swapped, total)}  "
            f"right {share_with_interval(right, total)}  of {total.sum()} joints"
        )
    plain_row, joined_row = rows.values()
    fewer = plain_row[:, 0] - joined_row[:, 0]
    click.echo(f"{'fewer swapped':20} {share_with_interval(fewer, plain_row[:, 2])}")


if __name__ == "__main__":
    main()
