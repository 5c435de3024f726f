"""Whether generated boxes lie around people as the detector's do, and whether training gains by it.

    python benchmarks/networks/bench_proposals.py DATA [--figure docs/images/proposals.svg]
    python benchmarks/networks/bench_proposals.py DATA --train-steps 200

The generator (DPG; RMPE, section 3.3) learns from the bundled detector's boxes on LSPET's training
pictures. On validation pictures its boxes, one a person, are compared with the detector's own: how
each side is off in parts of the box, the overlap with the true box, and for each the largest gap
between the two cumulative distributions (Kolmogorov-Smirnov). Boxes of uniform jitter, the same
±30 % of scale and ±15 % of shift for all, stand beside them.

``--train-steps`` fine-tunes the compact network's pyramid and head twice from the weights that it
starts from, with equal seeds, steps and pictures, once on jittered and once on generated boxes, and
scores both on the detector's boxes of the validation pictures.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from bench_sstn import Reader, pck
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.datasets.lspet import read_lspet
from rmpe.detectors import Detector, build_detector
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.proposals import ProposalGenerator, match_boxes
from rmpe.proposals.generator import side_offsets
from rmpe.training.data.people import TrainingPeople
from rmpe.training.data.proposal_fitting import fit_proposals
from rmpe.training.loop.run import RunOptions, train_network
from rmpe.training.recipes.published import COMPACT_TRUNK, NETWORK_RECIPES
from rmpe.zoo import load, load_bundled_pose

Floats = NDArray[np.float64]

NAMES = ("IoU", "left", "top", "right", "bottom")
COLOURS = {"detector": "#222222", "generated": "#d1495b", "jitter": "#4b86b4"}


class Found(NamedTuple):
    """People of a set that the detector found."""

    rows: list[int]
    """Their places in the set."""
    boxes_xyxy: NDArray[np.float32]
    """The detector's box of each, (M, 4)."""


def detected(people: KeypointSet, detector: Detector, pictures: int) -> Found:
    """Return whom the detector finds on the first pictures, matched at IoU 0.3."""
    rows, boxes = [], []
    for row, person in enumerate(people.people[:pictures]):
        found = detector([person.picture.load()])[0].boxes_xyxy
        for _, place in zip(*match_boxes(person.box_xyxy[None], found)):
            rows.append(row)
            boxes.append(found[place])
    return Found(rows, np.asarray(boxes, np.float32).reshape(-1, 4))


def jittered(box_xyxy: Floats, rng: np.random.Generator) -> Floats:
    """Return a box scaled by 0.7 to 1.3 and shifted by up to 0.15 sides."""
    sides = box_xyxy[2:] - box_xyxy[:2]
    centre = (box_xyxy[2:] + box_xyxy[:2]) / 2 + rng.uniform(-0.15, 0.15, 2) * sides
    half = sides / 2 * rng.uniform(0.7, 1.3)
    return np.concatenate([centre - half, centre + half])


def measures(true_xyxy: Floats, boxes_xyxy: Floats) -> Floats:
    """Return the overlap and the four offsets of each box, (M, 5)."""
    iou = np.diagonal(box_iou_matrix(true_xyxy, boxes_xyxy))
    return np.concatenate([iou[:, None], side_offsets(true_xyxy, boxes_xyxy)], 1)


def compare(people: KeypointSet, found: Found, generator: ProposalGenerator) -> dict[str, Floats]:
    """Return the measures (M, 5) of the detector's, the generated and the jittered boxes."""
    rng = np.random.default_rng(3)
    chosen = [people.people[row] for row in found.rows]
    true = np.stack([person.box_xyxy for person in chosen]).astype(np.float64)
    generated = np.concatenate(
        [generator.sample(p.keypoints_xy, p.visibility, p.box_xyxy, 1, rng) for p in chosen]
    )
    moved = np.stack([jittered(box, rng) for box in true])
    return {
        "detector": measures(true, found.boxes_xyxy.astype(np.float64)),
        "generated": measures(true, generated),
        "jitter": measures(true, moved),
    }


def print_table(values: dict[str, Floats]) -> None:
    """Print mean and spread of every measure, and the gap to the detector's distribution."""
    print(f"{'':<12}" + "".join(f"{name:>22}" for name in NAMES))
    for name, rows in values.items():
        cells = []
        for column in range(len(NAMES)):
            gap = ks_2samp(values["detector"][:, column], rows[:, column]).statistic
            cells.append(f"{rows[:, column].mean():+8.3f} ±{rows[:, column].std():5.3f} {gap:6.3f}")
        print(f"{name:<12}" + "".join(f"{cell:>22}" for cell in cells))


def figure(values: dict[str, Floats]) -> str:
    """Return histograms of the measures, a panel each, as SVG."""
    width, height, gap = 210, 170, 24
    parts = []
    for column, name in enumerate(NAMES):
        low, high = (0.2, 1.0) if name == "IoU" else (-0.6, 0.6)
        left = column * (width + gap) + 10
        edges = np.linspace(low, high, 25)
        counts = {
            kind: np.histogram(np.clip(rows[:, column], low, high), edges)[0] / len(rows)
            for kind, rows in values.items()
        }
        top = max(float(share.max()) for share in counts.values())
        for kind, share in counts.items():
            x = left + np.repeat((edges - low) / (high - low) * width, 2)[1:-1]
            y = 20 + height * (1 - np.repeat(share, 2) / top)
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y))
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{COLOURS[kind]}" '
                'stroke-width="1.6"/>'
            )
        parts.append(
            f'<line x1="{left}" x2="{left + width}" y1="{20 + height}" y2="{20 + height}" '
            f'stroke="#999"/><text x="{left}" y="{height + 36}">{low:g}</text>'
            f'<text x="{left + width}" y="{height + 36}" text-anchor="end">{high:g}</text>'
            f'<text x="{left + width / 2}" y="{height + 36}" text-anchor="middle">{name}</text>'
        )
    for place, (kind, colour) in enumerate(COLOURS.items()):
        parts.append(f'<text x="{10 + 90 * place}" y="14" fill="{colour}">{kind}</text>')
    full = len(NAMES) * (width + gap)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full} {height + 44}" '
        f'font-family="sans-serif" font-size="13"><rect width="{full}" height="{height + 44}" '
        f'fill="white"/>{"".join(parts)}</svg>\n'
    )


def compare_training(
    data: Path, train: KeypointSet, found: Found, generator: ProposalGenerator, steps: int
) -> None:
    """Print PCK@0.2 on the detector's boxes after training on either kind of boxes."""
    common = [
        *("dataset=lspet", "skeleton=coco19", "batch_size=16", "half_body_share=0"),
        *("precision=bf16-mixed", "random_draw=uniform", "rate=1e-3", "average_decay=0.98"),
        *("epochs=1", f"epoch_people={16 * steps}", f"frozen={','.join(COMPACT_TRUNK)}"),
    ]
    kinds: dict[str, list[str]] = {
        "jitter": ["scale_low=0.7", "scale_high=1.3", "shift_share=0.15"],
        "generated": ["scale_low=1", "scale_high=1", "proposals_from=0"],
    }
    samples = read_lspet(data / "lspet", "validation").people
    chosen = [samples[row] for row in found.rows]
    boxes = list(found.boxes_xyxy)
    score: Callable[[Path], float] = lambda path: pck(chosen, boxes, Reader(load(path)))  # noqa: E731
    print(f"PCK@0.2 on the detector's boxes of {len(chosen)} validation people")
    print(f"{'start':<12}{pck(chosen, boxes, Reader(load_bundled_pose())):8.2f}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "proposals.npz"
        generator.save(file)
        for kind, own in kinds.items():
            recipe = NETWORK_RECIPES["compact_coco"].with_settings([*common, *own])
            options = RunOptions(proposals=file, device="cpu", workers=0,
                                 progress=False)  # fmt: skip
            path = train_network(TrainingPeople(train, None), Path(folder) / kind, recipe, options)
            print(f"{kind:<12}{score(path):8.2f}  after {steps} steps of 16", flush=True)


def main() -> None:
    """Measure, and train if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--fit-pictures", type=int, default=1000)
    parser.add_argument("--held-out", type=int, default=500)
    parser.add_argument("--train-steps", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # Pictures of all sizes: OpenVINO would compile for each.
    detector = build_detector("compact", runtime="torch", threads=1)
    train = read_lspet(arguments.data / "lspet", "train")
    held_out = read_lspet(arguments.data / "lspet", "validation")
    generator = fit_proposals(train, detector, arguments.fit_pictures)
    found = detected(held_out, detector, arguments.held_out)
    print(f"learnt from {len(generator.offsets)} people in {len(generator.atomic.centres)} atomic "
          f"poses; {len(found.rows)} of {arguments.held_out} held-out people detected")  # fmt: skip
    values = compare(held_out, found, generator)
    print("mean ± spread and Kolmogorov-Smirnov gap to the detector's; offsets in box sides")
    print_table(values)
    if arguments.figure:
        arguments.figure.write_text(figure(values), encoding="utf-8")
    if arguments.train_steps:
        compare_training(arguments.data, train, found, generator, arguments.train_steps)


if __name__ == "__main__":
    main()
