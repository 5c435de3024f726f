"""The frozen part of a compact pose network on OpenVINO: a third of a training step on a CPU.

Torch needs 14 ms a crop for the trunk up to stride 8 in bfloat16, most of it for depthwise
convolutions of large maps; OpenVINO fuses them and needs 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rmpe.networks.compact_pose import CompactPose
from rmpe.runtimes.openvino_runtime import OpenVinoPart

FROZEN_PARTS = ("stem", "stem_filter", "stem_project", "level4", "level8")
"""What :meth:`CompactPose.fine_levels` consists of."""


class _FineLevels(nn.Module):
    def __init__(self, network: CompactPose) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.fine_levels(x)


class FrozenFineLevels:
    """Stands in for :meth:`CompactPose.fine_levels`; computes with the weights of its making."""

    def __init__(self, network: CompactPose, height: int, width: int) -> None:
        """Compile the part for crops of one size."""
        self._part = OpenVinoPart(_FineLevels(network), torch.zeros((2, 3, height, width)), "bf16")

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """RGB 0..1 (N, 3, H, W) -> (N, c4, H/4, W/4), (N, c8, H/8, W/8), without a gradient."""
        level4, level8 = self._part(x)
        return level4, level8

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenFineLevels:
        """The average of the weights has the same frozen ones."""
        return self


def use_fast_frozen(network: nn.Module, frozen: Sequence[str], height: int, width: int) -> None:
    """Compute the trunk up to stride 8 with OpenVINO where the run leaves all of it as it is."""
    if isinstance(network, CompactPose) and set(FROZEN_PARTS) <= set(frozen):
        fast: Any = FrozenFineLevels(network, height, width)
        network.fine_levels = fast  # type: ignore[method-assign]
