"""Losses over the cells of a joint's map."""

import math

import torch

from rmpe.training.losses.cells import cell_targets, spatial_cross_entropy, spatial_divergence


def test_targets_are_distributions_centred_on_the_joint() -> None:
    keypoints = torch.tensor([[[41.0, 82.5], [100.0, 33.0]]])
    targets = cell_targets(keypoints, 64, 48, sigma=1.0)
    torch.testing.assert_close(targets.sum((2, 3)), torch.ones(1, 2))
    x = (targets.sum(2) * torch.arange(48.0)).sum(-1)
    y = (targets.sum(3) * torch.arange(64.0)).sum(-1)
    # Cell c has its centre at input pixel 4c + 1.5.
    torch.testing.assert_close(4 * x + 1.5, keypoints[..., 0], atol=1e-2, rtol=0)
    torch.testing.assert_close(4 * y + 1.5, keypoints[..., 1], atol=1e-2, rtol=0)


def test_flat_logits_cost_the_logarithm_of_the_number_of_cells() -> None:
    targets = cell_targets(torch.tensor([[[10.0, 10.0]]]), 8, 6, 1.0)
    loss = spatial_cross_entropy(torch.zeros(1, 1, 8, 6), targets, torch.ones(1, 1))
    torch.testing.assert_close(loss, torch.tensor(math.log(48)))


def test_joints_without_weight_teach_nothing() -> None:
    targets = cell_targets(torch.tensor([[[10.0, 10.0], [3.0, 3.0]]]), 8, 6, 1.0)
    logits = torch.randn(1, 2, 8, 6).requires_grad_()
    spatial_cross_entropy(logits, targets, torch.tensor([[1.0, 0.0]])).backward()
    assert logits.grad[0, 0].abs().sum() > 0
    assert logits.grad[0, 1].abs().sum() == 0
    assert spatial_cross_entropy(logits, targets, torch.zeros(1, 2)) == 0


def test_divergence_is_zero_for_equal_distributions_and_ln_two_for_a_halved_one() -> None:
    logits = torch.randn(1, 1, 2, 2)
    weights = torch.ones(1, 1)
    # An offset of all logits changes nothing.
    same = spatial_divergence(logits + 3.0, logits, weights)
    torch.testing.assert_close(same, torch.tensor(0.0), atol=1e-6, rtol=0)
    certain = torch.tensor([[[[0.0, -80.0], [-80.0, -80.0]]]])
    half = torch.tensor([[[[0.0, 0.0], [-80.0, -80.0]]]])
    torch.testing.assert_close(
        spatial_divergence(half, certain, weights), torch.tensor(math.log(2))
    )
