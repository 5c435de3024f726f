"""The spatial transformer (STN): look at a crop, decide how to cut it better, cut it."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmpe.sstn.affine import identity_affine

Freedom = Literal["affine", "shift_scale"]


def warp(pictures: Tensor, theta: Tensor) -> Tensor:
    """Return pictures (N, C, H, W) resampled by θ (N, 2, 3); outside is zero."""
    grid = functional.affine_grid(theta, list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, align_corners=False)


class SpatialTransformer(nn.Module):
    """A small network that looks at the crop and gives θ.

    It starts as the identity. The crop is looked at small, because where a person stands in it
    shows at low resolution.
    """

    def __init__(
        self,
        freedom: Freedom = "shift_scale",
        channels: int = 32,
        looked_at: tuple[int, int] = (64, 48),
    ) -> None:
        """Make the localisation network.

        Args:
            freedom: ``shift_scale`` moves, and scales both axes alike (three numbers);
                ``affine`` gives all six.
            channels: width of the first layer; deeper ones are wider.
            looked_at: rows and columns that the crop is shrunk to before it is looked at.
        """
        super().__init__()
        self.freedom = freedom
        self.looked_at = looked_at
        widths = [3, channels, 2 * channels, 3 * channels, 4 * channels]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [
                nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            ]
        self.features = nn.Sequential(*layers)
        rows, columns = looked_at[0] // 16, looked_at[1] // 16
        self.hidden = nn.Linear(widths[-1] * rows * columns, 4 * channels)
        self.numbers = nn.Linear(4 * channels, 6 if freedom == "affine" else 3)
        nn.init.zeros_(self.numbers.weight)
        nn.init.zeros_(self.numbers.bias)

    def forward(self, crops: Tensor) -> Tensor:
        """Return θ (N, 2, 3) for crops (N, 3, H, W)."""
        small = functional.interpolate(
            crops, self.looked_at, mode="bilinear", align_corners=False, antialias=True
        )
        hidden = functional.relu(self.hidden(self.features(small).flatten(1)))
        numbers = self.numbers(hidden)
        if self.freedom == "affine":
            return identity_affine(len(crops), numbers) + numbers.view(-1, 2, 3)
        scale = torch.exp(numbers[:, 0])
        zero = torch.zeros_like(scale)
        rows = [
            torch.stack([scale, zero, numbers[:, 1]], -1),
            torch.stack([zero, scale, numbers[:, 2]], -1),
        ]
        return torch.stack(rows, 1)
