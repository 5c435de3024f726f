"""The compact pose network, whose weights are in the package."""

from __future__ import annotations

from importlib import resources

import safetensors.torch

from rmpe.zoo.loading import LoadedNetwork, from_state_dict

WEIGHTS_FILE = "compact_pose.safetensors"


def load_bundled_pose() -> LoadedNetwork:
    """The compact pose network with the weights of this package."""
    content = resources.files("rmpe.weights").joinpath(WEIGHTS_FILE).read_bytes()
    return from_state_dict(safetensors.torch.load(content))
