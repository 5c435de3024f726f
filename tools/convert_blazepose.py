"""Make the first weights of the compact pose network from MediaPipe's BlazePose file.

    python tools/convert_blazepose.py pose_landmark_full.tflite compact_pose_start.safetensors

The file lies in the published wheel mediapipe==0.10.14 (Apache-2.0; ``pip download --no-deps
mediapipe==0.10.14`` and unzip ``mediapipe/modules/pose_landmark/pose_landmark_full.tflite``).
Needs the ``tflite`` package. Of the 39 heatmap channels the 17 of COCO are kept; "neck" starts as
the mean of the two shoulder channels and "head_top" as the mean of the two eye channels, to be
learnt: until then derive them from the joints.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch
from safetensors.torch import save_file
from tflite_tensors import Graph, Operator, read_graph

from rmpe.networks.compact_pose import CompactPose

BLAZEPOSE_OF_COCO = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Channel of the heatmap output for each COCO joint."""
LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_EYE, RIGHT_EYE = 11, 12, 2, 5
HEATMAP_OUTPUT = "Identity_3"

logger = logging.getLogger(__name__)


def _block_names(prefix: str, count: int) -> list[str]:
    return [
        f"{prefix}.{i}.{part}" for i in range(count) for part in ("expand", "filter", "project")
    ]


def layer_names() -> list[str]:
    """Our layers in the order in which the file executes them."""
    return [
        "stem",
        "stem_filter",
        "stem_project",
        *_block_names("level4", 2),
        *["level8.0.expand", "lateral4.filter", "lateral4.project"],
        *["level8.0.filter", "level8.0.project", *_block_names("level8", 2)[3:]],
        *["level16.0.expand", "lateral8.filter", "lateral8.project"],
        *["level16.0.filter", "level16.0.project", *_block_names("level16", 6)[3:]],
        *["level32.0.expand", "lateral16.filter", "lateral16.project"],
        *["level32.0.filter", "level32.0.project", *_block_names("level32", 4)[3:]],
        *["lateral32.expand", "lateral32.filter"],
        *["lateral32.lateral.filter", "lateral32.lateral.project"],
        "output",
    ]


def original_state(graph: Graph) -> dict[str, torch.Tensor]:
    """State dict of ``CompactPose(39)``: every channel of the original heatmaps.

    Raises ValueError when the file's convolutions do not match ours in number or shape.
    """
    convolutions: list[Operator] = [
        operator
        for operator in graph.ancestors(graph.output(HEATMAP_OUTPUT))
        if operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D")
    ]
    names = layer_names()
    if len(names) != len(convolutions):
        raise ValueError(f"got {len(convolutions)} convolutions, supported are {len(names)}")
    state: dict[str, torch.Tensor] = {}
    for name, operator in zip(names, convolutions, strict=True):
        weight, bias = graph.convolution(operator)
        state[f"{name}.weight"] = torch.from_numpy(weight.copy())
        state[f"{name}.bias"] = torch.from_numpy(bias.copy())
    expected = CompactPose(39).state_dict()
    for name, tensor in expected.items():
        if name not in state or state[name].shape != tensor.shape:
            raise ValueError(f"got no fitting tensor for {name} {tuple(tensor.shape)} in the file")
    return state


def coco19_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """State dict of ``CompactPose(19)`` from that of the 39 original channels."""
    converted = dict(state)
    for name in ("output.weight", "output.bias"):
        full = state[name]
        neck = (full[LEFT_SHOULDER] + full[RIGHT_SHOULDER]) / 2
        head_top = (full[LEFT_EYE] + full[RIGHT_EYE]) / 2
        converted[name] = torch.cat([full[list(BLAZEPOSE_OF_COCO)], torch.stack([neck, head_top])])
    return converted


def main() -> None:
    """Convert the file named on the command line."""
    parser = argparse.ArgumentParser(description="BlazePose landmark file to compact pose weights")
    parser.add_argument("tflite_file", type=Path)
    parser.add_argument("output_file", type=Path)
    parser.add_argument("--all-channels", action="store_true", help="keep the 39 channels, float32")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    state = original_state(read_graph(arguments.tflite_file))
    if not arguments.all_channels:
        state = {name: tensor.half() for name, tensor in coco19_state(state).items()}
    save_file(state, arguments.output_file)
    logger.info("wrote %s (%d bytes)", arguments.output_file, arguments.output_file.stat().st_size)


if __name__ == "__main__":
    main()
