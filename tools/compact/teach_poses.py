"""Label people with a larger network: what the compact pose networks learn from.

    python tools/compact/teach_poses.py compact-accurate boxes --data DATA --output LABELS/boxes.npz
    python tools/compact/teach_poses.py compact-accurate found --data DATA --output LABELS/found.npz
    python tools/compact/teach_poses.py compact-accurate clips --data DATA --output LABELS/clips.npz
    python tools/compact/teach_poses.py compact-accurate lspet --data DATA --output LABELS/lspet.npz

``boxes`` are the labelled boxes of everyday people, ``found`` whom the detector finds beside them
and beside the athletes of LSPET, ``clips`` whom it finds in the sample clips, and ``lspet`` the
athletes themselves. Every person is seen in crops of three sizes, plain and mirrored; the
logarithms of the probabilities are averaged on one grid around the person (data distillation:
Radosavovic et al., CVPR 2018). ``rmpe train compact-pose --labels LABELS`` reads the files.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from rmpe.datasets.keypoint_set import Picture
from rmpe.datasets.lspet import read_lspet
from rmpe.detectors import Detector, build_detector
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.geometry.crop import CropChange, changed_crop_matrix
from rmpe.geometry.warp import warp_affine
from rmpe.heatmaps import get_codec
from rmpe.runtimes import build_runtime
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.skeletons import COCO_17
from rmpe.training.bundled.person_boxes import is_held_out, read_detect_pack
from rmpe.training.bundled.pose_people import LEAST_HEIGHT, LEAST_WIDTH, everyday_boxes
from rmpe.training.data.taught import FLOOR, stored_maps
from rmpe.zoo import load, load_bundled_pose
from rmpe.zoo.bundled import BUNDLED

FloatArray = NDArray[np.float32]

ROWS, COLUMNS = 96, 72
"""Cells of the grid; it covers a crop of GRID_SCALE."""
GRID_SCALE = 1.2
"""Sides of the grid in those of the network's own crop."""
VIEWS = (1.05, 0.9, 1.2)
"""Sides of the crops that are looked at."""
LEAST_SCORE = 0.45
"""Of a person that is found."""
SAME_PERSON_IOU = 0.4
FRAME_STEP = 12
"""Every so many frames of a clip are looked at."""
CLIPS = ("street_crossing_720p.avi", "motorbikes_720p.mp4", "street_960x540.mp4")
JOINTS = COCO_17.joint_count


def full(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """A (2, 3) map as (3, 3)."""
    return np.vstack([matrix, [0, 0, 1]])


class Teacher:
    """Gives distributions over a grid around a person."""

    def __init__(self, weights: str) -> None:
        """Read a bundled network by its name, or the weights of a compact pose network."""
        loaded = load_bundled_pose(weights) if weights in BUNDLED else load(weights)
        self._conventions = loaded.conventions
        conventions = self._conventions
        door = PreprocessedNetwork(
            loaded.network, conventions.colour_order, conventions.mean, conventions.std
        )
        self._runtime = build_runtime(door, device="cpu", threads=1)
        self._codec = get_codec(conventions.codec)

    def look(
        self, image_bgr: NDArray[np.uint8], box_xyxy: FloatArray
    ) -> tuple[FloatArray, NDArray[np.float64]]:
        """Return logarithms of probabilities (17, ROWS, COLUMNS) and picture -> grid (2, 3)."""
        conventions = self._conventions
        size = (conventions.input_height, conventions.input_width)
        style = conventions.crop_style
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
        return np.asarray(total / len(VIEWS) + FLOOR, np.float32), to_grid

    def joints(
        self, chances: FloatArray, to_grid: NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """Return joints in picture pixels (17, 2) and how sure they are (17,)."""
        points, scores = self._codec.decode(torch.from_numpy(chances)[None])
        cells = (points[0].numpy() - 1.5) / 4
        back = np.linalg.inv(full(to_grid))
        joints = np.c_[cells, np.ones(JOINTS)] @ back.T
        return joints[:, :2].astype(np.float32), scores[0].numpy()


class Finder:
    """Finds people beside those whose boxes are known."""

    def __init__(self) -> None:
        """Take the bundled detector."""
        self._detector: Detector = build_detector("compact", device="cpu", threads=1)

    def __call__(self, image_bgr: NDArray[np.uint8], known_xyxy: FloatArray) -> list[FloatArray]:
        """Return the boxes of sure people of some size who overlap none of ``known_xyxy``."""
        found = self._detector([image_bgr])[0]
        sides = found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2]
        kept = (found.scores >= LEAST_SCORE) & (sides[:, 1] >= LEAST_HEIGHT)
        kept &= sides[:, 0] >= LEAST_WIDTH
        kept &= box_iou_matrix(found.boxes_xyxy, known_xyxy).max(1, initial=0) < SAME_PERSON_IOU
        return list(found.boxes_xyxy[kept])


Person = tuple[str, Path, FloatArray]
"""Source, picture and box."""


def shuffled(people: list) -> list:
    """The same in an order of their own, so that a part of them is a sample."""
    return [people[row] for row in np.random.default_rng(0).permutation(len(people))]


def athletes(data: Path) -> Iterator[Person]:
    """The people of LSPET's training pictures."""
    for person in shuffled(list(read_lspet(data / "lspet", "train").people)):
        yield "lspet", person.picture.path, person.box_xyxy


def people_found(data: Path) -> Iterator[Person]:
    """People whom nobody has labelled in the pictures of street and of LSPET."""
    finder = Finder()
    street = [
        ("street", data / "detect" / "images.tar" / picture.name, picture.boxes_xyxy)
        for picture in read_detect_pack(data / "detect")
        if picture.source == "street" and not is_held_out(picture.name)
    ]
    lspet = [("beside", path, box[None]) for _, path, box in athletes(data)]
    for source, path, known in shuffled(street + lspet):
        for box in finder(Picture(0, path).load(), known):
            yield source, path, box


def people_of_clips(data: Path, folder: Path) -> Iterator[Person]:
    """People of the sample clips, every few frames, which are written into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    finder = Finder()
    for name in CLIPS:
        clip = cv2.VideoCapture(str(data / "samples" / "video" / name))
        number = 0
        while (frame := clip.read()[1]) is not None:
            if number % FRAME_STEP == 0:
                path = (folder / f"{Path(name).stem}_{number:05d}.jpg").resolve()
                cv2.imwrite(str(path), frame)
                for box in finder(frame, np.zeros((0, 4), np.float32)):
                    yield "clips", path, box
            number += 1


def people_of(kind: str, data: Path, output: Path) -> Iterator[Person]:
    """The people of one kind, see the top of this file."""
    if kind == "boxes":
        return iter(shuffled(everyday_boxes(data)))
    if kind == "found":
        return people_found(data)
    return athletes(data) if kind == "lspet" else people_of_clips(data, output.parent / "frames")


def main() -> None:
    """Label the people of one kind."""
    parser = argparse.ArgumentParser(description="Label people with a larger network")
    parser.add_argument("network", help="compact-accurate or a file of weights")
    parser.add_argument("kind", choices=("boxes", "found", "clips", "lspet"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=np.inf, help="end after this time")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    end = time.monotonic() + 60 * arguments.minutes
    teacher = Teacher(arguments.network)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    names = ("source", "picture", "box", "joints", "confidence", "to_cells", "maps")
    rows: dict[str, list] = {name: [] for name in names}
    people = people_of(arguments.kind, arguments.data.resolve(), arguments.output)
    for source, path, box in tqdm(people, disable=None):
        if time.monotonic() > end:
            break
        chances, to_grid = teacher.look(Picture(0, path).load(), box)
        joints, sure = teacher.joints(chances, to_grid)
        rows["source"].append(source)
        rows["picture"].append(stored_path(path, arguments.data.resolve()))
        rows["box"].append(box)
        rows["joints"].append(joints)
        rows["confidence"].append(sure)
        rows["to_cells"].append(to_grid)
        rows["maps"].append(stored_maps(chances))
    np.savez(arguments.output, **{name: np.array(values) for name, values in rows.items()})


def stored_path(path: Path, data: Path) -> str:
    """A picture's path below the data, or the whole path of a frame that lies elsewhere."""
    return (path.relative_to(data) if path.is_relative_to(data) else path).as_posix()


if __name__ == "__main__":
    main()
