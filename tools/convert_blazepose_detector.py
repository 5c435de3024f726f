"""Convert BlazePose's person detector (``pose_detection.tflite``) for the compact detector.

    python tools/convert_blazepose_detector.py pose_detection.tflite --output start.safetensors
    python tools/convert_blazepose_detector.py pose_detection.tflite --numbers fixture.json

The file comes with the published wheel ``mediapipe==0.10.14`` (Apache-2.0, see NOTICE). The first
call writes all weights as float16, which loses nothing: the original stores them so. They are kept
as ``rmpe/weights/compact_detector_start.safetensors``, where ``rmpe train compact_detector``
starts; it replaces the heads by its own. The second writes scores and boxes that the converted
network gives for a picture made from a formula; the parity test's fixture holds the same numbers
of the original interpreter.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rmpe.networks.compact_detector import ANCHORS_PER_CELL, VALUES_PER_ANCHOR, BlazeBackbone

if TYPE_CHECKING:
    from tools.tflite_tensors import Graph

INPUT_SIDE = 224


class AnchorHead(nn.Module):
    """One level of the original head: spread channels over 2x2 cells, filter at stride 2, 1x1."""

    def __init__(self, channels: int, anchors: int):
        super().__init__()
        self.score_filter = nn.Conv2d(channels, channels, 3, 2, 1, groups=channels)
        self.score = nn.Conv2d(channels, anchors, 1)
        self.box_filter = nn.Conv2d(channels, channels, 3, 2, 1, groups=channels)
        self.box = nn.Conv2d(channels, anchors * VALUES_PER_ANCHOR, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 4 C, h, w) to logits (N, h w anchors) and values (N, h w anchors, 12)."""
        y = depth_to_space(x)
        score = self.score(self.score_filter(y)).permute(0, 2, 3, 1).flatten(1)
        box = self.box(self.box_filter(y)).permute(0, 2, 3, 1)
        return score, box.reshape(len(x), -1, VALUES_PER_ANCHOR)


class BlazeDetector(nn.Module):
    """The whole original network, for the parity test and as a teacher."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = BlazeBackbone()
        self.heads = nn.ModuleList(
            AnchorHead(channels, anchors)
            for channels, anchors in zip((24, 48, 288), ANCHORS_PER_CELL)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map RGB -1..1 (N, 3, H, W) to logits (N, A) and raw boxes and points (N, A, 12)."""
        outputs = [head(level) for head, level in zip(self.heads, self.backbone(x))]
        scores, boxes = zip(*outputs)
        return torch.cat(scores, 1), torch.cat(boxes, 1)


def depth_to_space(x: Tensor) -> Tensor:
    """TensorFlow's depth_to_space by 2: a channel's block place varies slower than its number."""
    batch, channels, height, width = x.shape
    y = x.reshape(batch, 2, 2, channels // 4, height, width).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(batch, channels // 4, height * 2, width * 2)


def convolutions_in_file_order(network: BlazeDetector) -> list[nn.Conv2d]:
    """The network's convolutions in the order in which the file executes them."""
    backbone = network.backbone

    def inside(*modules: nn.Module) -> list[nn.Conv2d]:
        return [m for module in modules for m in module.modules() if isinstance(m, nn.Conv2d)]

    def block(parent: nn.Sequential, index: int) -> nn.Module:
        return parent[index]

    order = inside(backbone.stem, backbone.stem_filter, backbone.stem_project, backbone.to_stride8)
    first16, first32 = block(backbone.to_stride16, 0), block(backbone.to_stride32, 0)
    order += inside(first16)[:1] + inside(backbone.lateral8) + inside(first16)[1:]
    order += inside(*list(backbone.to_stride16)[1:])
    order += inside(first32)[:1] + inside(backbone.lateral16) + inside(first32)[1:]
    order += inside(*list(backbone.to_stride32)[1:])
    order += inside(backbone.last_expand, backbone.last_filter, backbone.down16, backbone.refine16)
    return order + inside(backbone.down8, backbone.refine8, *network.heads)


def convert(graph: Graph) -> BlazeDetector:
    """Copy every convolution of the file into the network of the same layout.

    Raises:
        ValueError: the file has another number of convolutions or other shapes.
    """
    network = BlazeDetector().eval()
    stored = [op for op in graph.operators if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D")]
    targets = convolutions_in_file_order(network)
    if len(stored) != len(targets):
        raise ValueError(f"the file has {len(stored)} convolutions, needed are {len(targets)}")
    for place, (operator, target) in enumerate(zip(stored, targets)):
        weight, bias = (torch.from_numpy(array.copy()) for array in graph.convolution(operator))
        if weight.shape != target.weight.shape or target.bias is None:
            raise ValueError(
                f"convolution {place} has shape {tuple(weight.shape)}, "
                f"needed is {tuple(target.weight.shape)}"
            )
        target.weight.data.copy_(weight)
        target.bias.data.copy_(bias)
    return network


def formula_picture(height: int = INPUT_SIDE, width: int = INPUT_SIDE) -> Tensor:
    """A smooth picture of blobs and waves in -1..1, (1, 3, height, width)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    body = np.exp(-(((x - 112) / 22) ** 2) - ((y - 130) / 60) ** 2)
    head = np.exp(-(((x - 112) / 14) ** 2) - ((y - 52) / 16) ** 2)
    waves = 0.3 * np.sin(x / 9) * np.cos(y / 13)
    planes = [body + head - 0.5 + waves, 0.7 * body + head - 0.4 - waves, 0.5 * head - body * 0.3]
    return torch.from_numpy(np.clip(np.stack(planes), -1, 1)[None].astype(np.float32))


def parity_numbers(logits: Tensor, values: Tensor) -> dict[str, object]:
    """Statistics and a spread of single values of the two outputs, small enough for a fixture."""
    rows = list(range(0, logits.shape[1], 161))
    return {
        "logit_mean": float(logits.mean()),
        "logit_std": float(logits.std()),
        "value_mean": values.mean((0, 1)).tolist(),
        "rows": rows,
        "logits": logits[0, rows].tolist(),
        "values": values[0, rows].tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("source", type=Path)
    parser.add_argument("--output", type=Path, help="weights, .safetensors")
    parser.add_argument("--numbers", type=Path, help="numbers of the formula picture, .json")
    arguments = parser.parse_args()
    from tools.tflite_tensors import read_graph

    network = convert(read_graph(arguments.source))
    if arguments.output:
        state = {name: tensor.half() for name, tensor in network.state_dict().items()}
        save_file(state, str(arguments.output), metadata={"source": arguments.source.name})
    if arguments.numbers:
        with torch.inference_mode():
            logits, values = network(formula_picture())
        arguments.numbers.write_text(json.dumps(parity_numbers(logits, values)))


if __name__ == "__main__":
    main()
