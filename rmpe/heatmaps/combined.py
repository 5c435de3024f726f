"""AlphaPose's combined convention: body by heatmaps, face and hands by integral regression."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rmpe.heatmaps._peaks import checked_maps
from rmpe.heatmaps.argmax import ArgmaxCodec
from rmpe.heatmaps.codec import Codec
from rmpe.heatmaps.integral import IntegralCodec

FACE_AND_HANDS = 110
HANDS_ONLY = 42


@dataclass(frozen=True, kw_only=True)
class CombinedCodec(Codec):
    """Of K joints the first K - 110 (K - 42 if K is 68) are heatmaps, the rest sigmoid integrals.

    Networks of fewer joints have no second group. Fang et al., AlphaPose, TPAMI 2022, section 3.2.
    """

    flip_shift: bool = True
    # AlphaPose's flip test averages the second group's coordinates; here both groups' maps.

    def _targets(self, joints: Tensor, visible: Tensor, height: int, width: int) -> Tensor:
        """Targets of both groups."""
        first = heatmap_joint_count(joints.shape[1])
        body = ArgmaxCodec(stride=self.stride).encode(
            joints[:, :first], visible[:, :first], height, width
        )
        rest = IntegralCodec(norm="sigmoid", stride=self.stride).encode(
            joints[:, first:], visible[:, first:], height, width
        )
        return torch.cat([body, rest], dim=1)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and scores (N, K) of maps (N, K, h, w)."""
        heatmaps = checked_maps(heatmaps)
        first = heatmap_joint_count(heatmaps.shape[1])
        body = ArgmaxCodec(stride=self.stride).decode(heatmaps[:, :first])
        rest = IntegralCodec(norm="sigmoid", stride=self.stride).decode(heatmaps[:, first:])
        return torch.cat([body[0], rest[0]], dim=1), torch.cat([body[1], rest[1]], dim=1)

    def _read(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError("which group a map is of depends on its joint: see decode")


def heatmap_joint_count(joint_count: int) -> int:
    """Return how many of the joints, from the first, are read as heatmaps."""
    if joint_count > FACE_AND_HANDS:
        return joint_count - FACE_AND_HANDS
    return joint_count - HANDS_ONLY if joint_count == 68 else joint_count
