"""Fast depthwise convolutions: the values and gradients are torch's own."""

import pytest
import torch
from torch import nn

from rmpe.training.loop.depthwise import FastDepthwise, use_fast_depthwise


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "side"),
    [(3, 1, 1, 12), (5, 1, 2, 12), (3, 2, 1, 12), (5, 2, 2, 12), (3, 2, 0, 13)],
)
def test_values_and_gradients_equal_torchs(
    kernel: int, stride: int, padding: int, side: int
) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 6, kernel, stride, padding, groups=6)
    fast = FastDepthwise(6, 6, kernel, stride, padding, groups=6)
    fast.load_state_dict(plain.state_dict())
    inputs = [torch.randn(2, 6, side, side - 4).requires_grad_() for _ in range(2)]
    inputs[1].data.copy_(inputs[0].data)
    slope = torch.randn_like(plain(inputs[0]))
    (plain(inputs[0]) * slope).sum().backward()
    (fast(inputs[1]) * slope).sum().backward()
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad)
    torch.testing.assert_close(fast.weight.grad, plain.weight.grad)
    torch.testing.assert_close(fast.bias.grad, plain.bias.grad)


def test_only_depthwise_layers_are_exchanged_and_names_stay() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3, padding=1, groups=4))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    use_fast_depthwise(network)
    assert [type(layer) for layer in network] == [nn.Conv2d, FastDepthwise]
    after = network.state_dict()
    assert list(after) == list(before)
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor)


def test_frozen_filters_get_no_gradient() -> None:
    fast = FastDepthwise(2, 2, 3, 1, 1, groups=2)
    fast.weight.requires_grad_(False)
    fast(torch.ones(1, 2, 4, 4)).sum().backward()
    assert fast.weight.grad is None
    torch.testing.assert_close(fast.bias.grad, torch.full((2,), 16.0))
