"""Every published variant by its name: what the zoo recognises and what training builds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from torch import Tensor, nn

from rmpe.networks import (
    cpn,
    fastpose,
    hourglass,
    hourglass52,
    hrnet,
    mspn,
    rsn,
    simplebaseline,
)


class PoseNetwork(Protocol):
    """What all networks of this folder have."""

    def __call__(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) pictures → final heatmaps (N, K, h, w)."""

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """Every output that training supervises, the final one last."""


VARIANTS: dict[str, Callable[[int], nn.Module]] = {
    "fastpose_res50": fastpose.fastpose_res50,
    "fastpose_res50_wide": fastpose.fastpose_res50_wide,
    "fastpose_res152_wide": fastpose.fastpose_res152_wide,
    "fastpose_res50_dcn": fastpose.fastpose_res50_dcn,
    "fastpose_res50_dcn_wide": fastpose.fastpose_res50_dcn_wide,
    "fastpose_duc_res50_unshuffle": fastpose.fastpose_duc_res50_unshuffle,
    "fastpose_duc_res152": fastpose.fastpose_duc_res152,
    "duc_se_resnet101": fastpose.duc_se_resnet101,
    "simplepose_res50": simplebaseline.simplepose_res50,
    "pose_resnet50": simplebaseline.pose_resnet50,
    "pose_resnet101": simplebaseline.pose_resnet101,
    "pose_resnet152": simplebaseline.pose_resnet152,
    "pose_resnet50_caffe": partial(simplebaseline.pose_resnet_caffe, 50),
    "pose_resnet101_caffe": partial(simplebaseline.pose_resnet_caffe, 101),
    "pose_resnet152_caffe": partial(simplebaseline.pose_resnet_caffe, 152),
    "hrnet_w32": hrnet.hrnet_w32,
    "hrnet_w48": hrnet.hrnet_w48,
    "cpn50": cpn.cpn50,
    "cpn101": cpn.cpn101,
    **{f"mspn_{stages}stage": partial(mspn.mspn, stages) for stages in range(1, 5)},
    **{f"rsn18_{stages}stage": partial(rsn.rsn18, stages) for stages in range(1, 5)},
    **{f"rsn50_{stages}stage": partial(rsn.rsn50, stages) for stages in range(1, 5)},
    **{f"res18_{stages}stage": partial(rsn.res18, stages) for stages in range(1, 5)},
    "hourglass_2stack": hourglass.hourglass_2stack,
    "hourglass_8stack": hourglass.hourglass_8stack,
    "hourglass52": hourglass52.hourglass52,
}


def build_network(variant: str, joint_count: int) -> nn.Module:
    """A freshly initialised network of the named variant with ``joint_count`` heatmaps.

    Raises:
        ValueError: the name is unknown or the count is not positive.
    """
    if variant not in VARIANTS:
        raise ValueError(f"got network {variant!r}, supported are {', '.join(VARIANTS)}")
    if joint_count < 1:
        raise ValueError(f"got {joint_count} joints, at least 1 is needed")
    return VARIANTS[variant](joint_count)
