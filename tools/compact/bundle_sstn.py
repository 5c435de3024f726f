"""Store a run's network inside its transformer in half precision, with its card.

python tools/compact/bundle_sstn.py RUN/sstn_compact.safetensors rmpe/weights/OUTPUT.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from rmpe.zoo.reading.transformer import split_transformer


def bundle(run: Path, output: Path) -> None:
    """Write the tensors of the transformer and of the network whose maps it learnt to read.

    Raises ValueError when the file holds none.
    """
    whole = load_file(run)
    _, transformer = split_transformer(whole)
    if not transformer:
        raise ValueError(f"{run} holds no spatial transformer; train one with recipe sstn_compact")
    with safe_open(run, framework="numpy") as file:
        metadata = file.metadata()
    small = {
        key: value.half().contiguous() if value.is_floating_point() else value
        for key, value in whole.items()
    }
    save_file(small, output, metadata=metadata)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="Weights that a run of sstn_compact wrote.")
    parser.add_argument("output", type=Path, help="File to write.")
    given = parser.parse_args()
    bundle(given.run, given.output)
