"""Which weights learn, and the file they end in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn


def freeze(network: nn.Module, parts: Sequence[str], depthwise: bool = False) -> None:
    """Switch off the gradients of some parts, named by the path to them, and of depthwise filters.

    Args:
        network: changed in place.
        parts: names of modules, such as ``stem`` or ``backbone.stem``.
        depthwise: whether the filters of all depthwise convolutions stay as they are too.

    Raises:
        ValueError: the network has no such part.
    """
    modules = dict(network.named_modules())
    for name in parts:
        if name not in modules:
            known = ", ".join(child for child, _ in network.named_children())
            raise ValueError(f"got the frozen part {name!r}, {type(network).__name__} has {known}")
        modules[name].requires_grad_(False)
    if depthwise:
        for module in network.modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                module.weight.requires_grad_(False)


def save_weights(
    network: nn.Module,
    path: Path | str,
    metadata: Mapping[str, str] | None = None,
    *,
    half: bool = False,
) -> None:
    """Write a network's weights as safetensors, float32 or with ``half`` float16.

    Raises OSError when the file cannot be written.
    """
    state = {
        name: _stored(value.detach().cpu(), half) for name, value in network.state_dict().items()
    }
    save_file(state, str(path), metadata=None if metadata is None else dict(metadata))


def _stored(value: torch.Tensor, half: bool) -> torch.Tensor:
    value = value.half() if half and value.is_floating_point() else value
    return value.contiguous().clone()
