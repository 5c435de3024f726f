"""Depthwise convolutions whose gradient is fast on a CPU.

oneDNN's backward pass of a depthwise convolution in bfloat16 takes 20 to 100 times its forward
pass.
The gradient of the input is a forward convolution with the turned filter, so it is computed as one;
that of the filter is computed in float32, where oneDNN is quick, or not at all when it is frozen.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return functional.conv2d(x, weight, bias, stride, weight.shape[-1] // 2, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        stride, channels, padding = ctx.stride, len(weight), weight.shape[-1] // 2
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            spread = grad
            if stride > 1:
                spread = torch.zeros_like(x, dtype=grad.dtype)
                spread[:, :, ::stride, ::stride] = grad
            turned = weight.flip(-1, -2).to(grad.dtype)
            grad_x = functional.conv2d(spread, turned, None, 1, padding, groups=channels)
        if ctx.needs_input_grad[1]:
            grad_weight = torch.ops.aten.convolution_backward(
                grad.float(), x.float(), weight.float(), [channels], [stride] * 2, [padding] * 2,
                [1, 1], False, [0, 0], channels, [False, True, False],
            )[1]  # fmt: skip
        if ctx.needs_input_grad[2]:
            grad_bias = grad.sum((0, 2, 3), dtype=torch.float32)
        return grad_x, grad_weight, grad_bias, None


class FastDepthwise(nn.Conv2d):
    """A depthwise convolution with zero padding of half its filter; even sizes when it strides."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, C, h / stride, w / stride)."""
        if torch.is_autocast_enabled("cpu") and x.device.type == "cpu":
            x = x.to(torch.get_autocast_dtype("cpu"))
        return cast(Tensor, _Depthwise.apply(x, self.weight, self.bias, self.stride[0]))


def use_fast_depthwise(network: nn.Module) -> None:
    """Exchange every depthwise ``nn.Conv2d`` of ``network``; parameters and their names stay."""
    for module in network.modules():
        for name, child in module.named_children():
            if type(child) is nn.Conv2d and child.groups == child.in_channels > 1:
                channels, kernel = child.in_channels, child.kernel_size[0]
                fast = FastDepthwise(
                    channels, channels, kernel, child.stride[0], kernel // 2, groups=channels
                )
                fast.weight, fast.bias = child.weight, child.bias
                setattr(module, name, fast)
