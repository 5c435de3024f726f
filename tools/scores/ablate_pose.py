"""What each choice of a compact pose network is worth: a row of figures for every combination.

    python tools/scores/ablate_pose.py compact --data DATA --crop 1.08 1.15 1.25
    python tools/scores/ablate_pose.py thunder.safetensors --data DATA --input 256x192 320x256

People that are held out, in their true boxes: AP, AP50, mean OKS and PCK of the 63 COCO people,
mean OKS of those of other sources, PCK of the limbs of every fifth LSPET picture. Several values
of an option, or several files of weights, make as many rows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compact"))

from held_out_people import LIMBS, Found, Reader, coco_people, lspet_people, other_people
from teach_poses import Teacher

from rmpe.datasets.keypoint_set import AnnotatedPerson
from rmpe.heatmaps import get_codec
from rmpe.heatmaps.compact import CompactCodec
from rmpe.networks.compact_pose import CompactPose
from rmpe.records import FloatArray
from rmpe.skeletons import COCO_17, COCO_19
from rmpe.zoo import LoadedNetwork, load, load_bundled_pose
from rmpe.zoo.bundled import BUNDLED

EVERY = 5
DRAWS = 3
"""Of boxes that are off; the figures are their means."""
READINGS = ("input", "crop", "focus_cells", "centre_power", "blur", "place")
"""Choices that a teacher has made."""
HEADING = ("AP", "AP50", "OKS", "PCK", "others' OKS", "LSPET")


@dataclass(frozen=True)
class Choice:
    """One combination; None is as the network has it."""

    input: str | None
    """HEIGHTxWIDTH of the crop."""
    crop: float | None
    """Sides of the crop in those of the box."""
    focus_cells: float | None
    """Distance at which the focus halves a peak; a million is no focus."""
    centre_power: float | None
    """Of the mean over the centre's cells; ten thousand takes the best cell."""
    blur: float | None
    """Deviation, in cells, of the blur before the highest cell is sought; 0 reads a parabola."""
    place: float | None
    """Deviation, in cells, of the blur whose peak is the joint."""
    box_off: float
    """Share of its sides by which a box is wrong at most, in place and in size."""
    look: str
    """``once``, ``flip`` (the flip test) or ``teacher`` (three crops, plain and mirrored)."""


def changed(loaded: LoadedNetwork, choice: Choice) -> LoadedNetwork:
    """Return the network with another input, crop or focus."""
    conventions, network = loaded.conventions, loaded.network
    assert isinstance(network, CompactPose)
    if choice.input:
        height, width = (int(side) for side in choice.input.split("x"))
        conventions = replace(conventions, input_height=height, input_width=width)
    if choice.crop:
        grown = conventions.crop_style.grown(choice.crop / conventions.crop_style.width_factor)
        conventions = replace(conventions, crop_style=grown)
    if choice.focus_cells:
        network.focus_cells = choice.focus_cells
    if choice.centre_power:
        network.centre_sharpness = choice.centre_power
    return replace(loaded, conventions=conventions)


def codec_of(loaded: LoadedNetwork, choice: Choice) -> CompactCodec:
    """Return the way joints are read from the maps."""
    codec = get_codec(loaded.conventions.codec)
    assert isinstance(codec, CompactCodec)
    given = {"blur_sigma": choice.blur, "place_sigma": choice.place}
    return replace(codec, **{name: value for name, value in given.items() if value is not None})


def boxes_off(people: Sequence[AnnotatedPerson], share: float, seed: int) -> list[AnnotatedPerson]:
    """Return the people with boxes moved and scaled by up to that share of their sides."""
    random, moved = np.random.default_rng(seed), []
    for person in people:
        low, high = person.box_xyxy[:2], person.box_xyxy[2:]
        middle = (low + high) / 2 + random.uniform(-share, share, 2) * (high - low)
        half = (high - low) / 2 * (1 + random.uniform(-share, share))
        box = np.concatenate([middle - half, middle + half]).astype(np.float32)
        moved.append(replace(person, box_xyxy=box))
    return moved


def narrow(people: Sequence[AnnotatedPerson], widest: float) -> list[AnnotatedPerson]:
    """Return those whose box is at most so wide, in its heights."""
    sides = [person.box_xyxy[2:] - person.box_xyxy[:2] for person in people]
    return [
        person for person, (width, height) in zip(people, sides, strict=True)
        if width <= widest * height
    ]  # fmt: skip


def taught(teacher: Teacher, people: Sequence[AnnotatedPerson]) -> Found:
    """Return what a network says as a teacher; it has no neck and no head top."""
    points = np.zeros((len(people), COCO_19.joint_count, 2), np.float32)
    scores = np.zeros((len(people), COCO_19.joint_count), np.float32)
    for row, person in enumerate(tqdm(people, disable=None)):
        chances, to_grid = teacher.look(person.picture.load(), person.box_xyxy)
        joints = teacher.joints(chances, to_grid)
        points[row, : COCO_17.joint_count], scores[row, : COCO_17.joint_count] = joints
    return Found(tuple(people), points, scores)


def figures(weights: str, choice: Choice, groups: Sequence[list[AnnotatedPerson]]) -> FloatArray:
    """Return the figures of one row, (6,) as in HEADING."""
    draws = []
    for seed in range(DRAWS if choice.box_off else 1):
        shown = [boxes_off(group, choice.box_off, seed) for group in groups]
        if choice.look == "teacher":
            found = [taught(Teacher(weights), group) for group in shown]
        else:
            loaded = load_bundled_pose(weights) if weights in BUNDLED else load(weights)
            codec, loaded = codec_of(loaded, choice), changed(loaded, choice)
            reader = Reader(loaded, flip_test=choice.look == "flip", codec=codec)
            found = [reader(group) for group in shown]
        coco, others, lspet = found
        draws.append([*coco.coco().values(), coco.oks().mean(), coco.pck(range(17)),
                      others.oks().mean(), lspet.pck(LIMBS)])  # fmt: skip
    return np.mean(draws, 0)


def command_line() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="What each choice of a pose network is worth")
    parser.add_argument("weights", nargs="+", help="compact, compact-accurate or files")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=EVERY, help="take every n-th LSPET picture")
    parser.add_argument("--widest", type=float, default=np.inf, help="box, in its heights")
    own: list[None] = [None]
    parser.add_argument("--input", nargs="+", default=own, help="HEIGHTxWIDTH of the crop")
    parser.add_argument("--crop", type=float, nargs="+", default=own, help="sides in the box's")
    parser.add_argument("--focus-cells", type=float, nargs="+", default=own, help="1e6 is none")
    parser.add_argument("--centre-power", type=float, nargs="+", default=own, help="of its mean")
    parser.add_argument("--blur", type=float, nargs="+", default=own, help="0 reads a parabola")
    parser.add_argument("--place", type=float, nargs="+", default=own, help="cells, of the peak")
    parser.add_argument("--box-off", type=float, nargs="+", default=[0.0], help="share of sides")
    looks = ("once", "flip", "teacher")
    parser.add_argument("--look", choices=looks, nargs="+", default=["once"], help="how often")
    given = parser.parse_args()
    if "teacher" in given.look and any(getattr(given, name) != own for name in READINGS):
        parser.error("--look teacher has crops, focus and reading of its own")
    return given


def main() -> None:
    """Print a row for every combination."""
    given = vars(command_line())
    torch.set_num_threads(1)
    weights, data, every = given.pop("weights"), given.pop("data"), given.pop("every")
    widest = given.pop("widest")
    groups = [
        coco_people(data),
        [person for source in other_people(data).values() for person in source],
        lspet_people(data, every),
    ]
    groups = [narrow(group, widest) for group in groups]
    varied = [name for name, values in given.items() if len(values) > 1]
    print("| " + " | ".join(["weights", *varied, *HEADING]) + " |")
    for file, values in product(weights, product(*given.values())):
        choice = Choice(**dict(zip(given, values, strict=True)))
        cells = [Path(file).stem, *(str(getattr(choice, name)) for name in varied)]
        row = figures(file, choice, groups)
        print("| " + " | ".join([*cells, *(f"{value:.3f}" for value in row)]) + " |", flush=True)


if __name__ == "__main__":
    main()
