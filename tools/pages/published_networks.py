"""Sizes and accuracies that the sources publish of their networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from torch import nn

from rmpe.networks.mspn import MSPN
from rmpe.networks.rsn import RSN
from rmpe.networks.variants import build_network

Source = Literal["AlphaPose", "AlphaPose 2018", "HRNet", "SimpleBaseline", "MSPN", "mmpose", "RSN",
                 "CPN", "Hourglass", "RTMPose"]  # fmt: skip


@dataclass(frozen=True)
class PublishedNetwork:
    """One line: a network at an input size, and what its source publishes of it."""

    label: str
    """What the source calls it."""
    build: Callable[[int], nn.Module]
    """Joint count → network."""
    joint_count: int
    """Heatmaps."""
    input_height: int
    """Rows of the input."""
    input_width: int
    """Columns of the input."""
    source: Source
    """Where the published numbers are from."""
    parameters: str = "-"
    """Published, in millions."""
    gflops: str = "-"
    """Published; a multiply-add counts one."""
    accuracy: str = "-"
    """Published: COCO val2017 AP with flip test unless another measure is named."""


def _row(
    label: str,
    variant: str,
    joint_count: int,
    size: str,
    source: Source,
    parameters: str = "-",
    gflops: str = "-",
    accuracy: str = "-",
) -> PublishedNetwork:
    height, width = (int(side) for side in size.split("x"))
    return PublishedNetwork(
        label,
        partial(build_network, variant),
        joint_count,
        height,
        width,
        source,
        parameters,
        gflops,
        accuracy,
    )


def _mspn_without_bias(stage_count: int, joint_count: int) -> nn.Module:
    return MSPN(stage_count, joint_count, bias=False)


def _rsn_without_bias(depth: Literal[18, 50], stage_count: int, joint_count: int) -> nn.Module:
    return RSN(depth, stage_count, joint_count, bias=False)


PUBLISHED: tuple[PublishedNetwork, ...] = (
    _row(
        "FastPose res50",
        "fastpose_res50",
        17,
        "256x192",
        "AlphaPose",
        "-",
        "-",
        "72.0 (YOLOv3 boxes)",
    ),
    _row(
        "FastPose DUC res50 unshuffle",
        "fastpose_duc_res50_unshuffle",
        17,
        "256x192",
        "AlphaPose",
        "-",
        "-",
        "72.4 (YOLOv3 boxes)",
    ),
    _row(
        "FastPose DUC res152",
        "fastpose_duc_res152",
        17,
        "256x192",
        "AlphaPose",
        "-",
        "-",
        "73.3 (YOLOv3 boxes)",
    ),
    _row(
        "FastPose DCN res50",
        "fastpose_res50_dcn",
        17,
        "256x192",
        "AlphaPose",
        "-",
        "-",
        "72.8 (YOLOv3 boxes)",
    ),
    _row("FastPose Halpe-26 res50", "fastpose_res50", 26, "256x192", "AlphaPose"),
    _row(
        "FastPose Halpe-136 res50",
        "fastpose_res50_wide",
        136,
        "256x192",
        "AlphaPose",
        "-",
        "-",
        "41.7 heatmap, 44.1 integral (Halpe)",
    ),
    _row("FastPose Halpe-136 res152", "fastpose_res152_wide", 136, "256x192", "AlphaPose"),
    _row(
        "FastPose WholeBody-136 res50",
        "fastpose_res50",
        136,
        "256x192",
        "AlphaPose",
        "-",
        "-",
        "50.1 (Halpe)",
    ),
    _row(
        "FastPose WholeBody-136 res50 DCN",
        "fastpose_res50_dcn_wide",
        136,
        "256x192",
        "AlphaPose",
        "-",
        "-",
        "49.8 (Halpe)",
    ),
    _row(
        "SE-ResNet101 (`duc_se.pth`)",
        "duc_se_resnet101",
        33,
        "320x256",
        "AlphaPose 2018",
        "-",
        "-",
        "71 fast, 72.3 full",
    ),
    _row(
        "SimplePose res50",
        "simplepose_res50",
        17,
        "256x192",
        "AlphaPose",
        "-",
        "-",
        "70.6 (YOLOv3 boxes)",
    ),
    _row(
        "HRNet-W32 of AlphaPose",
        "hrnet_w32",
        17,
        "256x192",
        "AlphaPose",
        "-",
        "-",
        "72.5 (YOLOv3 boxes)",
    ),
    _row("HRNet-W32", "hrnet_w32", 17, "256x192", "HRNet", "28.5", "7.1", "74.4"),
    _row("HRNet-W32", "hrnet_w32", 17, "384x288", "HRNet", "28.5", "16.0", "75.8"),
    _row("HRNet-W48", "hrnet_w48", 17, "256x192", "HRNet", "63.6", "14.6", "75.1"),
    _row("HRNet-W48", "hrnet_w48", 17, "384x288", "HRNet", "63.6", "32.9", "76.3"),
    _row("HRNet-W32 MPII", "hrnet_w32", 16, "256x256", "HRNet", "-", "-", "90.3 PCKh@0.5"),
    _row("pose_resnet50", "pose_resnet50", 17, "256x192", "SimpleBaseline", "34.0", "8.9", "70.4"),
    _row(
        "pose_resnet101", "pose_resnet101", 17, "256x192", "SimpleBaseline", "53.0", "12.4", "71.4"
    ),
    _row(
        "pose_resnet152", "pose_resnet152", 17, "256x192", "SimpleBaseline", "68.6", "15.7", "72.0"
    ),
    _row(
        "pose_resnet152", "pose_resnet152", 17, "384x288", "SimpleBaseline", "68.6", "35.3", "74.3"
    ),
    _row(
        "pose_resnet50 caffe style",
        "pose_resnet50_caffe",
        17,
        "256x192",
        "SimpleBaseline",
        "-",
        "-",
        "70.4",
    ),
    _row("CPN ResNet-50", "cpn50", 17, "256x192", "CPN", "-", "6.20", "69.2 (detected boxes)"),
    _row("CPN ResNet-50", "cpn50", 17, "384x288", "CPN", "-", "-", "72.2 (detected boxes)"),
    _row("CPN ResNet-101", "cpn101", 17, "384x288", "CPN", "-", "-", "72.3 (detected boxes)"),
    _row("MSPN 1 stage", "mspn_1stage", 17, "256x192", "MSPN", "-", "4.4", "71.5"),
    _row("MSPN 2 stages", "mspn_2stage", 17, "256x192", "MSPN", "-", "9.6", "74.5"),
    _row("MSPN 3 stages", "mspn_3stage", 17, "256x192", "MSPN", "-", "14.7", "75.2"),
    _row("MSPN 4 stages", "mspn_4stage", 17, "256x192", "MSPN", "-", "19.9", "75.9"),
    _row("MSPN 4 stages", "mspn_4stage", 17, "384x288", "MSPN", "-", "-", "76.9"),
    PublishedNetwork(
        "MSPN-50, no biases",
        partial(_mspn_without_bias, 1),
        17,
        256,
        192,
        "mmpose",
        "25.11",
        "5.11",
        "72.3",
    ),
    PublishedNetwork(
        "4xMSPN-50, no biases",
        partial(_mspn_without_bias, 4),
        17,
        256,
        192,
        "mmpose",
        "120.18",
        "23.82",
        "76.4",
    ),
    _row("Res-18", "res18_1stage", 17, "256x192", "RSN", "-", "2.3", "70.7 paper, 65.2 PyTorch"),
    _row("RSN-18", "rsn18_1stage", 17, "256x192", "RSN", "-", "2.5", "73.6 paper, 70.4 PyTorch"),
    _row("4xRSN-18", "rsn18_4stage", 17, "256x192", "RSN"),
    _row("RSN-50", "rsn50_1stage", 17, "256x192", "RSN", "-", "6.4", "74.7"),
    _row("2xRSN-50", "rsn50_2stage", 17, "256x192", "RSN", "-", "13.9", "77.2"),
    _row("3xRSN-50", "rsn50_3stage", 17, "256x192", "RSN", "-", "20.7", "78.2"),
    _row("4xRSN-50", "rsn50_4stage", 17, "256x192", "RSN", "-", "29.3", "79.0"),
    _row("4xRSN-50", "rsn50_4stage", 17, "384x288", "RSN", "-", "65.9", "79.6"),
    PublishedNetwork(
        "RSN-18, no biases",
        partial(_rsn_without_bias, 18, 1),
        17,
        256,
        192,
        "mmpose",
        "9.14",
        "2.27",
        "70.4",
    ),
    PublishedNetwork(
        "RSN-50, no biases",
        partial(_rsn_without_bias, 50, 1),
        17,
        256,
        192,
        "mmpose",
        "19.33",
        "4.11",
        "72.4",
    ),
    PublishedNetwork(
        "2xRSN-50, no biases",
        partial(_rsn_without_bias, 50, 2),
        17,
        256,
        192,
        "mmpose",
        "39.26",
        "8.29",
        "74.8",
    ),
    PublishedNetwork(
        "3xRSN-50, no biases",
        partial(_rsn_without_bias, 50, 3),
        17,
        256,
        192,
        "mmpose",
        "59.2",
        "12.47",
        "75.0",
    ),
    _row(
        "Hourglass 2 stacks",
        "hourglass_2stack",
        16,
        "256x256",
        "Hourglass",
        "-",
        "-",
        "88.3 PCKh@0.5",
    ),
    _row(
        "Hourglass 8 stacks",
        "hourglass_8stack",
        16,
        "256x256",
        "Hourglass",
        "-",
        "-",
        "90.2 PCKh@0.5",
    ),
    _row("Hourglass-52", "hourglass52", 17, "256x256", "mmpose", "94.85", "28.67", "72.6"),
    _row("RTMPose-t", "rtmpose_t", 17, "256x192", "RTMPose", "3.34", "0.36", "65.9 (body7)"),
    _row("RTMPose-s", "rtmpose_s", 17, "256x192", "RTMPose", "5.47", "0.68", "69.7 (body7)"),
    _row("RTMPose-m", "rtmpose_m", 17, "256x192", "RTMPose", "13.59", "1.93", "74.9 (body7)"),
    _row("RTMPose-l", "rtmpose_l", 17, "256x192", "RTMPose", "27.66", "4.16", "76.7 (body7)"),
    _row("RTMPose-x", "rtmpose_x_384x288", 17, "384x288", "RTMPose", "-", "17.22", "78.8 (body7)"),
    _row("RTMPose-m whole body", "rtmpose_m", 133, "256x192", "RTMPose", "-", "-", "58.2 (whole)"),
)
