"""The compact pose network: shapes, its parts, and parity with the original file's numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rmpe.networks.compact_pose import CompactPose, compact_pose, scaled

FIXTURE = Path(__file__).parent / "fixtures" / "movenet_heatmaps.json"


def formula_picture(height: int = 256, width: int = 256) -> np.ndarray:
    """A standing figure of ellipses on a gradient, RGB 0..1 (H, W, 3)."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    u, v = columns / width, rows / height
    picture = np.stack([0.45 + 0.3 * v, 0.5 + 0.2 * u, 0.65 - 0.3 * v], -1)
    for x, y, radius_x, radius_y, colour in (
        (0.5, 0.36, 0.10, 0.17, (0.75, 0.15, 0.15)),
        (0.45, 0.66, 0.04, 0.22, (0.15, 0.2, 0.5)),
        (0.55, 0.66, 0.04, 0.22, (0.15, 0.2, 0.5)),
        (0.38, 0.40, 0.028, 0.17, (0.85, 0.65, 0.5)),
        (0.62, 0.40, 0.028, 0.17, (0.85, 0.65, 0.5)),
        (0.5, 0.15, 0.045, 0.06, (0.85, 0.65, 0.5)),
        (0.5, 0.115, 0.047, 0.03, (0.2, 0.12, 0.08)),
    ):
        picture[((u - x) / radius_x) ** 2 + ((v - y) / radius_y) ** 2 < 1] = colour
    return picture.astype(np.float32)


def as_batch(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1)[None].copy())


@pytest.mark.parametrize(("height", "width"), [(256, 192), (256, 256), (384, 288), (64, 32)])
def test_heatmaps_have_a_quarter_of_the_input_side(height, width):
    network = compact_pose().eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 3, height, width)).shape == (2, 19, height // 4, width // 4)


def test_a_size_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="got an input of 250x192 pixels"):
        compact_pose()(torch.zeros(1, 3, 250, 192))


def test_parameter_count_is_the_papers_order_of_size():
    count = sum(p.numel() for p in CompactPose(17).parameters())
    assert 2.2e6 < count < 2.4e6


def test_channels_scale_to_the_nearest_multiple_of_8():
    assert [scaled(channels, 1.75) for channels in (32, 16, 24, 96, 320)] == [56, 32, 40, 168, 560]
    assert [scaled(channels, 1.0) for channels in (32, 16, 24)] == [32, 16, 24]


def test_supervised_outputs_end_with_the_forward_output():
    network = compact_pose().eval()
    x = as_batch(formula_picture(64, 64))
    with torch.no_grad():
        outputs = network.supervised_outputs(x)
        torch.testing.assert_close(outputs[-1], network(x))


def test_first_converted_weights_give_the_original_files_numbers(converted_state):
    recorded = json.loads(FIXTURE.read_text())
    network = CompactPose(17).eval()
    network.load_state_dict(converted_state)
    with torch.no_grad():
        heatmaps = network(as_batch(formula_picture(192, 192)))[0].numpy()
    for joint, (cells, values) in enumerate(
        zip(recorded["cells_xy"], recorded["values"], strict=True)
    ):
        found = [heatmaps[joint, y, x] for x, y in cells]
        np.testing.assert_allclose(found, values, atol=2e-3)


@pytest.fixture
def converted_state() -> dict[str, torch.Tensor]:
    """The COCO channels of the weights that training starts from."""
    path = Path(__file__).parents[2] / "rmpe" / "weights" / "compact_pose_start.safetensors"
    state = {name: tensor.float() for name, tensor in load_file(path).items()}
    for name in ("head.output.weight", "head.output.bias"):
        state[name] = state[name][:17]
    return state
