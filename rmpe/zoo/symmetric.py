"""Files that hold a spatial transformer around a network, as the SSTN recipes write them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from rmpe.sstn import SpatialTransformer, SymmetricPose

TRANSFORMER = "transformer."
NETWORK = "network."


def split_transformer(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the tensors of the network and of the transformer around it, prefixes taken off.

    Without a transformer the second is empty and the first is all there is.
    """
    transformer = {
        key.removeprefix(TRANSFORMER): value
        for key, value in state.items()
        if key.startswith(TRANSFORMER)
    }
    if not transformer:
        return dict(state), {}
    network = {
        key.removeprefix(NETWORK): value
        for key, value in state.items()
        if not key.startswith(TRANSFORMER)
    }
    return network, transformer


def around(network: nn.Module, state: Mapping[str, Tensor]) -> SymmetricPose:
    """Return the network inside the transformer of these tensors, without a parallel branch.

    Raises:
        ValueError: the tensors are no spatial transformer's.
    """
    try:
        numbers, channels = state["numbers.weight"].shape[0], state["features.0.weight"].shape[0]
        transformer = SpatialTransformer("affine" if numbers == 6 else "shift_scale", channels)
        transformer.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"the checkpoint's spatial transformer does not fit: {first}") from error
    return SymmetricPose(network, transformer)
