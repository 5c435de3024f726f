"""SimCC's columns and rows: hand-worked cases, and mmpose's numbers where they are at hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from rmpe.geometry.crop import HRNET, CropTransform
from rmpe.heatmaps import SimccCodec, decode_with_flip, get_codec
from rmpe.training.losses.simcc import simcc_loss


def one_joint(x: float, y: float) -> Tensor:
    """One person's one joint."""
    return torch.tensor([[[x, y]]])


def test_a_target_is_a_gaussian_around_the_rounded_bin() -> None:
    codec = SimccCodec(sigma_xy=(2.0, 3.0))
    columns, rows, weights = codec.encode_rows(one_joint(10.26, 4.25), torch.ones(1, 1), 8, 16)
    assert columns.shape == (1, 1, 32)
    assert rows.shape == (1, 1, 16)
    # 2 * 10.26 rounds to 21, 2 * 4.25 = 8.5 to the even 8.
    assert columns[0, 0].argmax() == 21
    assert rows[0, 0].argmax() == 8
    assert columns[0, 0, 25] == pytest.approx(math.exp(-(4**2) / (2 * 2.0**2)), rel=1e-6)
    assert rows[0, 0, 2] == pytest.approx(math.exp(-(6**2) / (2 * 3.0**2)), rel=1e-6)
    assert weights.tolist() == [[1.0]]


def test_a_normalised_target_sums_to_about_one() -> None:
    codec = SimccCodec(sigma_xy=(3.0, 3.0), normalize=True)
    columns, _, _ = codec.encode_rows(one_joint(32, 32), torch.ones(1, 1), 64, 64)
    assert float(columns.sum()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("x", "weight", "kept_weight", "filled"),
    [
        (10.0, 1.0, 1.0, True),
        (10.0, 0.4, 0.4, False),  # hidden: empty, its weight as given
        (18.5, 1.0, 1.0, True),  # bin 37, and 37 - 3 * 2 = 31 is the last of 32
        (19.0, 1.0, 0.0, False),  # bin 38: 32 is beyond
        (-3.5, 1.0, 1.0, True),  # bin -7: -7 + 6 + 1 = 0 still touches
        (-4.0, 1.0, 0.0, False),
    ],
)
def test_a_joint_counts_as_long_as_its_gaussian_touches_the_input(
    x: float, weight: float, kept_weight: float, filled: bool
) -> None:
    codec = SimccCodec(sigma_xy=(2.0, 2.0))
    columns, rows, weights = codec.encode_rows(one_joint(x, 8), torch.tensor([[weight]]), 16, 16)
    assert float(weights) == pytest.approx(kept_weight)
    assert bool(columns.any()) is filled
    assert bool(rows.any()) is filled


def test_reading_takes_the_best_bins_and_the_smaller_maximum() -> None:
    columns, rows = torch.zeros(1, 2, 8), torch.zeros(1, 2, 12)
    columns[0, 0, 5], rows[0, 0, 7] = 0.75, 0.5
    columns[0, 1, 3] = 0.9  # no positive row
    xy, scores = SimccCodec().decode_rows(columns, rows)
    assert xy[0].tolist() == [[2.5, 3.5], [-0.5, -0.5]]
    assert scores[0].tolist() == [0.5, 0.0]


def test_joined_rows_come_apart_and_are_read_alike() -> None:
    torch.manual_seed(0)
    codec = SimccCodec()
    columns, rows = torch.randn(3, 4, 24), torch.randn(3, 4, 32)
    joined = codec.join((columns, rows))
    assert joined.shape == (3, 4, 2, 32)
    apart = codec.split(joined)
    assert torch.equal(apart[0], columns)
    assert torch.equal(apart[1], rows)
    for one, other in zip(codec.decode(joined), codec.decode_rows(columns, rows)):
        assert torch.equal(one, other)
    assert codec.decode(joined[:0])[0].shape == (0, 4, 2)


def test_the_flip_test_turns_columns_and_exchanges_partners() -> None:
    codec = SimccCodec()
    columns, rows = torch.zeros(1, 2, 8), torch.zeros(1, 2, 8)
    columns[0, :, 2], rows[0, :, 3] = 1.0, 1.0
    mirrored_columns, mirrored_rows = torch.zeros(1, 2, 8), torch.zeros(1, 2, 8)
    mirrored_columns[0, 1, 7 - 4], mirrored_rows[0, 1, 3] = 3.0, 1.0  # partner of joint 0
    mirrored_columns[0, 0, 7 - 2], mirrored_rows[0, 0, 3] = 1.0, 1.0
    xy, scores = decode_with_flip(
        codec,
        codec.join((columns, rows)),
        codec.join((mirrored_columns, mirrored_rows)),
        np.array([1, 0]),
    )
    assert xy[0].tolist() == [[2.0, 1.5], [1.0, 1.5]]
    assert scores[0].tolist() == [1.0, 1.0]


def test_outputs_that_are_no_two_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="a SimCC network has two"):
        SimccCodec().join((torch.zeros(1, 17, 64, 48),))


def test_the_loss_of_a_hand_worked_case() -> None:
    # Two bins, target (1, 0) and logits (0, 0), plain: KL = 1 * (log 1 - log 1/2) = log 2, mean
    # over the bins log(2) / 2, on both axes; two joints, one of weight 0, divided by K = 2.
    zeros, wanted = torch.zeros(1, 2, 2), torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    weights = torch.tensor([[1.0, 0.0]])
    loss = simcc_loss((zeros, zeros), (wanted, wanted), weights, beta=1.0, target_beta=None)
    assert float(loss) == pytest.approx(math.log(2) / 2, rel=1e-6)
    assert float(simcc_loss((wanted, wanted), (wanted, wanted))) == pytest.approx(0.0, abs=1e-7)


CASES = ["coco_256x192_a", "coco_384x288_a", "normalized_256x192_a"]


@pytest.mark.parametrize("name", CASES)
def test_mmpose_is_reproduced(name: str, shared_dir: Path) -> None:
    case = np.load(shared_dir / "reference/algorithms/simcc" / f"{name}.npz")
    width, height = (int(side) for side in case["input_size"])
    sigma = np.broadcast_to(case["sigma"], 2)
    codec = SimccCodec(
        sigma_xy=(float(sigma[0]), float(sigma[1])), normalize=bool(case["normalize"])
    )
    if name.startswith("coco"):
        assert codec == get_codec("simcc" if height == 256 else "simcc_384")
    columns, rows, weights = codec.encode_rows(
        torch.from_numpy(case["keypoints"]), torch.from_numpy(case["visible"]), height, width
    )
    np.testing.assert_allclose(columns[..., ::4], case["out_x_labels"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(rows[..., ::4], case["out_y_labels"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(columns.double().sum(-1), case["out_x_label_sums"], atol=1e-4)
    np.testing.assert_allclose(weights, case["out_weights"], rtol=0, atol=1e-6)

    def logits(key: str) -> Tensor:
        return torch.from_numpy(case[key].astype(np.float32)) * 2.0**-10

    found = logits("x_q"), logits("y_q")
    xy, scores = codec.decode_rows(*found)
    np.testing.assert_allclose(xy, case["out_keypoints"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(scores, case["out_scores"], rtol=0, atol=1e-6)

    permutation = np.arange(17)
    permutation[case["flip_pairs"][:, 0]] = case["flip_pairs"][:, 1]
    permutation[case["flip_pairs"][:, 1]] = case["flip_pairs"][:, 0]
    mirrored = codec.join((logits("flip_x_q"), logits("flip_y_q")))
    xy, scores = decode_with_flip(codec, codec.join(found), mirrored, permutation)
    np.testing.assert_allclose(xy, case["out_flip_keypoints"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(scores, case["out_flip_scores"], rtol=0, atol=1e-6)

    transforms = [CropTransform.from_person_box(b, height, width, HRNET) for b in case["boxes"]]
    for transform, warp in zip(transforms, case["out_warp"]):
        np.testing.assert_allclose(transform.matrix, warp, rtol=0, atol=1e-3)
    on_image = [t.to_image(points) for t, points in zip(transforms, xy.numpy())]
    np.testing.assert_allclose(on_image, case["out_flip_image_keypoints"], rtol=0, atol=1e-3)

    targets = columns, rows
    for beta, target_beta, weighted, key in (
        (10.0, 10.0, True, "beta10_label_softmax"),
        (1.0, 10.0, True, "beta1_label_softmax"),
        (1.0, None, True, "beta1_plain"),
        (10.0, 10.0, False, "beta10_label_softmax_unweighted"),
    ):
        loss = simcc_loss(
            found, targets, weights if weighted else None, beta=beta, target_beta=target_beta
        )
        assert float(loss) == pytest.approx(float(case[f"out_loss_{key}"]), abs=1e-6), key
