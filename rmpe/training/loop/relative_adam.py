"""Adam whose steps are relative to the size of what they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class RelativeAdam(torch.optim.Optimizer):
    """Adam with a step in proportion to each filter's own root mean square.

    In a network whose batch norms are folded, filters differ in size by a factor of hundreds: one
    absolute rate leaves some at rest and destroys others. Here a rate of 0.002 moves every filter
    by about 0.2 % a step. Vectors (biases) move by the rate itself, their unit being that of the
    activations. The sizes are those at the start and stay in the state, so a resumed run goes on
    alike.

    Kingma and Ba, "Adam", 2015, with bias correction; the relative step as in Adafactor (Shazeer
    and Stern, 2018, section 8).
    """

    def __init__(
        self,
        params: Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.99),
        eps: float = 1e-8,
    ) -> None:
        """``params``: groups, each may have its own ``lr``."""
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            first, second = group["betas"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["step"] = 0
                    state["mean"] = torch.zeros_like(parameter)
                    state["square"] = torch.zeros_like(parameter)
                    state["size"] = _filter_size(parameter)
                state["step"] += 1
                state["mean"].lerp_(parameter.grad, 1 - first)
                state["square"].mul_(second).addcmul_(
                    parameter.grad, parameter.grad, value=1 - second
                )
                corrected = (state["square"] / (1 - second ** state["step"])).sqrt_()
                rate = group["lr"] / (1 - first ** state["step"])
                update = state["mean"] / corrected.add_(group["eps"])
                parameter.sub_(update.mul_(state["size"]), alpha=rate)
        return loss


def _filter_size(parameter: Tensor) -> Tensor:
    """Root mean square of each output filter, (out, 1, ...); 1 for a vector.

    A filter that starts at zero takes the layer's mean size, or 0.05 when all of it is zero.
    """
    if parameter.ndim < 2:
        return torch.ones((), dtype=parameter.dtype, device=parameter.device)
    axes = tuple(range(1, parameter.ndim))
    size = parameter.pow(2).mean(axes, keepdim=True).sqrt()
    fallback = float(size.mean()) or 0.05
    return torch.where(size < 0.05 * fallback, torch.full_like(size, fallback), size)
