"""Every family learns 32 pictures by heart: PCK@0.2 of at least 0.95 on what it was trained on.

    python benchmarks/bench_overfit.py [--families hrnet rsn ...] [--epochs 60]

The pictures are rendered, one person each; crops are 128x96 (Hourglass 128x128) and not augmented.
HRNet, MSPN and RSN are built at a fraction of their width; the others have one width only.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.datasets.synthetic_people import write_synthetic_set
from rmpe.evaluation.pck import pck_scores, torso_lengths
from rmpe.geometry.crop import CropTransform, points_to_image
from rmpe.heatmaps import get_codec
from rmpe.networks.hrnet import HRNet
from rmpe.networks.mspn import MspnBottleneck
from rmpe.networks.multistage import MultiStageNetwork, TrunkDesign
from rmpe.networks.rsn import ResidualStepsBlock
from rmpe.networks.variants import build_network
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.skeletons import COCO_17
from rmpe.training.network_training import RunOptions, train_network
from rmpe.training.people import OwnFiles, TrainingPeople, read_own_files
from rmpe.training.published_recipes import NETWORK_RECIPES
from rmpe.zoo.conventions import Conventions

PICTURES = 32
NEEDED = 95.0
NARROW = (1, 1, 1, 1), (64, 64, 128, 128)

FAMILIES: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "hrnet": ("hrnet_w32_coco", lambda: HRNet(8, 17)),
    "rsn": (
        "rsn18_coco",
        lambda: MultiStageNetwork(TrunkDesign(ResidualStepsBlock, *NARROW), 1, 17),
    ),
    "mspn": (
        "mspn_2stage_coco",
        lambda: MultiStageNetwork(TrunkDesign(MspnBottleneck, *NARROW), 2, 17),
    ),
    "simplebaseline": ("simplebaseline50_coco", lambda: build_network("pose_resnet50", 17)),
    "fastpose": ("fastpose_res50_coco", lambda: build_network("fastpose_res50", 17)),
    "cpn": ("cpn50_coco", lambda: build_network("cpn50", 17)),
    "hourglass": ("hourglass2_mpii", lambda: build_network("hourglass_2stack", 17)),
}
"""Family to its recipe and the network that is trained."""

PLAIN = (
    "flip_share=0", "rotation_share=0", "scale_low=1", "scale_high=1", "half_body_share=0",
    "batch_size=8", "rate=1e-3", "optimiser=adam", "weight_decay=0", "schedule=cosine",
    "rate_drops=", "proposals_from=-1", "input_height=128",
)  # fmt: skip


@torch.no_grad()
def pck(network: nn.Module, people: KeypointSet, rules: Conventions) -> float:
    """Return PCK@0.2 of the limb joints, in per cent."""
    door = PreprocessedNetwork(network.eval(), rules.colour_order, rules.mean, rules.std)
    transforms = [
        CropTransform.from_person_box(
            person.box_xyxy, rules.input_height, rules.input_width, rules.crop_style
        )
        for person in people.people
    ]
    crops = [t.warp(p.picture.load()) for t, p in zip(transforms, people.people)]
    maps = torch.cat([door(torch.from_numpy(crop[None])) for crop in crops])
    points, _ = get_codec(rules.codec).decode(maps)
    truth = np.stack([person.keypoints_xy for person in people.people])
    seen = np.stack([person.visibility for person in people.people]) > 0
    found = points_to_image(points.numpy(), transforms)
    return 100 * pck_scores(found, truth, seen, torso_lengths(truth, seen, COCO_17), COCO_17).mean


def main() -> None:
    """Train each family and print its PCK, steps and time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--epochs", type=int, default=60)
    arguments = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        annotations = write_synthetic_set(folder, PICTURES, 1, width=240, height=240)
        people = read_own_files(OwnFiles(annotations, folder / "images")).train
        print(f"{'family':<16} {'PCK@0.2':>8} {'epochs':>7} {'CPU s':>7}   needed {NEEDED:g}")
        for family in arguments.families:
            recipe_name, build = FAMILIES[family]
            width = 128 if family == "hourglass" else 96
            recipe = NETWORK_RECIPES[recipe_name].with_settings(
                [*PLAIN, f"input_width={width}", f"epochs={arguments.epochs}"]
            )
            torch.manual_seed(0)
            network, begun = build(), time.process_time()
            options = RunOptions(device="cpu", workers=0, progress=False)
            train_network(TrainingPeople(people, None), folder / family, recipe, options, network)
            spent = time.process_time() - begun
            score = pck(network, people, recipe.conventions("coco17"))
            print(f"{family:<16} {score:8.1f} {recipe.epochs:7d} {spent:7.0f}", flush=True)


if __name__ == "__main__":
    main()
