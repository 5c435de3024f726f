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
def test_heatmaps_have_a_quarter_of_the_input_side(height: int, width: int) -> None:
    network = compact_pose().eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 3, height, width)).shape == (2, 19, height // 4, width // 4)


def test_a_size_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="got an input of 250x192 pixels"):
        compact_pose()(torch.zeros(1, 3, 250, 192))


@pytest.mark.parametrize(("width", "least", "most"), [(1.0, 2.2e6, 2.4e6), (1.75, 6.0e6, 6.3e6)])
def test_parameter_count_is_the_papers_order_of_size(
    width: float, least: float, most: float
) -> None:
    count = sum(p.numel() for p in CompactPose(17, width).parameters())
    assert least < count < most


class _Fixed(torch.nn.Module):
    def __init__(self, values: torch.Tensor) -> None:
        super().__init__()
        self.values = values

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.values


def test_the_peak_near_where_the_joint_is_due_wins() -> None:
    # Two people's centres among the 8 x 6 cells in the middle of 16 x 12: at row 8, column 6 of
    # the whole map, its very middle, and 3 cells from there, both with the same logit.
    network = CompactPose(17).eval()
    centre = torch.full((1, 1, 8, 6), -16.0)
    centre[0, 0, 4, 3], centre[0, 0, 1, 3] = 2.0, 2.0
    # Every joint is due 3 rows above and 2 columns beside the centre: row 5, column 8, if the
    # other centre had no weight. It has (1.8 / 4.8) ** 4 = 0.0198 of the first's.
    network.from_centre.hidden = _Fixed(torch.zeros(1, 96, 8, 6))  # type: ignore[assignment]
    with torch.no_grad():
        network.from_centre.output.bias.copy_(torch.tensor([-3.0, 2.0]).repeat(17))
    network.centre = _Fixed(centre)  # type: ignore[assignment]
    with torch.no_grad():
        guess = network.guess(torch.zeros(1, 24, 16, 12))
    other = 0.0198 / 1.0198
    torch.testing.assert_close(guess[0, 0], torch.tensor([5.0 - 3 * other, 8.0]), atol=2e-3, rtol=0)
    maps = torch.full((1, 17, 16, 12), -16.0)
    maps[0, :, 5, 8], maps[0, :, 12, 2] = 0.0, 0.0
    logits = network.focus(maps, torch.tensor([5.0, 8.0]).expand(1, 17, 2))[0, 0]
    # Probability one half at its place, the other's divided by 1 + its distance of 85 ** 0.5 / 1.8;
    # the small number under the root counts 0.01 cells at the guess itself.
    assert logits[5, 8].item() == pytest.approx(2 * np.log(0.5 / 1.01), abs=1e-3)
    share = 1 / (85**0.5 / 1.8 + 1)
    assert logits[12, 2].item() == pytest.approx(2 * np.log(0.5 * share), abs=1e-3)


def test_the_guess_learns_from_the_focused_maps() -> None:
    network = compact_pose()
    network(as_batch(formula_picture(64, 64))).log_softmax(1)[0, 0, 3, 3].backward()
    for name in ("centre.output.weight", "from_centre.output.weight", "head.output.weight"):
        gradient = dict(network.named_parameters())[name].grad
        assert gradient is not None and torch.isfinite(gradient).all() and gradient.abs().max() > 0


def test_channels_scale_to_the_nearest_multiple_of_8() -> None:
    assert [scaled(channels, 1.75) for channels in (32, 16, 24, 96, 320)] == [56, 32, 40, 168, 560]
    assert [scaled(channels, 1.0) for channels in (32, 16, 24)] == [32, 16, 24]


def test_supervised_outputs_end_with_the_forward_output() -> None:
    network = compact_pose().eval()
    x = as_batch(formula_picture(64, 64))
    with torch.no_grad():
        outputs = network.supervised_outputs(x)
        torch.testing.assert_close(outputs[-1], network(x))


def test_first_converted_weights_give_the_original_files_numbers(
    converted_state: dict[str, torch.Tensor],
) -> None:
    recorded = json.loads(FIXTURE.read_text())
    network = CompactPose(17, focused=False).eval()
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
    path = FIXTURE.parent / "movenet_lightning_heatmaps.safetensors"
    state = {name: tensor.float() for name, tensor in load_file(path).items()}
    for name in ("head.output.weight", "head.output.bias"):
        state[name] = state[name][:17]
    return state
