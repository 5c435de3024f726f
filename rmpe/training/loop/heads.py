"""How the last layer of a network that is trained from scratch starts."""

from __future__ import annotations

from torch import nn

from rmpe.zoo.conventions import Origin

PLAIN_HEADS: tuple[Origin, ...] = ("hrnet", "simplebaseline", "alphapose", "hourglass")
"""Networks whose maps come from a plain convolution; those of the others are normalised."""
_SPREAD = 0.001
"""Deviation of a fresh head's weights, so small that its first maps are nearly empty."""


def start_heads_near_zero(network: nn.Module, origin: Origin, joint_count: int) -> None:
    """Let the convolutions that give the maps start at almost nothing, without bias.

    A target is nearly empty: a head that starts as large as other layers begins with an error some
    hundred times that of an empty map, and spends its first hundreds of steps on coming down.
    Source: the public code of SimpleBaseline and HRNet (normal, standard deviation 0.001); that it
    helps Hourglass as well was seen in ``benchmarks/networks/bench_overfit.py``.

    Args:
        network: changed in place; untouched unless its origin is one of :data:`PLAIN_HEADS`.
        origin: of the network.
        joint_count: channels of the maps.
    """
    if origin not in PLAIN_HEADS:
        return
    for module in network.modules():
        if not isinstance(module, nn.Conv2d) or module.out_channels != joint_count:
            continue
        if module.bias is not None:  # convolutions inside, before a norm, have none
            nn.init.normal_(module.weight, std=_SPREAD)
            nn.init.zeros_(module.bias)
