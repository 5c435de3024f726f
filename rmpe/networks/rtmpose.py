"""RTMPose: CSPNeXt and a head that classifies each joint's column and row (SimCC).

Jiang et al., "RTMPose: Real-Time Multi-Person Pose Estimation based on MMPose", 2023, section 3.
Key names are OpenMMLab's. DWPose-l is RTMPose-l with 133 joints.
"""

from __future__ import annotations

import math
import re

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.cspnext import SCALES, CspNext, Scale, SizeName, read_scale
from rmpe.networks.blocks.shapes import Found, Shapes, has, size

STRIDE = 32
"""Input pixels per cell of the trunk's last map."""
BINS_PER_PIXEL = 2
HIDDEN = 256
ATTENTION_WIDTH = 128
EXPANSION = 2
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


class RTMPose(nn.Module):
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
        self.head = RtmccHead(scale.widths[-1], joint_count, input_size_hw)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if not torch.jit.is_tracing() and x.shape[-2:] != self.input_size_hw:
            raise ValueError(
                f"got an input of {x.shape[-2]}x{x.shape[-1]}, this network takes "
                f"{self.input_size_hw[0]}x{self.input_size_hw[1]} only"
            )
        return self.head(self.backbone(x))

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """Columns (N, K, 2 W) and rows (N, K, 2 H)."""
        return list(self(x))


NAMES = re.compile(r"rtmpose_(?P<size>[tsmlx])(?:_(?P<height>\d+)x(?P<width>\d+))?")
"""The input is 256x192 unless the name has another."""


def build(
    name: re.Match[str], joint_count: int, *, input_size_hw: tuple[int, int] = (256, 192)
) -> RTMPose:
    """A network of one of ``NAMES``."""
    if name["height"]:
        input_size_hw = (int(name["height"]), int(name["width"]))
    sizes: dict[str, SizeName] = {"t": "t", "s": "s", "m": "m", "l": "l", "x": "x"}
    return RTMPose(SCALES[sizes[name["size"]]], joint_count, input_size_hw=input_size_hw)


def read(shapes: Shapes) -> Found | None:
    """Which RTMPose has these keys and shapes; None if they are of another of OpenMMLab's."""
    if not has(shapes, r"head\.cls_x\.") or not has(shapes, r"head\.gau\."):
        return None
    scale = read_scale(shapes, "rtmpose")
    if scale is None:
        return None
    joint_count = size(shapes, "head.final_layer.weight", "rtmpose")
    input_size_hw = (
        size(shapes, "head.cls_y.weight", "rtmpose") // BINS_PER_PIXEL,
        size(shapes, "head.cls_x.weight", "rtmpose") // BINS_PER_PIXEL,
    )
    details = {"input_size_hw": input_size_hw}
    return Found((f"rtmpose_{scale}",), joint_count, details, input_size_hw)
