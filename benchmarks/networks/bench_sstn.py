"""What a spatial transformer recovers of the PCK that bad boxes cost (RMPE, section 3.1).

    python cli.py train sstn_compact --data ../shared/data --output RUN
    python benchmarks/networks/bench_sstn.py ../shared/data [--weights RUN/sstn_compact.safetensors]

Three numbers on LSPET's validation pictures, PCK@0.2 of the limb joints, of the compact network: on
the true boxes, on boxes shifted and scaled at random by up to 30 %, and inside its symmetric
spatial transformer on those same boxes. The fourth is what the transformer costs true boxes.
Without ``--weights`` the transformer is the bundled one.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from rmpe.datasets.keypoint_set import AnnotatedPerson
from rmpe.datasets.lspet import read_lspet
from rmpe.evaluation.pck.scores import pck_scores
from rmpe.geometry.crop import CropTransform, points_to_image
from rmpe.heatmaps import get_codec
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.skeletons import COCO_19
from rmpe.sstn import SymmetricPose
from rmpe.zoo import LoadedNetwork, load, load_bundled_pose

BATCH = 32


def moved_boxes(samples: Sequence[AnnotatedPerson], share: float, seed: int) -> list[np.ndarray]:
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


class Reader:
    """Finds the joints in crops by a network, inside a transformer or not, and its time."""

    def __init__(self, loaded: LoadedNetwork) -> None:
        """Read by the conventions of ``loaded``."""
        self._conventions, self._network = loaded.conventions, loaded.network.eval()
        conventions = self._conventions
        self._door = PreprocessedNetwork(
            torch.nn.Identity(), conventions.colour_order, conventions.mean, conventions.std
        )
        self._codec = get_codec(conventions.codec)
        self.seconds, self.people = 0.0, 0

    @torch.no_grad()
    def joints(self, samples: Sequence[AnnotatedPerson], boxes: list[np.ndarray]) -> np.ndarray:
        """Return the joints (N, K, 2) of people in picture pixels."""
        conventions = self._conventions
        transforms = [
            CropTransform.from_person_box(
                box, conventions.input_height, conventions.input_width, conventions.crop_style
            )
            for box in boxes
        ]
        crops = np.stack([t.warp(s.picture.load()) for t, s in zip(transforms, samples)])
        planes = self._door(torch.from_numpy(crops))
        begun = time.thread_time()
        if isinstance(self._network, SymmetricPose):
            maps, theta = self._network.estimate(planes)
            points, _ = self._codec.decode(maps)
            size_hw = (conventions.input_height, conventions.input_width)
            points = self._network.to_crop(points, theta, size_hw)
        else:
            points, _ = self._codec.decode(self._network(planes))
        self.seconds, self.people = (
            self.seconds + time.thread_time() - begun,
            self.people + len(samples),
        )
        return points_to_image(points.numpy(), transforms)


def pck(samples: Sequence[AnnotatedPerson], boxes: list[np.ndarray], reader: Reader) -> float:
    """Return PCK@0.2 of the limb joints, in per cent, for crops of the given boxes."""
    parts = [slice(first, first + BATCH) for first in range(0, len(samples), BATCH)]
    found = np.concatenate([reader.joints(samples[part], boxes[part]) for part in parts])
    scores = pck_scores(
        found,
        np.stack([sample.keypoints_xy for sample in samples]),
        np.stack([sample.joint_weights for sample in samples]) > 0,
        np.array([sample.torso for sample in samples]),
        COCO_19,
    )
    return 100 * scores.mean


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, help="A run's file; the bundled one if not given.")
    parser.add_argument("--people", type=int, default=10_000, help="validation people to score")
    parser.add_argument("--share", type=float, default=0.3, help="greatest shift and scale")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    samples = read_lspet(arguments.data / "lspet", "validation").people[: arguments.people]
    true = [sample.box_xyxy for sample in samples]
    moved = moved_boxes(samples, arguments.share, arguments.seed)
    plain = Reader(load_bundled_pose())
    whole = Reader(load(arguments.weights) if arguments.weights else load_bundled_pose(sstn=True))
    best, worst = pck(samples, true, plain), pck(samples, moved, plain)
    helped, same = pck(samples, moved, whole), pck(samples, true, whole)
    print(f"PCK@0.2 on {len(samples)} people of LSPET's validation pictures")
    print(f"true boxes                       {best:6.2f}")
    print(f"boxes moved and scaled by {100 * arguments.share:2.0f} %   {worst:6.2f}")
    print(f"the same with the transformer    {helped:6.2f}")
    print(f"true boxes with the transformer  {same:6.2f}")
    share = 100 * (helped - worst) / max(best - worst, 1e-9)
    print(f"recovered of the loss            {share:6.1f} %")
    for name, reader in (("network alone", plain), ("inside the transformer", whole)):
        print(f"{name:<32} {1e3 * reader.seconds / reader.people:6.2f} ms a person (torch, fp32)")


if __name__ == "__main__":
    main()
