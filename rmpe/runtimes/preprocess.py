"""Before the network: from pictures as OpenCV gives them to what it was trained on."""

from __future__ import annotations

import hashlib
from typing import Literal

import torch
from torch import Tensor, nn

ColourOrder = Literal["rgb", "bgr"]


class PreprocessedNetwork(nn.Module):
    """A network that takes BGR pictures, its mean and deviation being buffers of the model.

    Every engine runs this whole module, so the pictures travel as bytes.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        colour_order: ColourOrder,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        *,
        any_size: bool = False,
    ) -> None:
        """Wrap ``network``.

        Args:
            network: takes float (N, 3, H, W), returns a tensor or a tuple of tensors.
            colour_order: the order of the network's three channels.
            mean: subtracted from each channel, for values of 0..1, in the network's order.
            std: divides each channel after that.
            any_size: a trace of the network at one size of pictures holds for all sizes, so an
                engine needs to convert it once only.
        """
        super().__init__()
        self.network = network
        self.colour_order = colour_order
        self.any_size = any_size
        self.register_buffer("mean", 255.0 * torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255.0 * torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def digest(self) -> str:
        """Return twelve hexadecimal digits of everything that the outputs depend on: all weights,
        mean and deviation, and the order of the colours."""
        total = hashlib.sha256(self.colour_order.encode())
        tensors = {**self.state_dict(), "mean": self.mean, "std": self.std}
        for name, tensor in tensors.items():
            total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            total.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return total.hexdigest()[:12]

    def forward(self, images_bgr: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the network's outputs for uint8 pictures (N, H, W, 3), blue-green-red."""
        planes = images_bgr.permute(0, 3, 1, 2)
        if self.colour_order == "rgb":
            planes = planes.flip(1)
        return self.network((planes.to(self.mean.dtype) - self.mean) / self.std)
