"""Mix two files of weights: what a network knew before with what a run has taught it.

    python tools/compact/mix_weights.py START.safetensors TRAINED.safetensors 0.5 MIXED.safetensors
    python tools/compact/mix_weights.py START TRAINED 0.8 MIXED.safetensors --new-joints

Robust fine-tuning (Wortsman et al., CVPR 2022). The result is float16. Weights of a network without
focus take the start's heads for it, and their maps are brought to what the focus reads. With
``--new-joints`` the outputs of neck and head top, which MoveNet does not have, stay as trained.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from rmpe.skeletons import COCO_17

HEADS = ("centre.", "from_centre.")
"""Layers that only a focused network has."""
ROWS_OF_JOINT = {"head.output": 1, "from_centre.output": 2}
"""Output layers, and how many of their rows are one joint's."""
UNFOCUSED_FACTOR, UNFOCUSED_OFFSET = 0.5, -6.0
"""Logits that a softmax reads to logits of chances, which the focus squares."""


def with_heads(state: dict[str, Tensor], start: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a network without focus as those of a focused one."""
    grafted = {name: value for name, value in start.items() if name.startswith(HEADS)} | state
    grafted["head.output.weight"] = UNFOCUSED_FACTOR * state["head.output.weight"].float()
    bias = state["head.output.bias"].float()
    grafted["head.output.bias"] = UNFOCUSED_FACTOR * bias + UNFOCUSED_OFFSET
    return grafted


def main() -> None:
    """Write ``share`` of the second file's weights and the rest of the first's."""
    parser = argparse.ArgumentParser(description="Mix two files of weights")
    parser.add_argument("start", type=Path)
    parser.add_argument("trained", type=Path)
    parser.add_argument("share", type=float, help="of the trained weights")
    parser.add_argument("output", type=Path)
    parser.add_argument("--new-joints", action="store_true", help="keep neck and head top")
    arguments = parser.parse_args()
    start, trained = load_file(arguments.start), load_file(arguments.trained)
    heads = {name for name in start if name.startswith(HEADS)}
    if heads and set(start) - set(trained) == heads:
        trained = with_heads(trained, start)
    if set(start) != set(trained):
        raise ValueError(f"{arguments.start} and {arguments.trained} are of different networks")
    mixed = {
        name: value.float().lerp(trained[name].float(), arguments.share).half().contiguous()
        for name, value in start.items()
    }
    if arguments.new_joints:
        for layer, rows in ROWS_OF_JOINT.items():
            for name in (f"{layer}.weight", f"{layer}.bias"):
                first = rows * COCO_17.joint_count
                mixed[name][first:] = trained[name][first:].half()
    save_file(mixed, arguments.output)


if __name__ == "__main__":
    main()
