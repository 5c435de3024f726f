"""Averaged weights: what a run scores and writes."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """Return the exponential average of a network's weights over the steps; ``.module`` is it.

    It forgets faster at the start, so that a short run's average is not its beginning. Buffers are
    the network's latest.

    Args:
        network: what is trained; the average begins as a copy.
        decay: share of the average that a late step keeps.
    """

    def mix(mean: Tensor, value: Tensor, steps: Tensor | int) -> Tensor:
        return mean.lerp(value, 1 - min(decay, (1 + float(steps)) / (10 + float(steps))))

    average = AveragedModel(network, avg_fn=mix)
    average.requires_grad_(False)
    return average
