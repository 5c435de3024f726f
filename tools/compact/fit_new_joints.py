"""Fit the outputs of neck and head top, which MoveNet does not have, on frozen features.

    python tools/compact/fit_new_joints.py MIXED.safetensors RESULT.safetensors --data DATA

Heatmap rows by logistic regression of the cells near and far from the joint, rows of the joints
seen from the centre by ridge regression, on the last hidden features of LSPET training crops.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from rmpe.datasets.keypoint_set import AnnotatedPerson
from rmpe.datasets.lspet import read_lspet
from rmpe.geometry.crop import CropChange, changed_crop_matrix
from rmpe.geometry.warp import apply_matrix, warp_affine
from rmpe.networks.compact_pose import HEAD_CHANNELS, CompactPose
from rmpe.skeletons import COCO_19
from rmpe.zoo import load

NEW_JOINTS = (COCO_19.index("neck"), COCO_19.index("head_top"))
LEAST_WEIGHT = 0.9
NEAR, FAR = 30, 60
"""Cells drawn around a joint and anywhere."""
NEAR_RADIUS = 5.0
TARGET_SIGMA = 1.5
NEAR_WEIGHT = 2.6
"""A drawn cell near the joint stands for this many: there are 78 in the circle."""
RIDGE_MAPS, RIDGE_GUESS = 5.0, 10.0
Floats = NDArray[np.float64]


def solved(features: Floats, targets: Floats, weights: Floats, ridge: float) -> Floats:
    """Logistic regression by Newton's steps; the last number of the result is the bias."""
    size = features[:, :-1].std(0).mean() ** 2 * ridge
    penalty = np.append(np.full(HEAD_CHANNELS, size), 1e-3)
    found = np.append(np.zeros(HEAD_CHANNELS), -6.0)
    for _ in range(25):
        chances = 1 / (1 + np.exp(-np.clip(features @ found, -30, 30)))
        curvature = features.T @ (features * (weights * chances * (1 - chances))[:, None])
        pull = np.append(found[:-1], 0.0) * penalty
        gradient = features.T @ (weights * (targets - chances)) - pull
        step = np.linalg.solve(curvature + np.diag(penalty), gradient)
        found += step * min(1.0, 3 / np.abs(features @ step).max())
    return found


@torch.no_grad()
def main() -> None:
    """Write the weights with new rows for both joints."""
    parser = argparse.ArgumentParser(description="Fit neck and head top on frozen features")
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--people", type=int, default=800)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    loaded = load(str(arguments.weights))
    network, conventions = loaded.network, loaded.conventions
    assert isinstance(network, CompactPose)
    rng = np.random.default_rng(0)
    people = read_lspet(arguments.data / "lspet", "train").people
    order = rng.permutation(len(people))
    taught = [people[row] for row in order if _knows(people[row])][: arguments.people]
    size = (conventions.input_height, conventions.input_width)
    samples: dict[int, list] = {joint: [] for joint in NEW_JOINTS}
    read, offsets = [], []
    for person in taught:
        change = CropChange(float(np.exp(rng.normal(-0.05, 0.12))))
        matrix = changed_crop_matrix(person.box_xyxy, *size, conventions.crop_style, change)
        crop = warp_affine(person.picture.load(), matrix, *size)
        x = torch.from_numpy(crop.copy()).flip(-1).permute(2, 0, 1)[None].float() / 255
        finest = network.pyramid(*network.fine_levels(x))
        hidden = network.head.hidden(finest)[0].double().numpy()  # (96, h, w)
        pooled, middle = network.pooled(finest)
        cells = (apply_matrix(matrix, person.keypoints_xy) + 0.5) / 4 - 0.5
        read.append(pooled[0].double().numpy())
        offsets.append(cells[list(NEW_JOINTS), ::-1] - middle[0].numpy())
        for joint in NEW_JOINTS:
            samples[joint].append(_drawn(hidden, cells[joint], rng))
    state = load_file(arguments.weights)
    ones = np.ones((len(read), 1))
    centred = np.concatenate([np.array(read), ones], 1)
    ridge = np.append(
        np.full(HEAD_CHANNELS, RIDGE_GUESS * centred[:, :-1].std(0).mean() ** 2), 1e-6
    )
    for place, joint in enumerate(NEW_JOINTS):
        features, targets, weights = (np.concatenate(part) for part in zip(*samples[joint]))
        _put(state, "head", joint, solved(features, targets, weights, RIDGE_MAPS))
        for axis in (0, 1):
            wanted = np.array(offsets)[:, place, axis]
            found = np.linalg.solve(centred.T @ centred + np.diag(ridge), centred.T @ wanted)
            _put(state, "from_centre", 2 * joint + axis, found)
    save_file(state, arguments.output)


def _knows(person: AnnotatedPerson) -> bool:
    return bool(person.joint_weights[list(NEW_JOINTS)].min() >= LEAST_WEIGHT)


def _drawn(
    hidden: Floats, joint_xy: NDArray[np.float32], rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Features (M, 97) of drawn cells, how much each is the joint's, and its weight."""
    height, width = hidden.shape[1:]
    rows, columns = np.mgrid[0:height, 0:width]
    squared = (rows - joint_xy[1]) ** 2 + (columns - joint_xy[0]) ** 2
    near = np.argwhere(squared < NEAR_RADIUS**2)
    near = near[rng.permutation(len(near))[:NEAR]]
    far = rng.integers(0, [height, width], (FAR, 2))
    cells = np.concatenate([near, far])
    weights = np.append(np.full(len(near), NEAR_WEIGHT), np.full(FAR, height * width / FAR))
    features = np.concatenate([hidden[:, cells[:, 0], cells[:, 1]].T, np.ones((len(cells), 1))], 1)
    targets = np.exp(-squared[cells[:, 0], cells[:, 1]] / (2 * TARGET_SIGMA**2))
    return features, targets, weights


def _put(state: dict[str, torch.Tensor], head: str, row: int, found: Floats) -> None:
    weight, bias = state[f"{head}.output.weight"], state[f"{head}.output.bias"]
    weight[row] = torch.from_numpy(found[:-1]).view(-1, 1, 1).to(weight.dtype)
    bias[row] = float(found[-1])


if __name__ == "__main__":
    main()
