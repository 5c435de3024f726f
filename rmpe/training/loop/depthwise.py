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
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return functional.conv2d(x, weight, bias, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        stride, channels, padding = ctx.stride, len(weight), ctx.padding
        reach = weight.shape[-1] - 1
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            spread = grad
            if stride > 1:
                rows, columns = (side + 2 * padding - reach for side in x.shape[-2:])
                spread = grad.new_zeros((*grad.shape[:2], rows, columns))
                spread[:, :, ::stride, ::stride] = grad
            turned = weight.flip(-1, -2).to(grad.dtype)
            grad_x = functional.conv2d(spread, turned, None, 1, reach - padding, groups=channels)
        if ctx.needs_input_grad[1]:
            grad_weight = torch.ops.aten.convolution_backward(
                grad.float(), x.float(), weight.float(), [channels], [stride] * 2, [padding] * 2,
                [1, 1], False, [0, 0], channels, [False, True, False],
            )[1]  # fmt: skip
        if ctx.needs_input_grad[2]:
            grad_bias = grad.sum((0, 2, 3), dtype=torch.float32)
        return grad_x, grad_weight, grad_bias, None, None


class FastDepthwise(nn.Conv2d):
    """A depthwise convolution; its sides and stride leave no remainder."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, C, h / stride, w / stride)."""
        if torch.is_autocast_enabled("cpu") and x.device.type == "cpu":
            x = x.to(torch.get_autocast_dtype("cpu"))
        stride, padding = self.stride[0], int(self.padding[0])
        return cast(Tensor, _Depthwise.apply(x, self.weight, self.bias, stride, padding))


def use_fast_depthwise(network: nn.Module) -> None:
    """Exchange every depthwise ``nn.Conv2d`` of ``network``; parameters and their names stay."""
    for module in network.modules():
        for name, child in module.named_children():
            if type(child) is nn.Conv2d and child.groups == child.in_channels > 1:
                channels, padding = child.in_channels, int(child.padding[0])
                fast = FastDepthwise(
                    channels, channels, child.kernel_size[0], child.stride[0], padding,
                    groups=channels, bias=child.bias is not None,
                )  # fmt: skip
                fast.weight, fast.bias = child.weight, child.bias
                setattr(module, name, fast)
