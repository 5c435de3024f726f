"""RTMPose and RTMW: CSPNeXt and a head that classifies each joint's column and row (SimCC).

Jiang et al., "RTMPose: Real-Time Multi-Person Pose Estimation based on MMPose", 2023, section 3;
Jiang et al., "RTMW: Real-Time Multi-Person 2D and 3D Whole-body Pose Estimation", 2024, section 3.
Key names are OpenMMLab's. DWPose-l is RTMPose-l with 133 joints.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.cspnext import SCALES, CspNext, Scale, SizeName, read_scale
from rmpe.networks.blocks.pyramid import Pyramid
from rmpe.networks.blocks.shapes import Found, Shapes, has, size

STRIDE = 32
"""Input pixels per cell of the trunk's last map."""
BINS_PER_PIXEL = 2
HIDDEN = 256
ATTENTION_WIDTH = 128
EXPANSION = 2
PYRAMID_BLOCKS = 2
"""Blocks of RTMW's cross-stage layers, in every size."""
NORM_EPSILON = 1e-5


class ScaleNorm(nn.Module):
    """Division by the root mean square of the last axis, times one learnt gain."""

    def __init__(self) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        norm = x.norm(dim=-1, keepdim=True) * x.shape[-1] ** -0.5
        return x / norm.clamp(min=NORM_EPSILON) * self.g


class LearntScale(nn.Module):
    """One learnt factor for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class GatedAttention(nn.Module):
    """Gated attention unit (Hua et al., 2022) over the joints, without position terms."""

    def __init__(self) -> None:
        super().__init__()
        width = HIDDEN * EXPANSION
        self.ln = ScaleNorm()
        self.uv = nn.Linear(HIDDEN, 2 * width + ATTENTION_WIDTH, bias=False)
        self.gamma = nn.Parameter(torch.rand(2, ATTENTION_WIDTH))
        self.beta = nn.Parameter(torch.rand(2, ATTENTION_WIDTH))
        self.o = nn.Linear(width, HIDDEN, bias=False)
        self.res_scale = LearntScale(HIDDEN)

    def forward(self, x: Tensor) -> Tensor:
        """(N, K, 256) → (N, K, 256)."""
        projected = functional.silu(self.uv(self.ln(x)))
        width = HIDDEN * EXPANSION
        gate, value, base = projected.split([width, width, ATTENTION_WIDTH], dim=-1)
        base = base[:, :, None] * self.gamma + self.beta  # (N, K, 2, s)
        query, key = base.unbind(dim=2)
        attention = functional.relu(query @ key.transpose(1, 2) / math.sqrt(ATTENTION_WIDTH))
        mixed = self.o(gate * (attention.square() @ value))  # (N, K, K) @ (N, K, e)
        return self.res_scale(x) + mixed


class RtmccHead(nn.Module):
    """Maps (N, C, H/32, W/32) → rows (N, K, 2 W) and (N, K, 2 H)."""

    def __init__(self, in_channels: int, joint_count: int, input_size_hw: tuple[int, int]) -> None:
        super().__init__()
        height, width = input_size_hw
        cells = (height // STRIDE) * (width // STRIDE)
        self.final_layer = nn.Conv2d(in_channels, joint_count, 7, padding=3)
        self.mlp = nn.Sequential(ScaleNorm(), nn.Linear(cells, HIDDEN, bias=False))
        self.gau = GatedAttention()
        self.cls_x = nn.Linear(HIDDEN, BINS_PER_PIXEL * width, bias=False)
        self.cls_y = nn.Linear(HIDDEN, BINS_PER_PIXEL * height, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        joints = self.gau(self.mlp(self.final_layer(x).flatten(2)))  # (N, K, 256)
        return self.cls_x(joints), self.cls_y(joints)


class ConvRelu(nn.Sequential):
    """7x7 convolution without bias, batch norm, ReLU; keys ``conv.*`` and ``bn.*``."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 7, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.activate = nn.ReLU(inplace=True)


class RtmwHead(nn.Module):
    """Maps of strides 16 (N, C/2, 2 h, 2 w) and 32 (N, C, h, w) → rows as :class:`RtmccHead`."""

    def __init__(self, in_channels: int, joint_count: int, input_size_hw: tuple[int, int]) -> None:
        super().__init__()
        height, width = input_size_hw
        cells = (height // STRIDE) * (width // STRIDE)
        quarter = in_channels // 4
        self.ps = nn.PixelShuffle(2)
        self.conv_dec = ConvRelu(quarter, quarter)
        self.final_layer = ConvRelu(in_channels, joint_count)
        self.final_layer2 = ConvRelu(in_channels // 2 + quarter, joint_count)
        self.mlp = nn.Sequential(ScaleNorm(), nn.Linear(cells, HIDDEN // 2, bias=False))
        self.mlp2 = nn.Sequential(ScaleNorm(), nn.Linear(4 * cells, HIDDEN // 2, bias=False))
        self.gau = GatedAttention()
        self.cls_x = nn.Linear(HIDDEN, BINS_PER_PIXEL * width, bias=False)
        self.cls_y = nn.Linear(HIDDEN, BINS_PER_PIXEL * height, bias=False)

    def forward(self, fine: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        finer = self.conv_dec(self.ps(coarse))  # (N, C/4, 2 h, 2 w)
        finer = self.final_layer2(torch.cat([finer, fine], dim=1))  # (N, K, 2 h, 2 w)
        halves = [
            self.mlp(self.final_layer(coarse).flatten(2)),
            self.mlp2(finer.flatten(2)),
        ]  # (N, K, 128) each
        joints = self.gau(torch.cat(halves, dim=2))  # (N, K, 256)
        return self.cls_x(joints), self.cls_y(joints)


class SimccNetwork(nn.Module, ABC):
    """(N, 3, H, W) of one size → logits of the joints' columns and rows, a tuple of two.

    Columns are (N, K, 2 W), rows (N, K, 2 H): bins of half a pixel.

    Args:
        scale: width and depth of the trunk.
        joint_count: number of joints, K.
        input_size_hw: rows and columns of the input, which the head is made for.
    """

    def __init__(
        self, scale: Scale, joint_count: int = 17, *, input_size_hw: tuple[int, int] = (256, 192)
    ) -> None:
        super().__init__()
        if input_size_hw[0] % STRIDE or input_size_hw[1] % STRIDE or min(input_size_hw) < STRIDE:
            raise ValueError(
                f"got an input of {input_size_hw[0]}x{input_size_hw[1]}, multiples of {STRIDE} "
                "are needed"
            )
        self.input_size_hw = input_size_hw
        self.backbone = CspNext(scale)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if not torch.jit.is_tracing() and x.shape[-2:] != self.input_size_hw:
            raise ValueError(
                f"got an input of {x.shape[-2]}x{x.shape[-1]}, this network takes "
                f"{self.input_size_hw[0]}x{self.input_size_hw[1]} only"
            )
        return self.classify(self.backbone.features(x))

    @abstractmethod
    def classify(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The trunk's maps, strides 4 to 32 → columns and rows."""

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """Columns (N, K, 2 W) and rows (N, K, 2 H)."""
        return list(self(x))


class RTMPose(SimccNetwork):
    """The last map of the trunk, and :class:`RtmccHead`."""

    def __init__(
        self, scale: Scale, joint_count: int = 17, *, input_size_hw: tuple[int, int] = (256, 192)
    ) -> None:
        super().__init__(scale, joint_count, input_size_hw=input_size_hw)
        self.head = RtmccHead(scale.widths[-1], joint_count, input_size_hw)

    def classify(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        return self.head(maps[-1])


class RTMW(SimccNetwork):
    """A pyramid over the trunk's last three maps, and :class:`RtmwHead` over its last two."""

    def __init__(
        self, scale: Scale, joint_count: int = 133, *, input_size_hw: tuple[int, int] = (256, 192)
    ) -> None:
        super().__init__(scale, joint_count, input_size_hw=input_size_hw)
        self.neck = Pyramid(scale, None, PYRAMID_BLOCKS)
        self.head = RtmwHead(scale.widths[-1], joint_count, input_size_hw)

    def classify(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        _, fine, coarse = self.neck(maps[1:])
        return self.head(fine, coarse)


NAMES = re.compile(r"(?P<family>rtmpose)_(?P<size>[tsmlx])(?:_(?P<height>\d+)x(?P<width>\d+))?")
"""The input is 256x192 unless the name has another."""
RTMW_NAMES = re.compile(r"(?P<family>rtmw)_(?P<size>[smlx])(?:_(?P<height>\d+)x(?P<width>\d+))?")
"""As ``NAMES``."""


def build(
    name: re.Match[str], joint_count: int, *, input_size_hw: tuple[int, int] = (256, 192)
) -> RTMPose | RTMW:
    """A network of one of ``NAMES`` or ``RTMW_NAMES``."""
    if name["height"]:
        input_size_hw = (int(name["height"]), int(name["width"]))
    sizes: dict[str, SizeName] = {"t": "t", "s": "s", "m": "m", "l": "l", "x": "x"}
    kind = RTMW if name["family"] == "rtmw" else RTMPose
    return kind(SCALES[sizes[name["size"]]], joint_count, input_size_hw=input_size_hw)


def read(shapes: Shapes) -> Found | None:
    """Which RTMPose has these keys and shapes; None if they are of another of OpenMMLab's."""
    return _read(shapes, "rtmpose", "head.final_layer.weight")


def read_rtmw(shapes: Shapes) -> Found | None:
    """Which RTMW has these keys and shapes; None if they are of another of OpenMMLab's."""
    return _read(shapes, "rtmw", "head.final_layer.conv.weight")


def _read(shapes: Shapes, family: str, joints_key: str) -> Found | None:
    if not has(shapes, r"head\.cls_x\.") or not has(shapes, r"head\.gau\."):
        return None
    if has(shapes, r"neck\.") != (family == "rtmw"):
        return None
    scale = read_scale(shapes, family)
    if scale is None:
        return None
    joint_count = size(shapes, joints_key, family)
    input_size_hw = (
        size(shapes, "head.cls_y.weight", family) // BINS_PER_PIXEL,
        size(shapes, "head.cls_x.weight", family) // BINS_PER_PIXEL,
    )
    details = {"input_size_hw": input_size_hw}
    return Found((f"{family}_{scale}",), joint_count, details, input_size_hw)
