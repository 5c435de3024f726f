"""What a spatial transformer recovers of the PCK that bad boxes cost (RMPE, section 3.1).

    python benchmarks/bench_sstn.py ../shared/data --weights sstn.safetensors [--train-minutes 20]

Three numbers on LSPET's validation pictures, PCK@0.2 of the compact network: with the true boxes,
with boxes shifted and scaled at random by up to 30 %, and with a symmetric spatial transformer on
those boxes. ``--train-minutes`` trains the transformer first, on LSPET's training pictures: a
warm start by regression on small crops.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from rmpe.datasets.lspet import read_lspet
from rmpe.datasets.pose_samples import PoseSample
from rmpe.evaluation.pck import pck_scores
from rmpe.geometry.crop import HRNET, CropTransform, points_to_image
from rmpe.heatmaps import get_codec
from rmpe.skeletons import COCO_19
from rmpe.sstn import SpatialTransformer, SymmetricPose
from rmpe.training.transformer_start import StartSettings, start_transformer
from rmpe.zoo import load_bundled_pose

HEIGHT, WIDTH, BATCH = 256, 192, 32


def moved_boxes(samples: list[PoseSample], share: float, seed: int) -> list[np.ndarray]:
    """Return every person's box shifted by up to ``share`` sides and scaled by 1 ± ``share``."""
    rng = np.random.default_rng(seed)
    boxes = []
    for sample in samples:
        box = sample.box_xyxy.astype(np.float64)
        sides = box[2:] - box[:2]
        centre = (box[:2] + box[2:]) / 2 + rng.uniform(-share, share, 2) * sides
        half = sides / 2 * rng.uniform(1 - share, 1 + share)
        boxes.append(np.concatenate([centre - half, centre + half]).astype(np.float32))
    return boxes


@torch.no_grad()
def pck(
    samples: list[PoseSample],
    boxes: list[np.ndarray],
    network: torch.nn.Module,
    transformer: SpatialTransformer | None,
) -> float:
    """Return PCK@0.2 of the limb joints, in per cent, for crops of the given boxes."""
    codec = get_codec("compact")
    found = []
    for first in range(0, len(samples), BATCH):
        chunk = range(first, min(first + BATCH, len(samples)))
        transforms = [
            CropTransform.from_person_box(boxes[row], HEIGHT, WIDTH, HRNET) for row in chunk
        ]
        crops = np.stack([t.warp(samples[r].load()) for t, r in zip(transforms, chunk)])
        planes = torch.from_numpy(crops).flip(-1).permute(0, 3, 1, 2).float().div_(255)
        if transformer is None:
            points, _ = codec.decode(network(planes))
        else:
            maps, theta = SymmetricPose(network, transformer).eval().estimate(planes)
            points, _ = codec.decode(maps)
            points = SymmetricPose.to_crop(points, theta, HEIGHT, WIDTH)
        found.append(points_to_image(points.numpy(), transforms))
    scores = pck_scores(
        np.concatenate(found),
        np.stack([sample.keypoints_xy for sample in samples]),
        np.stack([sample.trust for sample in samples]) > 0,
        np.array([sample.torso for sample in samples]),
        COCO_19,
    )
    return 100 * scores.mean


def main() -> None:
    """Train if asked, then print the three numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--train-minutes", type=float, default=0.0)
    parser.add_argument("--train-people", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=10_000, help="validation people to score")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    transformer = SpatialTransformer()
    if arguments.train_minutes:
        torch.manual_seed(1)
        people = read_lspet(arguments.data / "lspet", "train")[: arguments.train_people]
        settings = replace(StartSettings(), seconds=60 * arguments.train_minutes, steps=30_000)
        error = start_transformer(transformer, people, HRNET, settings)
        print(f"transformer trained, error of its numbers {error:.4f}")
        save_file(transformer.state_dict(), str(arguments.weights))
    transformer.load_state_dict(load_file(str(arguments.weights)))
    transformer.eval()
    network = load_bundled_pose().network
    samples = read_lspet(arguments.data / "lspet", "validation")[: arguments.people]
    true = [sample.box_xyxy for sample in samples]
    moved = moved_boxes(samples, 0.3, arguments.seed)
    best = pck(samples, true, network, None)
    worst = pck(samples, moved, network, None)
    helped = pck(samples, moved, network, transformer)
    same = pck(samples, true, network, transformer)
    print(f"PCK@0.2 on {len(samples)} people of LSPET's validation pictures")
    print(f"true boxes                       {best:6.2f}")
    print(f"boxes moved and scaled by 30 %   {worst:6.2f}")
    print(f"the same with the transformer    {helped:6.2f}")
    print(f"true boxes with the transformer  {same:6.2f}")
    share = 100 * (helped - worst) / max(best - worst, 1e-9)
    print(f"recovered of the loss            {share:6.1f} %")


if __name__ == "__main__":
    main()
