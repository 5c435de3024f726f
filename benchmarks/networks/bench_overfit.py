"""Every family learns 32 pictures by heart: PCK@0.2 of at least 0.95 on what it was trained on.

    python benchmarks/networks/bench_overfit.py [--only hrnet ...] [--results overfit.json]

The pictures are rendered, one person each; crops are 128x96 (Hourglass 128x128) and not augmented.
All networks are narrow: most have a quarter of their width, HRNet has half of it (width 16): its
head is one linear layer on as many channels as it is wide, and fewer than 17 of them cannot make 17
independent maps. Losses, targets and supervised outputs are those of the family's recipe. With
``--results`` every family's figures are kept in a file as soon as they are there, and families that
are in it are not trained again.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.datasets.synthetic_people import write_synthetic_set
from rmpe.evaluation.pck.scores import pck_scores, torso_lengths
from rmpe.geometry.crop import CropTransform, points_to_image
from rmpe.heatmaps import get_codec
from rmpe.networks.blocks.multistage import BlockFactory, MultiStageNetwork, TrunkDesign
from rmpe.networks.hrnet import HRNet
from rmpe.networks.mspn import MspnBottleneck
from rmpe.networks.rsn import ResidualStepsBlock
from rmpe.networks.variants import build_network
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.skeletons import COCO_17
from rmpe.training.data.people import OwnFiles, TrainingPeople, read_own_files
from rmpe.training.loop.heads import start_heads_near_zero
from rmpe.training.loop.run import RunOptions, train_network
from rmpe.training.recipes.published import NETWORK_RECIPES
from rmpe.zoo.conventions import Conventions

PICTURES = 32
NEEDED = 95.0


@dataclass(frozen=True)
class Family:
    """How one family learns."""

    recipe: str
    """Its recipe."""
    build: Callable[[], nn.Module]
    """Its narrow network."""
    settings: tuple[str, ...] = ()
    """What is set beside :data:`PLAIN`."""


def narrowed(network: nn.Module, by: int = 4) -> nn.Module:
    """Return a network of plain convolutions with a part of its channels, the first of each.

    Three colours and 17 joints stay as they are.
    """

    def part(channels: int) -> int:
        return channels if channels in (3, 17) else channels // by

    for module in network.modules():
        if isinstance(module, nn.ConvTranspose2d | nn.Conv2d | nn.Linear):
            linear = isinstance(module, nn.Linear)
            ends = ("in_features", "out_features") if linear else ("in_channels", "out_channels")
            first, last = (part(getattr(module, end)) for end in ends)
            rows, columns = (first, last) if module_is_transposed(module) else (last, first)
            module.weight = nn.Parameter(module.weight.detach()[:rows, :columns].clone())
            if module.bias is not None:
                module.bias = nn.Parameter(module.bias.detach()[:last].clone())
            setattr(module, ends[0], first)
            setattr(module, ends[1], last)
        elif isinstance(module, nn.BatchNorm2d):
            module.num_features = count = part(module.num_features)
            module.weight = nn.Parameter(module.weight.detach()[:count].clone())
            module.bias = nn.Parameter(module.bias.detach()[:count].clone())
            for name in ("running_mean", "running_var"):
                setattr(module, name, getattr(module, name)[:count].clone())
    return network


def module_is_transposed(module: nn.Module) -> bool:
    """Return whether a module's weights have its inputs first."""
    return isinstance(module, nn.ConvTranspose2d)


def narrow_stages(block: BlockFactory, stages: int) -> nn.Module:
    """Return MSPN or RSN with one narrow block in each layer."""
    return MultiStageNetwork(TrunkDesign(block, (1, 1, 1, 1), (64, 64, 128, 128)), stages, 17)


FAMILIES = {
    "hrnet": Family("hrnet_w32_coco", lambda: HRNet(16, 17)),
    "rsn": Family("rsn18_coco", lambda: narrow_stages(ResidualStepsBlock, 1)),
    "mspn": Family("mspn_2stage_coco", lambda: narrow_stages(MspnBottleneck, 2)),
    "simplebaseline": Family(
        "simplebaseline50_coco", lambda: narrowed(build_network("pose_resnet50", 17))
    ),
    "fastpose": Family(
        "fastpose_res50_coco", lambda: narrowed(build_network("fastpose_res50", 17))
    ),
    "cpn": Family("cpn50_coco", lambda: narrowed(build_network("cpn50", 17))),
    "hourglass": Family(
        "hourglass2_mpii",
        lambda: narrowed(build_network("hourglass_2stack", 17)),
        ("input_width=128",),
    ),
}

PLAIN = (
    "flip_share=0", "rotation_share=0", "scale_low=1", "scale_high=1", "half_body_share=0",
    "batch_size=8", "rate=1e-3", "optimiser=adam", "weight_decay=0", "schedule=cosine",
    "rate_drops=", "proposals_from=-1", "input_height=128", "input_width=96",
)  # fmt: skip


@torch.no_grad()
def pck(network: nn.Module, people: KeypointSet, conventions: Conventions) -> float:
    """Return PCK@0.2 of the limb joints, in per cent."""
    door = PreprocessedNetwork(
        network.eval(), conventions.colour_order, conventions.mean, conventions.std
    )
    transforms = [
        CropTransform.from_person_box(
            person.box_xyxy,
            conventions.input_height,
            conventions.input_width,
            conventions.crop_style,
        )
        for person in people.people
    ]
    crops = [t.warp(p.picture.load()) for t, p in zip(transforms, people.people)]
    maps = torch.cat([door(torch.from_numpy(crop[None])) for crop in crops])
    points, _ = get_codec(conventions.codec).decode(maps)
    truth = np.stack([person.keypoints_xy for person in people.people])
    seen = np.stack([person.visibility for person in people.people]) > 0
    found = points_to_image(points.numpy(), transforms)
    return 100 * pck_scores(found, truth, seen, torso_lengths(truth, seen, COCO_17), COCO_17).mean


def learn(name: str, people: KeypointSet, folder: Path, epochs: int) -> dict[str, float]:
    """Train one family and return its figures."""
    family = FAMILIES[name]
    recipe = NETWORK_RECIPES[family.recipe].with_settings(
        [*PLAIN, f"epochs={epochs}", *family.settings]
    )
    torch.manual_seed(0)
    network, begun, wall = family.build(), time.process_time(), time.monotonic()
    start_heads_near_zero(network, recipe.origin, 17)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    options = RunOptions(device="cpu", workers=0, progress=False)
    train_network(TrainingPeople(people, None), folder / name, recipe, options, network)
    return {
        "pck": round(pck(network, people, recipe.conventions("coco17")), 1),
        "steps": recipe.epochs * (PICTURES // recipe.batch_size),
        "rate": recipe.rate,
        "parameters": parameters,
        "cpu_minutes": round((time.process_time() - begun) / 60, 2),
        "minutes": round((time.monotonic() - wall) / 60, 2),
    }


def main() -> None:
    """Train each family, print its figures, exit with 1 if one has not reached the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=list(FAMILIES))
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--results", type=Path)
    arguments = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    results: dict[str, dict[str, float]] = {}
    if arguments.results and arguments.results.exists():
        results = json.loads(arguments.results.read_text())
    with tempfile.TemporaryDirectory() as folder:
        annotations = write_synthetic_set(Path(folder), PICTURES, 1, width=240, height=240)
        people = read_own_files(OwnFiles(annotations, Path(folder) / "images")).train
        print(f"{'family':<16} {'PCK@0.2':>8} {'steps':>6} {'CPU min':>8}   needed {NEEDED:g}")
        for name in arguments.only or FAMILIES:
            if name not in results:
                results[name] = learn(name, people, Path(folder), arguments.epochs)
                if arguments.results:
                    arguments.results.write_text(json.dumps(results, indent=1) + "\n")
            found = results[name]
            print(f"{name:<16} {found['pck']:8.1f} {found['steps']:6.0f} "
                  f"{found['cpu_minutes']:8.2f}", flush=True)  # fmt: skip
    sys.exit(0 if all(found["pck"] >= NEEDED for found in results.values()) else 1)


if __name__ == "__main__":
    main()
