"""Codecs against plain loops, formulas and cases worked by hand."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from benchmarks import bench_decode
from rmpe.heatmaps import CODECS, decode_with_flip, flip_average, get_codec, soft_argmax
from rmpe.heatmaps._gaussian import blur_matrix, gaussian_kernel
from rmpe.heatmaps._two_highest import two_highest
from rmpe.heatmaps.compact import OVER_CELLS, CompactCodec
from rmpe.heatmaps.flip import unflip
from rmpe.heatmaps.integral import IntegralCodec
from rmpe.heatmaps.megvii import SmoothedCodec

SIZES = [(4, 17, 64, 48), (2, 17, 96, 72), (3, 16, 64, 64), (2, 3, 20, 12)]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The benchmark, which holds the loops written from the descriptions."""
    return bench_decode


HEATMAP_CODECS = sorted(name for name in CODECS if not name.startswith("simcc"))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["alphapose", "hrnet", "mspn", "mspn_mpii", "cpn"])
def test_the_loop_gives_the_same(bench: ModuleType, name: str, size: tuple[int, int]) -> None:
    peak, loop = {case[0]: case[1:] for case in bench.CASES}[name]
    maps = bench.make_maps(*size, peak=peak, seed=3)
    xy, scores = get_codec(name).decode(torch.from_numpy(maps))
    expected_xy, expected_scores = loop(maps)
    np.testing.assert_allclose(xy, expected_xy, rtol=0, atol=1e-4)
    np.testing.assert_allclose(scores, expected_scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["mspn", "mspn_mpii", "cpn"])
@pytest.mark.parametrize("kind", ["noise", "border", "negative", "two"])
def test_odd_maps_give_what_the_loop_gives(bench: ModuleType, name: str, kind: str) -> None:
    random = np.random.default_rng(7)
    maps: Any = random.normal(0, 20, (3, 5, 24, 18)).astype(np.float32)
    if kind == "border":
        maps = np.zeros_like(maps)
        for k, (y, x) in enumerate([(0, 0), (0, 17), (23, 0), (23, 17), (0, 9)]):
            maps[:, k, y, x] = 200
            maps[:, k] += random.uniform(0, 0.1, (3, 24, 18))
    elif kind == "negative":
        maps = -np.abs(maps) - 1
    elif kind == "two":
        maps = np.abs(maps) * 0.01
        maps[:, :, 5, 5] = 200
        maps[:, :, 18, 12] = 199
    _, loop = {case[0]: case[1:] for case in bench.CASES}[name]
    xy, scores = get_codec(name).decode(torch.from_numpy(maps))
    expected_xy, expected_scores = loop(maps)
    np.testing.assert_allclose(xy, expected_xy, rtol=0, atol=1e-3)
    np.testing.assert_allclose(scores, expected_scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [1, 3, 5, 7, 9, 11, 15, 21, 23])
def test_gaussian_kernel_is_opencvs(size: int) -> None:
    weights = gaussian_kernel(size)
    assert sum(weights) == pytest.approx(1)
    if size != 9:  # fixed in newer releases only
        np.testing.assert_allclose(weights, cv2.getGaussianKernel(size, 0)[:, 0], atol=1e-9)
    with pytest.raises(ValueError, match="odd"):
        gaussian_kernel(size + 1)


@pytest.mark.parametrize(("length", "size", "padding"), [(12, 5, 0), (12, 21, 10), (3, 7, 0)])
def test_blur_matrix_is_opencvs_blur(length: int, size: int, padding: int) -> None:
    signal = np.random.default_rng(0).normal(size=(length, 1))
    padded = np.pad(signal, ((padding, padding), (0, 0)))
    expected = cv2.GaussianBlur(np.repeat(padded, 5, 1), (1, size), 0)[:, 0]
    found = blur_matrix(length, size, padding) @ torch.from_numpy(signal[:, 0]).float()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_wider_kernels_than_the_border_are_refused() -> None:
    with pytest.raises(ValueError, match="up to 21"):
        two_highest(torch.zeros(1, 5, 5), 23)


def one_map(cells: dict[tuple[int, int], float], height: int = 8, width: int = 6) -> torch.Tensor:
    """Return a map (1, 1, height, width) with values at (x, y)."""
    heat = torch.zeros(1, 1, height, width)
    for (x, y), value in cells.items():
        heat[0, 0, y, x] = value
    return heat


@pytest.mark.parametrize(
    ("name", "cells", "xy"),
    [
        ("hrnet", {(3, 3): 1, (4, 3): 0.5, (3, 2): 0.2}, (3.25, 2.75)),
        ("hrnet", {(3, 3): 1, (4, 3): 0.5, (2, 3): 0.5}, (3, 3)),
        ("hrnet", {(1, 3): 1, (2, 3): 0.5}, (1, 3)),
        ("hrnet", {(4, 6): 1, (3, 6): 0.5, (4, 7): 0.5}, (3.75, 6.25)),
        ("hrnet", {(5, 3): 1, (4, 3): 0.5}, (5, 3)),
        ("hrnet", {(3, 3): 1, (3, 5): 1}, (3, 3)),
        ("hrnet", {(3, 3): -1}, (0, 0)),
        ("alphapose_2018", {(1, 3): 1, (2, 3): 0.5, (1, 4): 0.5}, (1.45, 3.45)),
        ("alphapose_2018", {(0, 3): 1, (1, 3): 0.5}, (0.2, 3.2)),
        ("alphapose_2018", {}, (0.2, 0.2)),
        ("hourglass", {(3, 3): 1, (4, 3): 0.5}, (3.75, 3.25)),
        ("hourglass", {(3, 3): 1, (3, 4): 0.5, (3, 2): 0.5}, (3.25, 3.25)),
        ("hourglass", {(0, 0): 1}, (0.25, 0.25)),
        ("hourglass", {(2, 3): 1.5, (4, 4): 3.0}, (2.25, 3.25)),
        ("mmpose_megvii", {(3, 3): 255, (4, 3): 100, (3, 4): 90}, (3.75, 3.75)),
        ("mmpose_megvii", {(3, 3): 255, (2, 3): 100, (4, 3): 100}, (3.5, 3.5)),
        ("mmpose_megvii", {(1, 3): 255}, (1, 3)),
        ("mmpose_megvii", {}, (-1, -1)),
    ],
)
def test_quarter_rules_by_hand(name: str, cells: dict[str, Any], xy: tuple[float, ...]) -> None:
    found, _ = get_codec(name).decode(one_map(cells))
    np.testing.assert_allclose(found[0, 0] / 4, xy, atol=1e-6)


def test_scores_by_hand() -> None:
    heat = one_map({(3, 3): 2.0})
    assert get_codec("hrnet").decode(heat)[1].item() == 2.0
    assert get_codec("hourglass").decode(heat)[1].item() == 1.0
    assert get_codec("mspn").decode(heat * 51)[1].item() == pytest.approx(0.9)
    assert get_codec("mmpose_megvii").decode(heat * 51)[1].item() == pytest.approx(0.9)
    assert get_codec("dark").decode(heat)[1].item() == 2.0
    sigmoid = CompactCodec(activation="sigmoid")
    compact = one_map({(3, 3): 2.0}) - 1.0
    assert sigmoid.decode(compact)[1].item() == pytest.approx(1 / (1 + math.exp(-1)))


def test_compact_score_is_the_logistic_of_the_blurred_peaks_logarithm() -> None:
    codec = CompactCodec(sigma=1.0, blur_sigma=0.0, score_slope=2.0, score_offset=0.5)
    # One cell holds all: its probability is 1, a perfect Gaussian's peak 1 / (2 pi).
    certain = one_map({(3, 3): 60.0})
    expected = 1 / (1 + math.exp(-(2 * math.log(2 * math.pi) + 0.5)))
    assert codec.decode(certain)[1].item() == pytest.approx(expected)


def test_compact_blur_joins_the_halves_of_a_split_peak() -> None:
    # Two neighbours of 0.3 each outweigh a lone cell of 0.4 once they are blurred.
    split = one_map({(1, 3): math.log(0.3), (2, 3): math.log(0.3), (5, 3): math.log(0.4)})
    split = torch.where(split == 0, -30.0, split)
    assert get_codec("compact").decode(split)[0][0, 0, 0] < 4 * 3
    assert CompactCodec(blur_sigma=0.0).decode(split)[0][0, 0, 0] > 4 * 4


@pytest.mark.parametrize("other", [(4, 3), (3, 4), (4, 4)], ids=["beside", "below", "across"])
def test_compact_joint_does_not_jump_where_two_cells_are_level(other: tuple[int, int]) -> None:
    # What lies around the two differs, so each alone would be refined to a place of its own.
    shares = {(3, 3): 0.3, other: 0.3, (2, 2): 0.1, (4, 2): 0.12, (5, 5): 0.05, (2, 5): 0.08}
    found = []
    for lean in (1e-4, -1e-4):
        leaning = {**shares, (3, 3): 0.3 + lean, other: 0.3 - lean}
        logits = one_map({cell: math.log(share) for cell, share in leaning.items()})
        found.append(get_codec("compact").decode(torch.where(logits == 0, -30.0, logits))[0])
    assert 0 < float((found[0] - found[1]).abs().max()) < 0.02


def test_compact_joint_is_the_peak_of_the_blurred_cells_together() -> None:
    # Halves a cell apart: by symmetry the sum of their Gaussians peaks midway.
    halves = one_map({(3, 3): 20.0, (4, 3): 20.0})
    xy = get_codec("compact").decode(halves)[0][0, 0]
    np.testing.assert_allclose(xy, (4 * 3.5 + 1.5, 4 * 3 + 1.5), atol=0.02)


@pytest.mark.parametrize("name", HEATMAP_CODECS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_encode_then_decode_is_the_joint(name: str, dtype: torch.dtype) -> None:
    codec = get_codec(name)
    generator = torch.Generator().manual_seed(1)
    joints = 40 + torch.rand(4, 17, 2, generator=generator) * torch.tensor([100.0, 160.0])
    maps = codec.encode(joints, torch.ones(4, 17), 64, 48)
    assert maps.shape == (4, 17, 64, 48) and maps.dtype == torch.float32
    if name in OVER_CELLS:
        maps = maps.clamp(min=1e-12).log()
    xy, scores = codec.decode(maps.to(dtype))
    assert xy.dtype == scores.dtype == torch.float32
    # Quantised targets are within half a cell, read to a quarter; the others are exact.
    exact = name in (
        "dark",
        "dark_384",
        "udp",
        "udp_384",
        *OVER_CELLS,
        "softmax_integral",
        "sigmoid_integral",
    )
    allowed = (0.02 if dtype == torch.float32 else 0.5) if exact else 3.01
    assert (xy - joints).abs().max().item() <= allowed
    # A perfect map is no certainty where the scores are calibrated: the logistic's offset.
    assert scores.min() > 0.85


@pytest.mark.parametrize("name", HEATMAP_CODECS)
def test_edges_of_every_codec(name: str) -> None:
    codec = get_codec(name)
    xy, scores = codec.decode(torch.zeros(0, 17, 64, 48))
    assert xy.shape == (0, 17, 2) and scores.shape == (0, 17)
    for odd in (torch.zeros(2, 3, 16, 12), -torch.ones(2, 3, 16, 12), torch.ones(1, 1, 3, 2)):
        xy, scores = codec.decode(odd)
        assert torch.isfinite(xy).all() and torch.isfinite(scores).all()
    with pytest.raises(ValueError, match="shape"):
        codec.decode(torch.zeros(17, 64, 48))
    hidden = codec.encode(torch.full((1, 2, 2), 30.0), torch.tensor([[1, 0]]), 16, 12)
    assert hidden[0, 0].max() > hidden[0, 1].max()
    assert hidden[0, 1].max() == hidden[0, 1].min()


@pytest.mark.parametrize("name", HEATMAP_CODECS)
def test_input_is_left_alone(name: str) -> None:
    maps = torch.rand(2, 17, 64, 48) * 200
    before = maps.clone()
    get_codec(name).decode(maps)
    assert torch.equal(maps, before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", HEATMAP_CODECS)
def test_a_gpu_gives_the_same(name: str, bench: ModuleType) -> None:
    maps = torch.from_numpy(bench.make_maps(4, 17, 64, 48, peak=255.0))
    expected, expected_scores = get_codec(name).decode(maps)
    found, scores = get_codec(name).decode(maps.cuda())
    assert found.device.type == "cuda"
    torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=1e-2)
    torch.testing.assert_close(scores.cpu(), expected_scores, rtol=0, atol=1e-4)


def test_hrnet_target_is_a_cut_gaussian_at_the_nearest_cell() -> None:
    target = get_codec("hrnet").encode(torch.tensor([[[41.9, 82.0]]]), torch.ones(1, 1), 64, 48)[
        0, 0
    ]
    # 41.9 / 4 = 10.475 -> cell 10; 82 / 4 = 20.5 -> cell 21.
    assert target[21, 10] == 1.0
    assert target[21, 12].item() == pytest.approx(math.exp(-4 / 8))
    assert target[21 + 6, 10 + 6].item() == pytest.approx(math.exp(-72 / 8))
    assert target[21, 10 + 7] == 0


@pytest.mark.parametrize("cell", [(5, 7), (0, 0), (11, 2)])
@pytest.mark.parametrize("kernel", [5, 7, 15])
def test_mspn_target_is_a_blurred_pixel(cell: tuple[int, int], kernel: int) -> None:
    pixel = np.zeros((16, 12))
    pixel[cell[1], cell[0]] = 1
    blurred = cv2.GaussianBlur(pixel, (kernel, kernel), 0)
    codec = SmoothedCodec(target_kernel_size=kernel)
    joint = torch.tensor([[[4.0 * cell[0] + 3.9, 4.0 * cell[1]]]])
    target = codec.encode(joint, torch.ones(1, 1), 16, 12)[0, 0]
    np.testing.assert_allclose(target, blurred / blurred.max() * 255, atol=1e-2)
    outside = codec.encode(torch.tensor([[[-3.0, 8.0]]]), torch.ones(1, 1), 16, 12)
    assert outside.max() == 0


def test_dark_reads_a_gaussian_between_cells_and_stays_at_borders() -> None:
    codec = get_codec("dark")
    joints = torch.tensor([[[50.7, 90.2], [4.0, 90.2]]])
    xy, _ = codec.decode(codec.encode(joints, torch.ones(1, 2), 64, 48))
    np.testing.assert_allclose(xy[0, 0], [50.7, 90.2], atol=0.01)
    np.testing.assert_allclose(xy[0, 1], [4.0, 92.0], atol=1e-6)


def test_compact_offset_and_stride_are_fields() -> None:
    codec = CompactCodec(stride=8, offset_px=3.5, sigma=2.0, activation="none")
    joints = torch.tensor([[[61.3, 99.9]]])
    xy, _ = codec.decode(codec.encode(joints, torch.ones(1, 1), 32, 24))
    np.testing.assert_allclose(xy, joints, atol=1e-3)
    border = torch.full((1, 1, 8, 8), -9.0)
    border[0, 0, 0, 7] = 5.0
    # The other cells hold a millionth each: they draw the peak by less than 1e-5 px.
    found = get_codec("compact").decode(border)[0][0, 0]
    np.testing.assert_allclose(found, [29.5, 1.5], atol=1e-4)


def test_soft_argmax_is_the_mean_and_has_gradients() -> None:
    weights = one_map({(1, 2): 1.0, (3, 6): 3.0})
    np.testing.assert_allclose(soft_argmax(weights)[0, 0], [2.5, 5.0])
    logits = torch.zeros(1, 1, 8, 6, requires_grad=True)
    xy, _ = IntegralCodec(norm="softmax").decode(logits)
    xy.sum().backward()
    assert logits.grad is not None and logits.grad.abs().sum() > 0


def test_unflip_by_hand() -> None:
    flipped = torch.arange(4.0).view(1, 1, 1, 4).repeat(1, 2, 1, 1)
    flipped[0, 1] += 10
    plain = unflip(flipped, np.array([1, 0]), shift=False)
    assert plain[0, :, 0].tolist() == [[13, 12, 11, 10], [3, 2, 1, 0]]
    moved = unflip(flipped, np.array([1, 0]), shift=True)
    assert moved[0, :, 0].tolist() == [[13, 13, 12, 11], [3, 3, 2, 1]]
    average = flip_average(plain, flipped, np.array([1, 0]), shift=False)
    assert torch.equal(average, plain)
    with pytest.raises(ValueError, match="mirror permutation"):
        unflip(flipped, np.array([0]), shift=False)


def test_regression_flip_test_averages_coordinates() -> None:
    codec = get_codec("sigmoid_integral")
    heat, flipped = torch.randn(1, 2, 8, 6), torch.randn(1, 2, 8, 6)
    order = np.array([1, 0])
    xy, scores = decode_with_flip(codec, heat, flipped, order)
    one, one_scores = codec.decode(heat)
    two, two_scores = codec.decode(unflip(flipped, order, shift=True))
    torch.testing.assert_close(xy, (one + two) / 2)
    torch.testing.assert_close(scores, (one_scores + two_scores) / 2)


def test_unknown_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="alphapose"):
        get_codec("openpose")


@pytest.mark.parametrize(("cell", "pixel"), [((0, 0), (0, 0)), ((47, 63), (192, 256))])
def test_udp_puts_the_outer_cells_on_the_borders(
    cell: tuple[int, int], pixel: tuple[int, int]
) -> None:
    maps = torch.zeros(1, 1, 64, 48)
    maps[0, 0, cell[1], cell[0]] = 1
    np.testing.assert_allclose(get_codec("udp").decode(maps)[0][0, 0], pixel, atol=1e-4)


def test_combined_reads_the_body_as_heatmaps_and_the_rest_as_integrals() -> None:
    maps = torch.rand(2, 136, 16, 12, generator=torch.Generator().manual_seed(0))
    xy, scores = get_codec("alphapose_combined").decode(maps)
    body_xy, body_scores = get_codec("alphapose").decode(maps[:, :26])
    rest_xy, rest_scores = get_codec("sigmoid_integral").decode(maps[:, 26:])
    assert torch.equal(xy, torch.cat([body_xy, rest_xy], 1))
    assert torch.equal(scores, torch.cat([body_scores, rest_scores], 1))
