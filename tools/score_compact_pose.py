"""The figures of the compact pose network's model card.

    python tools/score_compact_pose.py WEIGHTS.safetensors --data DATA

Held-out LSPET pictures, COCO people and people of other data sets' samples, with ground-truth boxes
and flip test: totals with bootstrap intervals over people, a table by joint, and the calibration of
the joint scores, fitted on every other LSPET picture and checked on the rest.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sample_people import SAMPLE_FILES, read_sample_people

from rmpe.datasets.lspet import read_lspet
from rmpe.geometry.crop import points_to_image
from rmpe.heatmaps import decode_with_flip, get_codec
from rmpe.heatmaps.compact import CompactCodec
from rmpe.skeletons import COCO_17, COCO_19
from rmpe.training.bundled.coco_people import read_coco_people
from rmpe.training.bundled.compact_pose import load_compact_pose
from rmpe.training.bundled.pose_scores import (
    HeldOutPeople,
    coco_figures,
    estimate_people,
    heatmaps_of,
    limb_pck,
)
from tools.score_calibration import calibration_error, fit_logistic, reliability

BOOTSTRAPS = 500
THRESHOLD = 0.2


def interval(values: list[float]) -> str:
    """The central 95 % of bootstrap values."""
    low, high = np.percentile(values, [2.5, 97.5])
    return f"{low:.3f} to {high:.3f}"


def hits(people: HeldOutPeople, points: NDArray) -> tuple[NDArray, NDArray]:
    """Which joints are within the threshold and which are annotated, (N, 19) each."""
    truth = np.stack([sample.keypoints_xy for sample in people.samples])
    known = np.stack([sample.trust for sample in people.samples]) > 0
    torso = np.array([sample.torso for sample in people.samples])
    return np.linalg.norm(points - truth, axis=-1) <= THRESHOLD * torso[:, None], known


def print_joints(people: HeldOutPeople, points: NDArray) -> None:
    """PCK of every joint."""
    right, known = hits(people, points)
    for joint, name in enumerate(COCO_19.joints):
        if known[:, joint].any():
            share = right[known[:, joint], joint].mean()
            print(f"| {name} | {share:.3f} | {int(known[:, joint].sum())} |")


def print_samples(network: torch.nn.Module, folder: Path, rng: np.random.Generator) -> None:
    """PCK of the sample people of every source, and of all of them."""
    rights, counts = [], []
    for source, file in SAMPLE_FILES.items():
        pictures = folder / Path(file).parts[0]
        samples = read_sample_people(folder / file, pictures, source)
        people = HeldOutPeople.of(samples, 256, 192)
        points, _ = estimate_people(network, people, torch.device("cpu"))
        right, known = hits(people, points)
        print(f"| {source} | {len(samples)} | {known.sum()} | {right[known].mean():.3f} |")
        rights.append((right & known).sum(1))
        counts.append(known.sum(1))
    right_of, known_of = np.concatenate(rights), np.concatenate(counts)
    totals = []
    for _ in range(BOOTSTRAPS):
        rows = rng.integers(0, len(right_of), len(right_of))
        totals.append(right_of[rows].sum() / known_of[rows].sum())
    total = right_of.sum() / known_of.sum()
    print(f"| all | {len(right_of)} | {known_of.sum()} | {total:.3f} ({interval(totals)}) |")


def log_peaks(codec: CompactCodec, scores: NDArray) -> NDArray:
    """Undo the codec's logistic: the logarithm of the blurred peak over that of a perfect map."""
    clipped = np.clip(scores.astype(np.float64), 1e-9, 1 - 1e-9)
    return (np.log(clipped / (1 - clipped)) - codec.score_offset) / codec.score_slope


def main() -> None:
    """Print the card's figures."""
    parser = argparse.ArgumentParser(description="Score compact pose weights")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    network = load_compact_pose(arguments.weights).eval()
    folder = arguments.data / "samples" / "coco_people"
    document = json.loads((folder / "person_keypoints.json").read_text())
    sets = {
        "lspet": HeldOutPeople.of(read_lspet(arguments.data / "lspet", "validation"), 256, 192),
        "coco": HeldOutPeople.of(
            read_coco_people(folder / "person_keypoints.json", folder / "images"), 256, 192
        ),
    }
    codec = get_codec("compact")
    if not isinstance(codec, CompactCodec):
        raise ValueError("the codec named compact is not a CompactCodec")
    found = {}
    for name, people in sets.items():
        plain, mirrored = heatmaps_of(network, people.crops_bgr, torch.device("cpu"))
        points, scores = decode_with_flip(codec, plain, mirrored, COCO_19.mirror_permutation)
        found[name] = points_to_image(points.numpy(), list(people.transforms)), scores.numpy()
    rng = np.random.default_rng(0)

    points, scores = found["lspet"]
    right, known = hits(sets["lspet"], points)
    limbs = [COCO_19.index(name) for name in COCO_17.joints[5:]]
    totals = []
    for _ in range(BOOTSTRAPS):
        rows = rng.integers(0, len(points), len(points))
        totals.append(right[rows][:, limbs][known[rows][:, limbs]].mean())
    print(f"LSPET PCK@0.2 {limb_pck(sets['lspet'], points):.4f} ({interval(totals)})")
    print_joints(sets["lspet"], points)

    coco_points, coco_scores = found["coco"]
    figures = coco_figures(document, sets["coco"], coco_points, coco_scores)
    print(figures)
    resampled: dict[str, list[float]] = {name: [] for name in figures}
    for _ in range(BOOTSTRAPS // 5):
        rows = list(rng.integers(0, len(coco_points), len(coco_points)))
        copies, document_copy = _resampled(document, sets["coco"], rows)
        values = coco_figures(document_copy, copies, coco_points[rows], coco_scores[rows])
        for name, value in values.items():
            resampled[name].append(value)
    for name, drawn in resampled.items():
        print(f"{name} {figures[name]:.3f} ({interval(drawn)})")
    print_joints(sets["coco"], coco_points)
    print_samples(network, arguments.data / "samples", rng)

    fit = np.arange(len(points)) % 2 == 0
    values = log_peaks(codec, scores)
    mask = known[fit]
    slope, offset = fit_logistic(values[fit][mask], right[fit][mask])
    print(f"calibration: score_slope={slope:.3f} score_offset={offset:.3f}")
    coco_right, coco_known = hits(sets["coco"], coco_points)
    for name, value, true, shown in (
        ("lspet, other half", values[~fit], right[~fit], known[~fit]),
        ("coco", log_peaks(codec, coco_scores), coco_right, coco_known),
    ):
        calibrated = 1 / (1 + np.exp(-(slope * value[shown] + offset)))
        print(f"{name}: calibration error {calibration_error(calibrated, true[shown]):.3f}")
        for entry in reliability(calibrated, true[shown]):
            print(f"| {entry.mean_score:.2f} | {entry.share_right:.2f} | {entry.count} |")


def _resampled(
    document: dict, people: HeldOutPeople, rows: list[int]
) -> tuple[HeldOutPeople, dict]:
    """People drawn with replacement, each copy alone on a picture of its own."""
    by_id = {str(annotation["id"]): annotation for annotation in document["annotations"]}
    images, annotations, samples = [], [], []
    for number, row in enumerate(rows, start=1):
        sample = people.samples[row]
        annotation = by_id[sample.name.rpartition("#")[2]]
        images.append({"id": number, "file_name": f"{number}.jpg"})
        annotations.append({**annotation, "id": number, "image_id": number})
        samples.append(replace(sample, name=f"{number}.jpg#{number}"))
    drawn = HeldOutPeople(
        tuple(samples), tuple(people.transforms[row] for row in rows), people.crops_bgr[:0]
    )
    return drawn, {**document, "images": images, "annotations": annotations}


if __name__ == "__main__":
    main()
