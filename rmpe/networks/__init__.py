"""Pose networks, one file per family: (N, 3, H, W) pictures → (N, K, h, w) heatmaps.

Every network has ``supervised_outputs(x)``, the list of all outputs that training supervises, in
the order of the reference implementation; ``forward(x)`` returns its last. Networks are fully
convolutional; input size, colour order and decoding belong to the weights: see ``rmpe.zoo``.
``build_network(NAME, joint_count)`` makes any of them, :mod:`rmpe.networks.variants` lists them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

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

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "CPN": "rmpe.networks.cpn",
        "FastPose": "rmpe.networks.fastpose",
        "HRNet": "rmpe.networks.hrnet",
        "MSPN": "rmpe.networks.mspn",
        "PoseNetwork": "rmpe.networks.variants",
        "RSN": "rmpe.networks.rsn",
        "SimpleBaseline": "rmpe.networks.simplebaseline",
        "StackedHourglass": "rmpe.networks.hourglass",
        "build_network": "rmpe.networks.variants",
        "hrnet_w32": "rmpe.networks.hrnet",
    },
)
