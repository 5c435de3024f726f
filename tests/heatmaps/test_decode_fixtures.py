"""Decoding and the flip test against what the public implementations gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch._tensor import Tensor

from rmpe.geometry.crop import CropTransform, points_to_image
from rmpe.heatmaps import decode_with_flip, flip_average, get_codec

HERE = Path(__file__).parent
CELL = 2.0**-14


def on_image(
    xy_input: Tensor, boxes: Any, scale_axes: str, height: int = 256, width: int = 192
) -> np.ndarray:
    transforms = [CropTransform(box, height, width, scale_axes) for box in boxes]
    return points_to_image(np.asarray(xy_input), transforms)


def check_stack(path: Path) -> None:
    """Compare every family whose answers a file holds."""
    case = np.load(path)
    heat = torch.from_numpy(case["heat_q"].astype(np.float32)) * CELL
    height, width = 4 * heat.shape[2], 4 * heat.shape[3]
    mspn = "mspn_mpii" if int(case["mspn_kernel"]) == 9 else "mspn"
    families = [("alphapose", "alphapose", 1.0, "width"), ("hrnet", "hrnet", 1.0, "width")]
    families += [("mspn", mspn, 255.0, "each"), ("cpn", "cpn", 255.0, "each")]
    for family, codec, peak, axes in families:
        if f"{family}_coords" not in case:
            continue
        xy, scores = get_codec(codec).decode(heat * peak)
        found = on_image(xy, case["boxes"], axes, height, width)
        sure = case[f"{family}_robust"]
        np.testing.assert_allclose(
            found[sure], case[f"{family}_coords"][sure], rtol=0, atol=1e-3, err_msg=family
        )
        for name in ("maxval", "joint_score"):
            if f"{family}_{name}" in case:
                expected = case[f"{family}_{name}"][..., 0]
                np.testing.assert_allclose(scores.numpy()[sure], expected[sure], atol=1e-5)
        if f"{family}_person_score" in case:
            rows = sure.all(1)
            person = case["box_scores"] * scores.numpy().mean(1)
            np.testing.assert_allclose(
                person[rows], case[f"{family}_person_score"][rows], rtol=0, atol=1e-5
            )


def test_copied_stack_is_reproduced() -> None:
    check_stack(HERE / "coco_256x192_part.npz")


def test_every_stack_beside_the_checkout_is_reproduced(shared_dir: Path) -> None:
    for path in sorted((shared_dir / "reference/algorithms/decode").glob("*.npz")):
        if "heat_q" in np.load(path) and "boxes" in np.load(path):
            check_stack(path)


def mirror_permutation(case: Any) -> np.ndarray:
    order = np.arange(case["heat_q"].shape[1])
    for left, right in case["flip_pairs"]:
        order[left], order[right] = right, left
    return order


@pytest.mark.parametrize("shift", [0, 1])
def test_flip_test_is_reproduced(shift: int) -> None:
    case = np.load(HERE / "flip_a.npz")
    heat = torch.from_numpy(case["heat_q"].astype(np.float32)) * CELL
    flipped = torch.from_numpy(case["flip_heat_q"].astype(np.float32)) * CELL
    average = flip_average(heat, flipped, mirror_permutation(case), bool(shift))
    xy, scores = get_codec("alphapose").decode(average)
    found = on_image(xy, case["flip_boxes"], "width")
    for family in ("alphapose", "hrnet"):
        np.testing.assert_allclose(found, case[f"{family}_coords_shift{shift}"], atol=1e-3, rtol=0)
    expected = case[f"alphapose_maxval_shift{shift}"][..., 0]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    if shift:
        by_codec, _ = decode_with_flip(get_codec("hrnet"), heat, flipped, mirror_permutation(case))
        np.testing.assert_array_equal(by_codec, xy)


@pytest.mark.parametrize("norm", ["softmax", "sigmoid"])
def test_integral_regression_is_reproduced(norm: str) -> None:
    case = np.load(HERE / "integral_a.npz")
    logits = torch.from_numpy(case["logit_q"].astype(np.float32)) * 2.0**-8
    xy, scores = get_codec(f"{norm}_integral").decode(logits)
    found = on_image(xy, case["box_xyxy"], "width")
    np.testing.assert_allclose(found, case[f"{norm}_coords"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(scores, case[f"{norm}_scores"][..., 0], rtol=0, atol=1e-5)
