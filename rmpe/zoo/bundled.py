"""The compact pose network, whose weights are in the package, and its spatial transformer."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import safetensors.torch

from rmpe.zoo._transformer import wrap_with_transformer
from rmpe.zoo.card import read_card
from rmpe.zoo.loading import LoadedNetwork, from_state_dict

WEIGHTS_FILE = "compact_pose.safetensors"
TRANSFORMER_FILE = "compact_sstn.safetensors"


def load_bundled_pose(sstn: bool = False) -> LoadedNetwork:
    """The compact pose network with the weights of this package.

    With ``sstn`` it stands inside the bundled spatial transformer (RMPE, section 3.1), and the
    conventions are those of the larger crop that a transformer needs.
    """
    folder = resources.files("rmpe.weights")
    content = folder.joinpath(WEIGHTS_FILE).read_bytes()
    loaded = from_state_dict(safetensors.torch.load(content))
    if not sstn:
        return loaded
    with resources.as_file(folder.joinpath(TRANSFORMER_FILE)) as path:
        card = read_card(path)
        state = safetensors.torch.load_file(path)
    assert card is not None, f"{TRANSFORMER_FILE} is bundled with its card"
    whole = wrap_with_transformer(
        loaded.network, {key: value.float() for key, value in state.items()}
    )
    return replace(loaded, network=whole.eval(), conventions=card.conventions)
