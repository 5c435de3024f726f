"""Pose networks, one file per family: (N, 3, H, W) pictures → (N, K, h, w) heatmaps.

Every network has ``supervised_outputs(x)``, the list of all outputs that training supervises, in
the order of the reference implementation; ``forward(x)`` returns its last. Networks are fully
convolutional; input size, colour order and decoding belong to the weights: see ``rmpe.zoo``.
``build_network(NAME, joint_count)`` makes any of them, :mod:`rmpe.networks.variants` lists them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmpe.networks.cpn import CPN
    from rmpe.networks.fastpose import FastPose
    from rmpe.networks.hourglass import StackedHourglass
    from rmpe.networks.hrnet import HRNet, hrnet_w32
    from rmpe.networks.mspn import MSPN
    from rmpe.networks.rsn import RSN
    from rmpe.networks.simplebaseline import SimpleBaseline
    from rmpe.networks.variants import PoseNetwork, build_network

__all__ = [
    "CPN",
    "MSPN",
    "RSN",
    "FastPose",
    "HRNet",
    "PoseNetwork",
    "SimpleBaseline",
    "StackedHourglass",
    "build_network",
    "hrnet_w32",
]

_HOMES = {
    "CPN": "cpn",
    "MSPN": "mspn",
    "RSN": "rsn",
    "FastPose": "fastpose",
    "HRNet": "hrnet",
    "PoseNetwork": "variants",
    "SimpleBaseline": "simplebaseline",
    "StackedHourglass": "hourglass",
    "build_network": "variants",
    "hrnet_w32": "hrnet",
}


def __getattr__(name: str) -> object:
    """Import a family only when it is asked for; torch takes a second."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """What the door offers."""
    return __all__
