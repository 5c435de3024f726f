"""Symmetric spatial transformer: exact inverses, gradients and what leaves the training."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from rmpe.sstn import (
    SpatialTransformer,
    SymmetricPose,
    apply_affine,
    centred_targets,
    identity_affine,
    invert_affine,
    warp,
)


class Blur(nn.Module):
    """A stand-in for a pose network: one convolution, stride 4, two joints."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 2, 4, stride=4)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(x)


@given(
    angle=st.floats(-3.1, 3.1),
    scales=st.tuples(st.floats(0.3, 3.0), st.floats(0.3, 3.0)),
    shift=st.tuples(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8)),
    point=st.tuples(st.floats(-50, 300), st.floats(-50, 300)),
)
def test_sdtn_undoes_stn(
    angle: float,
    scales: tuple[float, float],
    shift: tuple[float, float],
    point: tuple[float, float],
) -> None:
    turn = torch.tensor(angle)
    rotation = torch.stack(
        [torch.stack([turn.cos(), -turn.sin()]), torch.stack([turn.sin(), turn.cos()])]
    )
    theta = torch.cat(
        [rotation @ torch.diag(torch.tensor(scales)), torch.tensor(shift)[:, None]], 1
    )
    points = torch.tensor([[point]])
    there = SymmetricPose.to_transformed(points, theta[None], 256, 192)
    back = SymmetricPose.to_crop(there, theta[None], 256, 192)
    assert (back - points).abs().max() < 1e-3


def test_a_shift_by_hand() -> None:
    # θ3 = (0.5, 0) looks half a half-width to the right: target 0 shows source W/4.
    theta = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])
    moved = apply_affine(theta, torch.tensor([[[10.0, 20.0]]]), 64, 48)
    assert moved.tolist() == [[[22.0, 20.0]]]
    picture = torch.zeros(1, 1, 64, 48)
    picture[0, 0, 20, 22] = 1
    assert warp(picture, theta)[0, 0, 20, 10].item() == pytest.approx(1)


def test_a_map_onto_a_line_has_a_finite_inverse_and_gradient() -> None:
    theta = torch.tensor([[[1.0, 2.0, 0.1], [2.0, 4.0, 0.2]]], requires_grad=True)
    inverse = invert_affine(theta)
    inverse.sum().backward()
    assert torch.isfinite(inverse).all()
    assert theta.grad is not None and torch.isfinite(theta.grad).all()


@pytest.mark.parametrize("freedom", ["affine", "shift_scale"])
def test_the_transformer_starts_as_the_identity(freedom: str) -> None:
    transformer = SpatialTransformer(freedom).eval()
    theta = transformer(torch.rand(2, 3, 64, 48))
    assert torch.equal(theta, identity_affine(2, theta))


def test_untrained_the_whole_is_the_network_itself() -> None:
    torch.manual_seed(0)
    network = Blur()
    crops = torch.rand(2, 3, 64, 48)
    assert torch.allclose(SymmetricPose(network).eval()(crops), network(crops), atol=1e-5)


def test_both_branches_move_the_transformer_and_the_parallel_one_is_frozen() -> None:
    torch.manual_seed(0)
    whole = SymmetricPose(Blur())
    whole.enable_parallel_branch()
    crops = torch.rand(2, 3, 64, 48)
    main, parallel, theta = whole.supervised_outputs(crops)
    assert theta.shape == (2, 2, 3)
    for output in (main, parallel):
        whole.zero_grad()
        output.square().sum().backward(retain_graph=True)
        gradient = whole.transformer.numbers.bias.grad
        assert gradient is not None and gradient.abs().sum() > 0
    assert whole.network.convolution.weight.grad is None


def test_the_parallel_branch_is_not_saved() -> None:
    whole = SymmetricPose(Blur())
    keys = set(whole.state_dict())
    whole.enable_parallel_branch()
    assert set(whole.state_dict()) == keys


def test_the_parallel_branch_follows_to_another_type() -> None:
    whole = SymmetricPose(Blur())
    whole.enable_parallel_branch()
    whole.double()
    outputs = whole.supervised_outputs(torch.rand(1, 3, 64, 48, dtype=torch.float64))
    assert all(output.dtype == torch.float64 for output in outputs)


def test_centred_targets_by_hand() -> None:
    points = torch.tensor([[[0.0, 0.0], [10.0, 20.0], [500.0, 500.0]], [[1.0, 2.0]] * 3])
    visible = torch.tensor([[True, True, False], [False, False, False]])
    centred = centred_targets(points, visible, height=64, width=48)
    # The extent's middle (5, 10) moves to (23.5, 31.5); without joints nothing moves.
    assert centred[0, 0].tolist() == [18.5, 21.5]
    assert centred[0, 1].tolist() == [28.5, 41.5]
    assert torch.equal(centred[1], points[1])
