"""AlphaPose's combined convention: body by heatmaps, face and hands by integral regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rmpe.heatmaps.argmax import QuarterCodec
from rmpe.heatmaps.integral import IntegralCodec

FACE_AND_HANDS = 110
HANDS_ONLY = 42


@dataclass(frozen=True)
class CombinedCodec:
    """Of K joints the first K - 110 (K - 42 if K is 68) are heatmaps, the rest sigmoid integrals.

    Networks of fewer joints have no second group. Fang et al., AlphaPose, TPAMI 2022, section 3.2.
    """

    stride: int = 4
    """Input pixels per heatmap cell."""
    flip_shift: bool = True
    """Whether the flip test moves the mirrored map by one cell."""
    flip_average_of: Literal["heatmaps", "coordinates"] = "heatmaps"
    """What the flip test averages; AlphaPose averages the second group's coordinates."""

    def encode(
        self, keypoints_xy_input: Tensor, visible: Tensor, height: int, width: int
    ) -> Tensor:
        """Return targets (N, K, height, width) of both groups.

        Args: as :meth:`QuarterCodec.encode`.
        """
        joints = torch.as_tensor(keypoints_xy_input, dtype=torch.float32)
        first = heatmap_joint_count(joints.shape[1])
        body = QuarterCodec(self.stride).encode(
            joints[:, :first], visible[:, :first], height, width
        )
        rest = IntegralCodec("sigmoid", self.stride).encode(
            joints[:, first:], visible[:, first:], height, width
        )
        return torch.cat([body, rest], dim=1)

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints in input pixels (N, K, 2) and scores (N, K) of maps (N, K, h, w)."""
        if heatmaps.ndim != 4:
            raise ValueError(
                f"got heatmaps of shape {tuple(heatmaps.shape)}, needed is (N, K, height, width)"
            )
        first = heatmap_joint_count(heatmaps.shape[1])
        body = QuarterCodec(self.stride).decode(heatmaps[:, :first])
        rest = IntegralCodec("sigmoid", self.stride).decode(heatmaps[:, first:])
        return torch.cat([body[0], rest[0]], dim=1), torch.cat([body[1], rest[1]], dim=1)


def heatmap_joint_count(joint_count: int) -> int:
    """Return how many of the joints, from the first, are read as heatmaps."""
    if joint_count > FACE_AND_HANDS:
        return joint_count - FACE_AND_HANDS
    return joint_count - HANDS_ONLY if joint_count == 68 else joint_count
