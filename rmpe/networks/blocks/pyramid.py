"""The pyramid of RTMDet and RTMW: CSPNeXt's last three levels, mixed downwards and upwards.

Lyu et al., "RTMDet: An Empirical Study of Designing Real-Time Object Detectors", 2022, section 3.1.
Key names are OpenMMLab's.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmpe.networks.blocks.cspnext import ConvSilu, CspLayer, Scale, convolution3


class Pyramid(nn.Module):
    """Down with nearest doubling, up again with strides.

    Args:
        scale: widths of the trunk.
        out_channels: one width at the end of all levels; None leaves them the trunk's.
        block_count: blocks of a cross-stage layer.
    """

    def __init__(self, scale: Scale, out_channels: int | None, block_count: int) -> None:
        super().__init__()
        widths = scale.widths[1:]

        def layer(in_channels: int, channels: int) -> CspLayer:
            return CspLayer(
                in_channels,
                channels,
                block_count,
                identity=False,
                attention=False,
                depthwise=scale.depthwise,
            )

        pairs = list(pairwise(widths))  # (finer, coarser)
        self.reduce_layers = nn.ModuleList(
            ConvSilu(coarse, fine, 1) for fine, coarse in reversed(pairs)
        )
        self.top_down_blocks = nn.ModuleList(layer(2 * fine, fine) for fine, _ in reversed(pairs))
        self.downsamples = nn.ModuleList(
            convolution3(fine, fine, stride=2, depthwise=scale.depthwise) for fine, _ in pairs
        )
        self.bottom_up_blocks = nn.ModuleList(layer(2 * fine, coarse) for fine, coarse in pairs)
        self.out_convs = None
        if out_channels is not None:
            self.out_convs = nn.ModuleList(
                convolution3(width, out_channels, depthwise=scale.depthwise) for width in widths
            )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps at strides 8, 16, 32 → as many of the same sizes."""
        inner = [maps[-1]]  # finest first
        for place, (reduce, blocks) in enumerate(zip(self.reduce_layers, self.top_down_blocks)):
            inner[0] = reduce(inner[0])
            doubled = functional.interpolate(inner[0], scale_factor=2.0, mode="nearest")
            inner.insert(0, blocks(torch.cat([doubled, maps[-2 - place]], dim=1)))
        outs = [inner[0]]
        for place, (halve, blocks) in enumerate(zip(self.downsamples, self.bottom_up_blocks)):
            outs.append(blocks(torch.cat([halve(outs[-1]), inner[place + 1]], dim=1)))
        if self.out_convs is None:
            return outs
        return [convolution(out) for convolution, out in zip(self.out_convs, outs)]
