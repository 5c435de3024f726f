"""Symmetric spatial transformer: exact inverses, gradients and what leaves the training."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rmpe.sstn import (
    Freedom,
    SpatialTransformer,
    SymmetricPose,
    apply_affine,
    centred_targets,
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


def small(freedom: Freedom = "shift_scale") -> SpatialTransformer:
    """Look at 32x24 pixels, show 64x48."""
    return SpatialTransformer(2, freedom, channels=8, looked_at_hw=(32, 24), shown_hw=(64, 48))


def moved(whole: SymmetricPose) -> SymmetricPose:
    """Give the transformer something to say."""
    nn.init.normal_(whole.transformer.numbers.weight, std=0.05)
    return whole.eval()


@settings(deadline=None)
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
    whole = SymmetricPose(Blur(), SpatialTransformer(2))
    points = torch.tensor([[point]])
    for crop_hw in ((256, 192), (384, 288), (320, 200)):
        there = apply_affine(
            invert_affine(theta[None]), points, crop_hw, whole.transformer.shown_hw
        )
        back = whole.to_crop(there, theta[None], crop_hw)
        assert (back - points).abs().max() < 1e-3


def test_a_shift_by_hand() -> None:
    # θ3 = (0.5, 0) looks half a half-width to the right: target 0 shows source W/4.
    theta = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])
    moved = apply_affine(theta, torch.tensor([[[10.0, 20.0]]]), (64, 48), (64, 48))
    assert moved.tolist() == [[[22.0, 20.0]]]
    picture = torch.zeros(1, 1, 64, 48)
    picture[0, 0, 20, 22] = 1
    assert warp(picture, theta)[0, 0, 20, 10].item() == pytest.approx(1)


def test_the_middle_of_a_larger_crop_by_hand() -> None:
    # Half of 96x64 about the middle: the corner pixel of 48x32 is the crop's (24, 16).
    theta = torch.tensor([[[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]])
    corner = apply_affine(theta, torch.zeros(1, 1, 2), (48, 32), (96, 64))
    assert corner[0, 0].tolist() == pytest.approx([16.0, 24.0])
    picture = torch.rand(1, 1, 96, 64)
    assert torch.allclose(warp(picture, theta, (48, 32)), picture[:, :, 24:72, 16:48], atol=1e-5)


def test_a_map_onto_a_line_has_a_finite_inverse_and_gradient() -> None:
    theta = torch.tensor([[[1.0, 2.0, 0.1], [2.0, 4.0, 0.2]]], requires_grad=True)
    inverse = invert_affine(theta)
    inverse.sum().backward()
    assert torch.isfinite(inverse).all()
    assert theta.grad is not None and torch.isfinite(theta.grad).all()


@pytest.mark.parametrize("freedom", ["affine", "shift_scale"])
def test_the_transformer_starts_as_the_middle_of_the_crop(freedom: Freedom) -> None:
    maps = torch.rand(2, 2, 8, 6)
    theta = small(freedom).eval()(maps, (64, 48))
    assert torch.equal(theta, torch.eye(2, 3).expand(2, 2, 3))
    theta = small(freedom).eval()(maps, (96, 64))
    assert theta.flatten(1)[0].tolist() == pytest.approx([0.75, 0, 0, 0, 2 / 3, 0])


def test_untrained_the_whole_is_the_network_itself() -> None:
    torch.manual_seed(0)
    network = Blur()
    crops = torch.rand(2, 3, 64, 48)
    whole = SymmetricPose(network, small()).eval()
    assert torch.allclose(whole(crops), network(crops), atol=1e-5)


def test_maps_come_back_in_the_frame_of_a_larger_crop() -> None:
    whole = SymmetricPose(Blur(), small()).eval()
    maps = torch.zeros(1, 2, 16, 12)
    maps[:, :, 4, 3] = 1
    # The middle 64x48 of a crop of 96x72: cells move by (24 - 16) / 2 rows, (18 - 12) / 2 columns.
    theta = torch.tensor([[[2 / 3, 0.0, 0.0], [0.0, 2 / 3, 0.0]]])
    back = whole.to_crop_maps(maps - 5, theta, (96, 72))
    assert back.shape == (1, 2, 24, 18)
    assert back[0, 0, 8, 6].item() == pytest.approx(-4)
    assert back[0, 0, 0, 0].item() == pytest.approx(-5)


def test_both_branches_move_the_transformer_and_the_parallel_one_is_frozen() -> None:
    torch.manual_seed(0)
    whole = moved(SymmetricPose(Blur(), small()))
    whole.enable_parallel_branch()
    crops = torch.rand(2, 3, 64, 48)
    main, parallel, theta = whole.supervised_outputs(crops)
    assert theta.shape == (2, 2, 3)
    for output in (main, parallel):
        whole.zero_grad()
        output.square().sum().backward(retain_graph=True)
        gradient = whole.transformer.numbers.bias.grad
        assert gradient is not None and gradient.abs().sum() > 0
    (branch,) = whole._parallel
    assert branch is not whole.network
    assert all(not p.requires_grad and p.grad is None for p in branch.parameters())


def test_a_frozen_network_is_its_own_parallel_branch() -> None:
    whole = moved(SymmetricPose(Blur().requires_grad_(False), small()))
    whole.enable_parallel_branch()
    main, parallel, _ = whole.supervised_outputs(torch.rand(1, 3, 64, 48))
    assert torch.equal(main, parallel)
    parallel.square().sum().backward()
    gradient = whole.transformer.numbers.bias.grad
    assert gradient is not None and gradient.abs().sum() > 0


def test_the_parallel_branch_is_not_saved() -> None:
    whole = SymmetricPose(Blur(), small())
    keys = set(whole.state_dict())
    whole.enable_parallel_branch()
    assert set(whole.state_dict()) == keys


def test_the_parallel_branch_follows_to_another_type() -> None:
    whole = SymmetricPose(Blur(), small())
    whole.enable_parallel_branch()
    whole.double()
    outputs = whole.supervised_outputs(torch.rand(1, 3, 64, 48, dtype=torch.float64))
    assert all(output.dtype == torch.float64 for output in outputs)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_the_whole_runs_in_other_precisions(kind: torch.dtype) -> None:
    torch.manual_seed(0)
    whole = moved(SymmetricPose(Blur(), small()))
    crops = torch.rand(2, 3, 96, 72)
    with torch.no_grad():
        wanted = whole(crops)
        found = whole.to(kind)(crops.to(kind))
    assert found.dtype == kind
    assert (found.float() - wanted).abs().max() < 0.1


def test_nobody_gives_no_maps() -> None:
    whole = SymmetricPose(Blur(), small()).eval()
    with torch.no_grad():
        maps, theta = whole.estimate(torch.zeros(0, 3, 96, 72))
        assert maps.shape == (0, 2, 16, 12)
        assert theta.shape == (0, 2, 3)
        assert whole(torch.zeros(0, 3, 96, 72)).shape == (0, 2, 24, 18)


def test_equal_crops_have_equal_transforms_whoever_is_beside_them() -> None:
    torch.manual_seed(0)
    whole = moved(SymmetricPose(Blur(), small()))
    crop, other = torch.rand(1, 3, 96, 72), torch.rand(1, 3, 96, 72)
    with torch.no_grad():
        alone = whole(crop)
        together = whole(torch.cat([crop, crop, other]))
    assert torch.allclose(together[0], alone[0], atol=1e-5)
    assert torch.equal(together[0], together[1])


def test_an_empty_picture_gives_finite_maps() -> None:
    whole = moved(SymmetricPose(Blur(), small()))
    with torch.no_grad():
        assert torch.isfinite(whole(torch.zeros(1, 3, 96, 72))).all()


def test_centred_targets_by_hand() -> None:
    points = torch.tensor([[[0.0, 0.0], [10.0, 20.0], [500.0, 500.0]], [[1.0, 2.0]] * 3])
    visible = torch.tensor([[True, True, False], [False, False, False]])
    centred = centred_targets(points, visible, height=64, width=48)
    # The extent's middle (5, 10) moves to (23.5, 31.5); without joints nothing moves.
    assert centred[0, 0].tolist() == [18.5, 21.5]
    assert centred[0, 1].tolist() == [28.5, 41.5]
    assert torch.equal(centred[1], points[1])
