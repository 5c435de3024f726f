"""RelativeAdam: a step is a part of the filter's own size."""

import torch

from rmpe.training.loop.relative_adam import RelativeAdam


def test_first_step_moves_each_filter_by_the_rate_times_its_size() -> None:
    weight = torch.nn.Parameter(torch.tensor([[3.0, 4.0], [0.3, -0.4]]))
    before = weight.detach().clone()
    optimiser = RelativeAdam([{"params": [weight]}], lr=0.01)
    weight.grad = torch.tensor([[1.0, -2.0], [5.0, 0.1]])
    optimiser.step()
    # Adam's first update is the gradient's sign; root mean squares are sqrt(12.5), sqrt(0.125).
    size = torch.tensor([[12.5**0.5], [0.125**0.5]])
    expected = before - 0.01 * size * torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    torch.testing.assert_close(weight.detach(), expected)


def test_a_bias_moves_by_the_rate() -> None:
    bias = torch.nn.Parameter(torch.zeros(3))
    optimiser = RelativeAdam([{"params": [bias]}], lr=0.01)
    bias.grad = torch.tensor([2.0, -0.5, 4.0])
    optimiser.step()
    torch.testing.assert_close(bias.detach(), torch.tensor([-0.01, 0.01, -0.01]))


def test_a_filter_that_starts_at_zero_can_leave_it() -> None:
    weight = torch.nn.Parameter(torch.zeros(2, 3))
    optimiser = RelativeAdam([{"params": [weight]}], lr=0.1)
    weight.grad = torch.ones(2, 3)
    optimiser.step()
    torch.testing.assert_close(weight.detach(), torch.full((2, 3), -0.1 * 0.05))


def test_it_finds_the_bottom_of_a_bowl() -> None:
    weight = torch.nn.Parameter(torch.tensor([[5.0, -3.0]]))
    optimiser = RelativeAdam([{"params": [weight]}], lr=0.02)
    for _ in range(400):
        optimiser.zero_grad()
        ((weight - torch.tensor([[1.0, 2.0]])) ** 2).sum().backward()
        optimiser.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([[1.0, 2.0]]), atol=0.1, rtol=0)
