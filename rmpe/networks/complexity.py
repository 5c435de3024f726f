"""Parameters and multiply-adds of a network.

One multiply-add counts one; convolutions, transposed and deformable convolutions and linear layers
count, biases, norms, activations and resizes do not. Papers mostly call this number "GFLOPs".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from torchvision.ops import DeformConv2d


class MacCounter:
    """Multiply-adds per picture of the layers that ran; see :func:`counting_macs`.

    ``macs`` is everything, ``transposed_macs`` the transposed convolutions' share.
    """

    def __init__(self) -> None:
        self.macs = 0
        self.transposed_macs = 0

    def _add(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        weight = module.weight
        assert isinstance(weight, Tensor)
        # A transposed convolution uses each weight once for every input pixel, the others (in
        # whose weight one channel dimension is the output's) once for every output value.
        if isinstance(module, nn.ConvTranspose2d):
            macs = math.prod(inputs[0].shape[1:]) * weight[0].numel()
            self.transposed_macs += macs
        else:
            macs = math.prod(output.shape[1:]) * weight[0].numel()
        self.macs += macs


@contextmanager
def counting_macs(network: nn.Module) -> Iterator[MacCounter]:
    """Count the multiply-adds of every forward pass of ``network`` inside the block."""
    counter = MacCounter()
    counted = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, DeformConv2d)
    handles: list[RemovableHandle] = [
        module.register_forward_hook(counter._add)
        for module in network.modules()
        if isinstance(module, counted)
    ]
    try:
        yield counter
    finally:
        for handle in handles:
            handle.remove()


def count_macs(network: nn.Module, input_height: int, input_width: int) -> MacCounter:
    """Multiply-adds for one (1, 3, input_height, input_width) picture.

    The network runs on a batch of no pictures, so nothing is computed.
    """
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    try:
        with counting_macs(network) as counter, torch.inference_mode():
            network(torch.empty(0, 3, input_height, input_width, device=device))
    finally:
        network.train(was_training)
    return counter


def count_parameters(network: nn.Module) -> int:
    """Number of trainable values; running statistics of norms are not."""
    return sum(parameter.numel() for parameter in network.parameters())
