"""Store the graphs of the bundled networks, so that they run without torch.

    python tools/compact/bundle_graphs.py

Needed after a network's layers or preprocessing changed, not after its weights did. The networks
are converted with random weights, so that every tensor is known again among the graph's constants.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmpe.detectors import compact as detector
from rmpe.runtimes import PreprocessedNetwork
from rmpe.runtimes.bundled import GRAPH_SUFFIX, NARROW_SUFFIX
from rmpe.runtimes.graph import Graph
from rmpe.runtimes.openvino_runtime import converted
from rmpe.zoo import bundled

WEIGHTS = Path(detector.__file__).resolve().parents[1] / "weights"
DETECTOR_SIDE = 416
SEED = 1


def store(
    name: str, network: PreprocessedNetwork, height: int, width: int, suffix: str = GRAPH_SUFFIX
) -> None:
    """Write the graph, for one size of picture, of the network whose weights are ``name``."""
    generator = torch.Generator().manual_seed(SEED)
    for tensor in network.network.state_dict().values():
        tensor.copy_(torch.randn(tensor.shape, generator=generator))
    tensors = {key: value.numpy() for key, value in network.network.state_dict().items()}
    model = converted(network.eval(), height, width)
    path = WEIGHTS / (name.removesuffix(".safetensors") + suffix)
    Graph.of_model(model, tensors, (height, width), network.any_size).save(path)
    sys.stdout.write(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes\n")


def main() -> None:
    """Store all of them."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    store(detector.BUNDLED_WEIGHTS, detector.preprocessed_network(), DETECTOR_SIDE, DETECTOR_SIDE)
    for name, file in bundled.BUNDLED.items():
        loaded = bundled.load_bundled_pose(name)
        conventions = loaded.conventions
        network = PreprocessedNetwork(
            loaded.network, conventions.colour_order, conventions.mean, conventions.std
        )
        height, narrow = conventions.input_height, bundled.NARROW_WIDTHS[name]
        store(file, network, height, conventions.input_width)
        store(file, network, height, narrow, NARROW_SUFFIX)


if __name__ == "__main__":
    main()
