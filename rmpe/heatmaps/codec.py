"""What every heatmap convention offers: targets from joints, and joints from maps."""

from __future__ import annotations

from typing import Literal, Protocol

from torch import Tensor


class Codec(Protocol):
    """One family's convention; encode and decode stand together so that they cannot drift."""

    @property
    def stride(self) -> int:
        """Input pixels per heatmap cell."""

    @property
    def flip_shift(self) -> bool:
        """Whether the flip test moves the mirrored map by one cell."""

    @property
    def flip_average_of(self) -> Literal["heatmaps", "coordinates"]:
        """What the flip test averages."""

    def encode(
        self, keypoints_xy_input: Tensor, visible: Tensor, height: int, width: int
    ) -> Tensor:
        """Return targets (N, K, height, width) float32 for joints in input pixels (N, K, 2).

        ``visible`` (N, K) is > 0 where the joint is to be shown; ``height`` and ``width`` are the
        heatmap's, in cells.
        """

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Return joints (N, K, 2) in input pixels and scores (N, K) of maps (N, K, h, w)."""
