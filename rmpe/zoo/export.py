"""Write a network of the zoo as ONNX or for OpenVINO, with what it means inside, and check it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rmpe.runtimes._openvino import openvino
from rmpe.runtimes.onnx_runtime import OnnxFile
from rmpe.zoo.bundled import BUNDLED, load_bundled_pose
from rmpe.zoo.card import WeightsCard
from rmpe.zoo.loading import LoadedNetwork, load
from rmpe.zoo.meaning import LoadChoices

INPUT_NAME = "input"
TOLERANCE = 1e-4
"""Largest difference from torch that is let pass, as a part of the output's absolute maximum."""
_METADATA_TAG = 14 << 3 | 2
"""Of ``metadata_props`` in ONNX's ``ModelProto``, a message of known length."""


def export_network(source: str, target: Path, choices: LoadChoices | None = None) -> str:
    """Write a pose network as a file that other programs run; return what was written, in words.

    The input is float (N, 3, H, W), normalised as the card inside says; N is open, H and W are the
    network's. The file gets its name only after it gave torch's own numbers.

    Args:
        source: a checkpoint file, a catalogue entry's name, ``compact`` or ``compact-accurate``.
        target: ``NAME.onnx``, or ``NAME.xml`` for OpenVINO (with ``NAME.bin`` beside it).
        choices: what the user says of a checkpoint.

    Raises:
        OSError: a file cannot be read, fetched or written.
        ValueError: the network is unknown, the target is of another kind, or what was written does
            not give what torch gives.
    """
    if target.suffix not in (".onnx", ".xml"):
        raise ValueError(f"got {target.name}, supported are NAME.onnx, and NAME.xml for OpenVINO")
    loaded = load_bundled_pose(source) if source in BUNDLED else load(source, choices)
    part = target.with_name(f"{target.stem}.part{target.suffix}")
    try:
        example = _example(loaded, 2)
        if target.suffix == ".onnx":
            _write_onnx(loaded, part, example)
        else:
            _write_openvino(loaded, part, example)
        difference = _difference(loaded, part)
        os.replace(part, target)
        if target.suffix == ".xml":
            os.replace(part.with_suffix(".bin"), target.with_suffix(".bin"))
    finally:
        part.unlink(missing_ok=True)
        part.with_suffix(".bin").unlink(missing_ok=True)
    size = f"{loaded.conventions.input_height}x{loaded.conventions.input_width}"
    return (
        f"{loaded.variant}, {loaded.conventions.skeleton.joint_count} joints, input {size}; "
        f"within {difference:.1e} of torch's largest value"
    )


def _example(loaded: LoadedNetwork, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    size = (loaded.conventions.input_height, loaded.conventions.input_width)
    return torch.rand(count, 3, *size, generator=generator) * 2 - 1


def _outputs(network: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    with torch.inference_mode():
        found = network(images)
    return found if isinstance(found, tuple) else (found,)


def _output_names(count: int) -> list[str]:
    return ["heatmaps"] if count == 1 else ["simcc_x", "simcc_y"]


def _write_onnx(loaded: LoadedNetwork, path: Path, example: Tensor) -> None:
    names = _output_names(len(_outputs(loaded.network, example)))
    with warnings.catch_warnings():
        # The exporter by tracing is called old; the new one needs another package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            loaded.network,
            (example,),
            str(path),
            dynamo=False,
            input_names=[INPUT_NAME],
            output_names=names,
            dynamic_axes={name: {0: "batch"} for name in (INPUT_NAME, *names)},
        )
    with path.open("ab") as file:
        # A message may be continued at its end: the card is one more field.
        for key, value in _metadata(loaded).items():
            entry = _text(1, key) + _text(2, value)
            file.write(_varint(_METADATA_TAG) + _varint(len(entry)) + entry)


def _write_openvino(loaded: LoadedNetwork, path: Path, example: Tensor) -> None:
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        model = openvino.convert_model(loaded.network, example_input=example)
    model.reshape([-1, *example.shape[1:]])
    model.inputs[0].get_tensor().set_names({INPUT_NAME})
    for port, name in zip(model.outputs, _output_names(len(model.outputs))):
        port.get_tensor().set_names({name})
    for key, value in _metadata(loaded).items():
        model.set_rt_info(value, ["model_info", key])
    openvino.save_model(model, str(path), compress_to_fp16=False)


def _metadata(loaded: LoadedNetwork) -> dict[str, str]:
    card = WeightsCard(loaded.variant, loaded.origin, loaded.conventions, {}, {})
    return {key: value for key, value in card.as_metadata().items() if key != "format"}


def _difference(loaded: LoadedNetwork, path: Path) -> float:
    """How far the file is from torch at worst, as a part of the output's absolute maximum.

    Raises:
        ValueError: further than the tolerance.
    """
    file = OnnxFile(path, "openvino", "cpu", "fp32")
    images = _example(loaded, 3)  # another batch than it was traced with
    found: list[NDArray[Any]] = file(images.numpy())
    worst = 0.0
    for output, expected in zip(found, _outputs(loaded.network, images), strict=True):
        wanted = expected.numpy()
        largest = max(float(np.abs(wanted).max()), 1e-12)
        worst = max(worst, float(np.abs(output - wanted).max()) / largest)
    if not worst <= TOLERANCE:
        raise ValueError(
            f"what was written of {loaded.variant} differs from torch by {worst:.1e} of the "
            "largest value; nothing was kept"
        )
    return worst


def _text(number: int, value: str) -> bytes:
    content = value.encode("utf-8")
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
