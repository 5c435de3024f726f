"""Label everyday people with a larger network: what the compact pose networks learn from.

    python tools/compact/teach_poses.py START.safetensors --data DATA --output poses.npz

Every person is seen in crops of three sizes, plain and mirrored; the logarithms of the
probabilities are averaged on one grid around the person (data distillation: Radosavovic et al.,
CVPR 2018). ``rmpe train compact-pose --labels poses.npz`` reads the file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from rmpe.datasets.keypoint_set import Picture
from rmpe.geometry.crop import CropChange, changed_crop_matrix
from rmpe.geometry.warp import warp_affine
from rmpe.heatmaps import get_codec
from rmpe.runtimes import build_runtime
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.skeletons import COCO_17
from rmpe.training.bundled.pose_people import everyday_boxes
from rmpe.training.data.taught import FLOOR, stored_maps
from rmpe.zoo import load

FloatArray = NDArray[np.float32]

ROWS, COLUMNS = 96, 72
"""Cells of the grid; it covers a crop of GRID_SCALE."""
GRID_SCALE = 1.2
"""Sides of the grid in those of the network's own crop."""
VIEWS = (1.0, 0.85, 1.15)
"""Sides of the crops that are looked at."""
JOINTS = COCO_17.joint_count


def full(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """A (2, 3) map as (3, 3)."""
    return np.vstack([matrix, [0, 0, 1]])


class Teacher:
    """Gives distributions over a grid around a person."""

    def __init__(self, weights: Path) -> None:
        """Read the weights of a compact pose network."""
        loaded = load(str(weights))
        self._rules = loaded.conventions
        rules = self._rules
        door = PreprocessedNetwork(loaded.network, rules.colour_order, rules.mean, rules.std)
        self._runtime = build_runtime(door, device="cpu", threads=1)
        self._codec = get_codec(rules.codec)

    def look(
        self, image_bgr: NDArray[np.uint8], box_xyxy: FloatArray
    ) -> tuple[FloatArray, NDArray[np.float64]]:
        """Return logarithms of probabilities (17, ROWS, COLUMNS) and picture -> grid (2, 3)."""
        rules = self._rules
        size = (rules.input_height, rules.input_width)
        style = rules.crop_style
        to_grid = changed_crop_matrix(box_xyxy, ROWS, COLUMNS, style, CropChange(GRID_SCALE))
        to_grid[:, 2] -= 0.5  # cell centres at whole numbers
        matrices = [changed_crop_matrix(box_xyxy, *size, style, CropChange(f)) for f in VIEWS]
        crops = np.stack([warp_affine(image_bgr, matrix, *size) for matrix in matrices])
        plain = self._runtime(crops)[0][:, :JOINTS].float().clone()
        turned = self._runtime(np.ascontiguousarray(crops[:, :, ::-1]))[0][:, :JOINTS].float()
        order = torch.from_numpy(COCO_17.mirror_permutation)
        maps = (plain + turned.flip(3)[:, order]) / 2
        chances = torch.log_softmax(maps.flatten(2), -1).view_as(maps).clamp(min=FLOOR).numpy()
        total = np.zeros((JOINTS, ROWS, COLUMNS), np.float32)
        to_cells = np.array([[0.25, 0, -0.375], [0, 0.25, -0.375], [0, 0, 1]])
        for view, matrix in zip(chances, matrices, strict=True):
            back = (to_cells @ full(matrix) @ np.linalg.inv(full(to_grid)))[:2]
            for joint in range(JOINTS):
                total[joint] += cv2.warpAffine(
                    view[joint] - FLOOR,
                    back,
                    (COLUMNS, ROWS),
                    flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                )
        return total / len(VIEWS) + FLOOR, to_grid

    def joints(
        self, chances: FloatArray, to_grid: NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """Return joints in picture pixels (17, 2) and how sure they are (17,)."""
        points, scores = self._codec.decode(torch.from_numpy(chances)[None])
        cells = (points[0].numpy() - 1.5) / 4
        back = np.linalg.inv(full(to_grid))
        joints = np.c_[cells, np.ones(JOINTS)] @ back.T
        return joints[:, :2].astype(np.float32), scores[0].numpy()


def main() -> None:
    """Label the people of the packs."""
    parser = argparse.ArgumentParser(description="Label everyday people with a larger network")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--most", type=int, default=1500, help="people of each source")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    teacher = Teacher(arguments.weights)
    boxes = everyday_boxes(arguments.data)
    order = np.random.default_rng(0).permutation(len(boxes))
    counts: dict[str, int] = {}
    names = ("source", "picture", "box", "joints", "confidence", "to_cells", "maps")
    rows: dict[str, list] = {name: [] for name in names}
    for row in tqdm(order, disable=None):
        source, path, box = boxes[row]
        counts[source] = counts.get(source, 0) + 1
        if counts[source] > arguments.most:
            continue
        chances, to_grid = teacher.look(Picture(0, path).load(), box)
        joints, sure = teacher.joints(chances, to_grid)
        rows["source"].append(source)
        rows["picture"].append(path.relative_to(arguments.data).as_posix())
        rows["box"].append(box)
        rows["joints"].append(joints)
        rows["confidence"].append(sure)
        rows["to_cells"].append(to_grid)
        rows["maps"].append(stored_maps(chances))
    np.savez(arguments.output, **{name: np.array(values) for name, values in rows.items()})


if __name__ == "__main__":
    main()
