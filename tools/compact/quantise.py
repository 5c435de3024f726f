"""Measure how the bundled networks are rounded to eight bits, beside their weights.

    python -m pip install nncf
    python tools/compact/quantise.py --data DATA [--only compact_pose.safetensors]

Needed after the weights changed: the files say which weights they were measured with, and others
are refused. NNCF finds the ranges and makes up for the rounding in the biases, on people of LSPET's
training pictures and of coco128, none of them held out.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmpe.datasets.lspet import read_lspet
from rmpe.detectors import compact as detector
from rmpe.geometry.crop import CropTransform
from rmpe.runtimes.bundled import GRAPH_SUFFIX, INT8_SUFFIX
from rmpe.runtimes.graph import Graph
from rmpe.runtimes.quantised import Quantisation, Rounded
from rmpe.training.bundled.person_boxes import PersonPicture, is_held_out, read_detect_pack
from rmpe.zoo.bundled import BUNDLED
from rmpe.zoo.conventions import CONVENTIONS

WEIGHTS = Path(detector.__file__).resolve().parents[1] / "weights"
PICTURES = 160
"""Inputs of each network that are measured."""
LEAST_HEIGHT = 60.0
SIDES = sorted(
    {
        side
        for options in (detector.FAST, detector.ACCURATE)
        for side in (options.input_side, *options.other_sides)
    }
)
KEPT = [
    ".*from_centre.*",
    r"__module\.network/aten::.*",
    r"__module\.network\.(stem|level4|lateral|merge|last|head|centre).*",
]
"""What stays as it is in the pose networks: the focus on the person in the middle, the sums of what
comes from several levels, and the layers at the crop's own detail before and after the trunk: with
the stem's filter rounded joints are 2.5 times as far from those of fp32, at 3 % less time."""


def taught_pictures(data: Path) -> list[PersonPicture]:
    """Pictures of coco128 that training may see."""
    found = [p for p in read_detect_pack(data / "detect") if p.source == "coco128"]
    return [p for p in found if len(p.boxes_xyxy) and not is_held_out(p.name)]


def crops(data: Path, name: str) -> Iterator[NDArray[np.uint8]]:
    """People as a pose network sees them, (1, H, W, 3), one of LSPET and one of coco128 in turn."""
    conventions = CONVENTIONS[name]

    def crop(image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
        size = (conventions.input_height, conventions.input_width)
        return CropTransform.from_person_box(box, *size, conventions.crop_style).warp(image)[None]

    athletes = read_lspet(data / "lspet", "train").people[:: len(BUNDLED) * 10]
    everyday = (
        (picture, box)
        for picture in taught_pictures(data)
        for box in picture.boxes_xyxy
        if box[3] - box[1] >= LEAST_HEIGHT
    )
    for person, (picture, box) in zip(athletes, everyday):
        yield crop(person.picture.load(), person.box_xyxy)
        yield crop(picture.load(), box)


def letterboxed(data: Path) -> Iterator[NDArray[np.uint8]]:
    """Pictures as the detector sees them, (1, H, W, 3), its sides in turn."""
    for number, picture in enumerate(taught_pictures(data)):
        image = picture.load()
        options = detector.CompactOptions(SIDES[number % len(SIDES)])
        yield detector.fitted(image, options).apply(image)[None]


def measured(file: str, inputs: Iterable[NDArray[np.uint8]], kept: list[str]) -> Quantisation:
    """Return how the network whose weights are ``file`` is rounded."""
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

    weights = (WEIGHTS / file).read_bytes()
    graph = Graph.load((WEIGHTS / file.replace(".safetensors", GRAPH_SUFFIX)).read_bytes())
    model = graph.filled(load_tensors(weights))
    model.reshape([1, *((-1, -1) if graph.any_size else (graph.height, graph.width)), 3])
    examples = list(islice(inputs, PICTURES))
    own = biases(model)
    rounded = nncf.quantize(
        model,
        nncf.Dataset(examples),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(examples),
        ignored_scope=nncf.IgnoredScope(patterns=kept, validate=False),
        advanced_parameters=AdvancedQuantizationParameters(
            overflow_fix=OverflowFix.DISABLE, backend_params={"compress_weights": False}
        ),
    )
    values, convolutions = roundings(rounded)
    changed = {
        name: tuple(round(float(value), 6) for value in bias.ravel())
        for name, bias in biases(rounded).items()
        if name in own and not np.array_equal(bias, own[name])
    }
    digest = hashlib.sha256(weights).hexdigest()[:12]
    return Quantisation(digest, tuple(values), tuple(convolutions), changed)


def biases(model: openvino.Model) -> dict[str, NDArray[np.float32]]:
    """Return the constants that are added to convolutions, by the adding node's name."""
    found = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Add":
            adds_to, constant = (node.input_value(place).get_node() for place in (0, 1))
            if "Convolution" in adds_to.get_type_name() and constant.get_type_name() == "Constant":
                found[node.get_friendly_name()] = np.array(constant.get_data())
    return found


def roundings(model: openvino.Model) -> tuple[list[Rounded], list[str]]:
    """Return what NNCF rounds in a model: values, and convolutions whose weights it rounds."""
    values, convolutions = [], []
    for node in model.get_ordered_ops():
        if node.get_type_name() != "FakeQuantize":
            continue
        source = node.input_value(0).get_node()
        takers = [
            (port.get_node(), port.get_index()) for port in node.output(0).get_target_inputs()
        ]
        low, high = (node.input_value(place).get_node().get_data() for place in (1, 2))
        if is_of_weights(takers[0]):
            convolutions.append(takers[0][0].get_friendly_name())
            continue
        values.append(
            Rounded(
                source.get_friendly_name(),
                tuple(sorted((taker.get_friendly_name(), place) for taker, place in takers)),
                *(tuple(round(float(end), 6) for end in ends.ravel()) for ends in (low, high)),
            )
        )
    return values, sorted(convolutions)


def is_of_weights(taker: tuple[Any, int]) -> bool:
    """Tell whether what is taken there are a convolution's weights."""
    return "Convolution" in taker[0].get_type_name() and taker[1] == 1


def main() -> None:
    """Measure all of them, or one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="packs: detect, lspet")
    parser.add_argument("--only", help="the weights of one network")
    arguments = parser.parse_args()
    networks: dict[str, tuple[Iterable[NDArray[np.uint8]], list[str]]] = {
        detector.BUNDLED_WEIGHTS: (letterboxed(arguments.data), []),
        **{file: (crops(arguments.data, name), KEPT) for name, file in BUNDLED.items()},
    }
    for file, (inputs, kept) in networks.items():
        if arguments.only in (None, file):
            path = WEIGHTS / file.replace(".safetensors", INT8_SUFFIX)
            found = measured(file, inputs, kept)
            found.save(path)
            sys.stdout.write(
                f"{path.name}: {len(found.convolutions)} convolutions, {len(found.values)} values, "
                f"{path.stat().st_size} bytes\n"
            )


if __name__ == "__main__":
    main()
