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


def wrap_with_transformer(network: nn.Module, state: Mapping[str, Tensor]) -> SymmetricPose:
    """Return the network inside the transformer of these tensors, without a parallel branch.

    Raises:
        ValueError: the tensors are no spatial transformer's.
    """
    try:
        sizes = [int(side) for side in state["sizes"]]
        channels, map_count = state["features.1.weight"].shape[:2]
        transformer = SpatialTransformer(
            map_count,
            "affine" if len(state["numbers.weight"]) == 6 else "shift_scale",
            channels,
            looked_at_hw=(sizes[0], sizes[1]),
            shown_hw=(sizes[2], sizes[3]),
        )
        transformer.load_state_dict(state)
    except (KeyError, IndexError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"the checkpoint's spatial transformer does not fit: {first}") from error
    return SymmetricPose(network, transformer.eval())
