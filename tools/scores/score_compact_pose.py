"""The figures of a compact pose network's model card, and its reliability diagram.

    python tools/scores/score_compact_pose.py compact --data DATA
    python tools/scores/score_compact_pose.py compact --data DATA --precision int8
    python tools/scores/score_compact_pose.py RUN/own.safetensors --data DATA --figure a.svg

Held-out people with their true boxes, without and with the flip test: totals with bootstrap
intervals over people, a table by joint, and the calibration of the joint scores, fitted on every
other LSPET picture and checked on the rest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from held_out_people import LIMBS, Found, Reader, coco_people, lspet_people, other_people
from numpy.typing import NDArray
from score_calibration import calibration_error, draw_reliability, fit_logistic, reliability

from rmpe.heatmaps.compact import CompactCodec
from rmpe.skeletons import COCO_19
from rmpe.zoo import load, load_bundled_pose
from rmpe.zoo.bundled import BUNDLED, ready_pose

BOOTSTRAPS = 100


def figures_of(name: str, found: Found) -> dict[str, float]:
    """The figures of a set of people."""
    if name == "LSPET":
        return {"PCK of the limbs": found.pck(LIMBS)}
    figures = {"mean OKS": float(found.oks().mean()), "PCK": found.pck()}
    return {**found.coco(), **figures} if name == "COCO people" else figures


def print_totals(found: dict[str, Found]) -> None:
    """A row for each figure, with the central 95 % of its bootstrap values over people."""
    for name, part in found.items():
        rng, count = np.random.default_rng(0), len(part.people)
        drawn = [
            figures_of(name, part.rows(rng.integers(0, count, count))) for _ in range(BOOTSTRAPS)
        ]
        for figure, value in figures_of(name, part).items():
            low, high = np.percentile([values[figure] for values in drawn], [2.5, 97.5])
            print(
                f"| {name}, {count} | {figure} | {value:.3f} ({low:.3f}-{high:.3f}) |", flush=True
            )


def print_joints(found: Found) -> None:
    """PCK of every joint."""
    right, known = found.hits()
    for joint, name in enumerate(COCO_19.joints):
        if known[:, joint].any():
            print(f"| {name} | {right[known[:, joint], joint].mean():.3f} |")


def log_peaks(codec: CompactCodec, scores: NDArray) -> NDArray:
    """Undo the codec's logistic: the logarithm of the blurred peak over that of a perfect map."""
    clipped = np.clip(scores.astype(np.float64), 1e-9, 1 - 1e-9)
    return (np.log(clipped / (1 - clipped)) - codec.score_offset) / codec.score_slope


def calibrate(codec: CompactCodec, found: dict[str, Found]) -> dict[str, list]:
    """Fit the scores on half of LSPET; print and return how reliable they are elsewhere."""
    lspet = found["LSPET"]
    right, known = lspet.hits()
    values = log_peaks(codec, lspet.scores)
    fit = np.arange(len(values)) % 2 == 0
    slope, offset = fit_logistic(values[fit][known[fit]], right[fit][known[fit]])
    print(f"calibration: score_slope={slope:.3f} score_offset={offset:.3f}")
    curves = {}
    parts = {
        "LSPET, other half": lspet.rows(np.flatnonzero(~fit)),
        "COCO people": found["COCO people"],
        "other sources": found["other sources"],
    }
    for name, part in parts.items():
        right, known = part.hits()
        logits = slope * log_peaks(codec, part.scores)[known] + offset
        chances = 1 / (1 + np.exp(-logits))
        curves[name] = list(reliability(chances, right[known]))
        print(f"{name}: calibration error {calibration_error(chances, right[known]):.3f}")
    return curves


def main() -> None:
    """Print the card's figures."""
    parser = argparse.ArgumentParser(description="Score compact pose weights")
    parser.add_argument("network", help="compact, compact-accurate or a file")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--figure", type=Path, help="SVG of the reliability diagram")
    parser.add_argument("--every", type=int, default=1, help="score every n-th LSPET person")
    parser.add_argument("--precision", help="of a bundled network without torch: fp32, bf16, int8")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    name = arguments.network
    loaded = load_bundled_pose(name) if name in BUNDLED else load(name)
    ready = None
    if arguments.precision:
        ready = ready_pose(name, device="cpu", precision=arguments.precision, threads=1)
    others = [person for group in other_people(arguments.data).values() for person in group]
    people = {
        "LSPET": lspet_people(arguments.data, arguments.every),
        "COCO people": coco_people(arguments.data),
        "other sources": others,
    }
    found: dict[str, Found] = {}
    for flip_test in (True, False):
        reader = Reader(loaded, flip_test=flip_test, runtime=ready and ready[0])
        found = {part: reader(group) for part, group in people.items()}
        print("flip test" if flip_test else "one pass")
        print_totals(found)
    print_joints(found["LSPET"])
    print_joints(found["COCO people"])
    assert isinstance(reader.codec, CompactCodec)
    curves = calibrate(reader.codec, found)
    if arguments.figure:
        draw_reliability(curves, arguments.figure, "mean score", "share within 0.2 torsos")


if __name__ == "__main__":
    main()
