"""A pose network in an ONNX file: heatmaps or SimCC, what it means, and ready to run.

The first of these decides: the user's choices; the card that our own ``export`` puts inside; the
``pipeline.json`` that mmdeploy writes beside it; what the shapes tell; OpenMMLab's usual colours.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmpe.runtimes import Precision, Runtime, RuntimeName
from rmpe.runtimes._onnx_metadata import read_metadata
from rmpe.runtimes.base import runs_without_torch
from rmpe.runtimes.onnx_runtime import OnnxFile, OnnxRuntime, Sides
from rmpe.skeletons import SKELETONS, Skeleton, get_skeleton
from rmpe.zoo.card import CARD_KEY, WeightsCard, parse_card
from rmpe.zoo.catalogue import CatalogueEntry, entry_of_file, find_entry
from rmpe.zoo.conventions import CONVENTIONS, Conventions
from rmpe.zoo.meaning import JOINT_COUNT_SKELETONS, LoadChoices
from rmpe.zoo.unpacking import fetch_onnx

MMDEPLOY_PIPELINE = "pipeline.json"
CELL_PX = 4
BINS_PER_PIXEL = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OnnxOutputs:
    """What the outputs of a file are."""

    joint_count: int
    """Number of joints, K."""
    places: tuple[int, ...]
    """Outputs that count: the heatmaps, or columns and rows in this order."""
    is_simcc: bool
    """Whether they are columns and rows."""


def is_onnx(source: str) -> bool:
    """Tell whether a file's name or a catalogue entry's stands for an ONNX file."""
    if source.endswith(".onnx"):
        return True
    if Path(source).is_file():
        return False
    try:
        return find_entry(source).is_onnx
    except ValueError:
        return False


def ready_onnx(
    source: str,
    choices: LoadChoices | None = None,
    *,
    runtime: RuntimeName = "auto",
    device: str = "auto",
    precision: Precision = "auto",
    threads: int = 0,
) -> tuple[Runtime, Conventions]:
    """Return the pose network of an ONNX file ready to run, and what it expects.

    Args:
        source: path of a ``.onnx`` file, or name of a catalogue entry that is one.
        choices: what the user says of it.
        runtime: ``openvino`` or ``onnxruntime``; ``auto`` is OpenVINO, or onnxruntime on a GPU.
        device, precision, threads: as for :func:`rmpe.runtimes.build_runtime`.

    Raises:
        OSError: the file is missing or cannot be fetched.
        ValueError: it is no top-down pose network, or does not say enough of itself.
    """
    path, entry = Path(source), entry_of_file(Path(source).name)
    if not source.endswith(".onnx"):
        entry = find_entry(source)
        path = fetch_onnx(entry)
    file = OnnxFile(path, *_engine(runtime, device, precision), threads=threads)
    try:
        conventions, outputs = _meaning(path, file, choices or LoadChoices(), entry)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    network = OnnxRuntime(
        file, conventions.colour_order, conventions.mean, conventions.std, outputs.places
    )
    return network, conventions


def _engine(runtime: RuntimeName, device: str, precision: Precision) -> tuple[Any, str, str]:
    """Engine, device and precision of an ONNX file."""
    if runtime == "torch":
        raise ValueError("an ONNX file is not run by torch; use --runtime openvino or onnxruntime")
    on_cpu = runs_without_torch(runtime if runtime != "onnxruntime" else "auto", device)
    if runtime == "onnxruntime" or (runtime == "auto" and not on_cpu):
        return "onnxruntime", device, "fp32"
    from rmpe.runtimes.base import choose_openvino_precision

    if not on_cpu and device not in ("auto", "cpu"):
        raise ValueError(f"runtime 'openvino' runs on the CPU, got device {device!r}")
    return "openvino", "cpu", choose_openvino_precision(precision)


def _meaning(
    path: Path, file: OnnxFile, choices: LoadChoices, entry: CatalogueEntry | None
) -> tuple[Conventions, OnnxOutputs]:
    card = _card(path)
    pipeline = _mmdeploy_facts(path.with_name(MMDEPLOY_PIPELINE))
    height, width = _input_size(file.input_shape, choices, card, pipeline, entry)
    outputs = find_outputs(file, height, width)
    if card is not None:
        usual = card.conventions
    elif choices.origin is not None:
        usual = CONVENTIONS[choices.origin]
    else:
        usual = CONVENTIONS["openmmlab_rtm" if outputs.is_simcc else "openmmlab"]
        usual = dataclasses.replace(usual, **pipeline.colours)
        if file.takes_bytes:
            usual = dataclasses.replace(usual, mean=(0.0,) * 3, std=(1 / 255,) * 3)
            words = "%s takes whole numbers: pictures go in as they are, 0 to 255 in %s"
            log.warning(words, path.name, usual.colour_order)
        elif not pipeline.colours and entry is None:
            log.warning(
                "%s does not say how its pictures are normalised: taken as OpenMMLab's (red, "
                "green, blue with ImageNet's mean); --weights-as names another's",
                path.name,
            )
    skeleton = _skeleton(outputs.joint_count, choices, card, entry)
    codec = choices.codec or (usual.codec if card else _codec(usual.codec, outputs, height, entry))
    conventions = dataclasses.replace(
        usual,
        skeleton_name=skeleton.name,
        own_skeleton=None if SKELETONS.get(skeleton.name) == skeleton else skeleton,
        input_height=height,
        input_width=width,
        codec=codec,
    )
    return conventions, outputs


def find_outputs(file: OnnxFile, height: int, width: int) -> OnnxOutputs:
    """Return what the outputs are, told apart by their shapes.

    Raises:
        ValueError: they are neither heatmaps nor SimCC's columns and rows.
    """
    shapes = [shape[1:] for shape in file.output_shapes]
    if any(None in shape for shape in shapes):
        # Exporters often leave sides open that are fixed in truth: one black picture tells them.
        black = np.zeros((file.input_shape[0] or 1, 3, height, width), np.float32)
        shapes = [tuple(output.shape[1:]) for output in file(black)]
    maps = [
        place
        for place, shape in enumerate(shapes)
        if len(shape) == 3 and shape[1:] == (height // CELL_PX, width // CELL_PX)
    ]
    if len(maps) == 1 and shapes[maps[0]][0] is not None:
        return OnnxOutputs(int(shapes[maps[0]][0] or 0), (maps[0],), is_simcc=False)
    rows = [place for place, shape in enumerate(shapes) if len(shape) == 2 and None not in shape]
    wanted = (BINS_PER_PIXEL * width, BINS_PER_PIXEL * height)
    if len(rows) == 2 and shapes[rows[0]][0] == shapes[rows[1]][0]:
        lengths = (shapes[rows[0]][1], shapes[rows[1]][1])
        if lengths == wanted or lengths[::-1] == wanted:
            places = rows if lengths == wanted else rows[::-1]
            if height == width and file.output_names[places[0]].endswith("y"):
                places = places[::-1]
            count = int(shapes[rows[0]][0] or 0)
            return OnnxOutputs(count, (places[0], places[1]), is_simcc=True)
    described = ", ".join(
        f"{name} {('N', *shape)}" for name, shape in zip(file.output_names, shapes)
    )
    if len(shapes) == 1 and len(shapes[0]) == 2:
        raise ValueError(
            f"its output is {described}, as of a one-stage network (YOLO-pose, RTMO); supported "
            "are top-down networks: heatmaps or SimCC"
        )
    raise ValueError(
        f"its outputs are {described}; for an input of {height}x{width} supported are heatmaps "
        f"(N, K, {height // CELL_PX}, {width // CELL_PX}) or SimCC's (N, K, {wanted[0]}) and "
        f"(N, K, {wanted[1]})"
    )


def _card(path: Path) -> WeightsCard | None:
    metadata = read_metadata(path)
    return parse_card(metadata[CARD_KEY], path.name) if CARD_KEY in metadata else None


@dataclass(frozen=True)
class _Mmdeploy:
    """What ``pipeline.json`` says."""

    size_hw: tuple[int, int] | None = None
    """Rows and columns of the input."""
    colours: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of :class:`Conventions`."""


def _mmdeploy_facts(path: Path) -> _Mmdeploy:
    """Return what mmdeploy wrote of the preprocessing; nothing where the file is not there.

    Raises:
        ValueError: the file is there and cannot be understood.
    """
    if not path.is_file():
        return _Mmdeploy()
    try:
        steps = list(_dictionaries(json.loads(path.read_text("utf-8"))))
        size_hw, colours = None, {}
        for step in steps:
            size = step.get("image_size")
            if isinstance(size, list) and len(size) == 2:
                size_hw = (int(size[1]), int(size[0]))
            if step.get("type") == "Normalize":
                colours = {
                    "mean": tuple(float(value) / 255 for value in step["mean"]),
                    "std": tuple(float(value) / 255 for value in step["std"]),
                    "colour_order": "rgb" if step.get("to_rgb", True) else "bgr",
                }
                if len(colours["mean"]) != 3 or len(colours["std"]) != 3:
                    raise ValueError("three channels are needed")
        return _Mmdeploy(size_hw, colours)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path.name} beside it cannot be understood ({error!r})") from error


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every dictionary inside a JSON value, outer ones first."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _dictionaries(inner)


def _input_size(
    shape: Sides,
    choices: LoadChoices,
    card: WeightsCard | None,
    pipeline: _Mmdeploy,
    entry: CatalogueEntry | None,
) -> tuple[int, int]:
    """Rows and columns of the input: the file's own where they are fixed."""
    if len(shape) != 4 or shape[1] not in (3, None):
        raise ValueError(f"it takes {shape}, needed are pictures (N, 3, H, W)")
    asked = choices.input_size_hw
    if shape[2] is not None and shape[3] is not None:
        fixed = (shape[2], shape[3])
        if asked not in (None, fixed):
            raise ValueError(f"got input size {asked}, the file takes {fixed} only")
        return fixed
    carded = (card.conventions.input_height, card.conventions.input_width) if card else None
    listed = (entry.input_height, entry.input_width) if entry else None
    size = asked or carded or pipeline.size_hw or listed
    if size is None:
        raise ValueError("it does not say its input size; give it with --input-size 256x192")
    return size


def _skeleton(
    count: int, choices: LoadChoices, card: WeightsCard | None, entry: CatalogueEntry | None
) -> Skeleton:
    if choices.skeleton_name:
        skeleton = get_skeleton(choices.skeleton_name)
    elif card is not None:
        skeleton = card.conventions.skeleton
    elif entry is not None:
        skeleton = get_skeleton(entry.skeleton_name)
    elif count in JOINT_COUNT_SKELETONS:
        skeleton = get_skeleton(JOINT_COUNT_SKELETONS[count])
        others = [s.name for s in SKELETONS.values() if s.joint_count == count and s != skeleton]
        if others:
            log.warning(
                "the file does not say which its %d joints are: taken as %s; others of that "
                "number are %s",
                *(count, skeleton.name, ", ".join(others)),
            )
    else:
        raise ValueError(f"it gives {count} joints, which no skeleton is usual for; name it")
    if skeleton.joint_count > count:
        raise ValueError(
            f"skeleton {skeleton.name!r} has {skeleton.joint_count} joints, the file gives {count}"
        )
    return skeleton


def _codec(usual: str, outputs: OnnxOutputs, height: int, entry: CatalogueEntry | None) -> str:
    if outputs.is_simcc:
        return "simcc_384" if height > 256 else "simcc"
    if entry is not None:
        return entry.codec
    return "hrnet" if usual.startswith("simcc") else usual
