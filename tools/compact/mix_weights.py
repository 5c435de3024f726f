"""Mix two files of weights: what a network knew before with what a run has taught it.

    python tools/compact/mix_weights.py START.safetensors TRAINED.safetensors 0.5 MIXED.safetensors

Robust fine-tuning (Wortsman et al., CVPR 2022). The result is float16.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import load_file, save_file


def main() -> None:
    """Write ``share`` of the second file's weights and the rest of the first's."""
    parser = argparse.ArgumentParser(description="Mix two files of weights")
    parser.add_argument("start", type=Path)
    parser.add_argument("trained", type=Path)
    parser.add_argument("share", type=float, help="of the trained weights, 0..1")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    start, trained = load_file(arguments.start), load_file(arguments.trained)
    if set(start) != set(trained):
        raise ValueError(f"{arguments.start} and {arguments.trained} are of different networks")
    mixed = {
        name: value.float().lerp(trained[name].float(), arguments.share).half().contiguous()
        for name, value in start.items()
    }
    save_file(mixed, arguments.output)


if __name__ == "__main__":
    main()
