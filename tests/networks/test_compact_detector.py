"""The compact detector: sizes, cell order, and parity with the original graph's numbers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rmpe.networks.compact_detector import (
    DISTANCES,
    CompactDetector,
    cell_centres,
    cell_strides,
    mean_distances,
)

FIXTURE = Path(__file__).parent / "fixtures" / "nanodet.json"
WEIGHTS = "rmpe/weights/compact_detector.safetensors"


@pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 32)])
def test_every_cell_of_three_strides_has_a_row(height: int, width: int) -> None:
    cells = height * width // 64 + height * width // 256 + height * width // 1024
    with torch.no_grad():
        output = CompactDetector().eval()(torch.zeros(2, 3, height, width))
    assert output.shape == (2, cells, 5)
    assert len(cell_centres(height, width)) == len(cell_strides(height, width)) == cells
    assert (output[..., 1:] > 0).all()


def test_cells_run_row_by_row_from_the_finest_stride() -> None:
    centres, strides = cell_centres(64, 96), cell_strides(64, 96)
    assert centres[0].tolist() == [3.5, 3.5]
    assert centres[1].tolist() == [11.5, 3.5]
    assert centres[12].tolist() == [3.5, 11.5]
    assert centres[96].tolist() == [7.5, 7.5] and strides[96] == 16
    assert centres[-1].tolist() == [79.5, 47.5] and strides[-1] == 32


def test_a_size_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match=r"100x64.*multiples of 32"):
        cell_centres(64, 100)


def test_an_edge_lies_at_the_mean_of_its_distribution() -> None:
    edges = torch.full((2, DISTANCES), -30.0)
    edges[0, 4] = edges[0, 5] = 0.0  # half and half
    edges[1, 10] = 0.0
    torch.testing.assert_close(mean_distances(edges), torch.tensor([4.5, 10.0]))


def test_distances_are_given_in_pixels_of_each_stride() -> None:
    network = CompactDetector().eval()
    for head in network.heads:
        torch.nn.init.zeros_(head.output.weight)
        torch.nn.init.zeros_(head.output.bias)
    with torch.no_grad():
        output = network(torch.zeros(1, 3, 32, 32))
    # Even distributions over 0..10 strides have their mean at 5.
    expected = 5 * cell_strides(32, 32)[:, None].expand(-1, 4)
    torch.testing.assert_close(output[0, :, 1:], expected)


def test_a_fresh_network_finds_nobody() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        output = CompactDetector().eval()(torch.randn(1, 3, 96, 96))
    assert output[..., 0].sigmoid().max() < 0.3


@pytest.fixture
def converter(repository: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module ``tools/compact/convert_nanodet.py``."""
    monkeypatch.setattr(sys, "path", [str(repository), *sys.path])
    from tools.compact import convert_nanodet

    return convert_nanodet


def numbers_of(network: CompactDetector, converter: Any) -> Any:
    with torch.no_grad():
        logits, edges = network.distributions(converter.formula_picture())
    return converter.parity_numbers(logits[0].sigmoid(), edges[0].flatten(1))


def test_the_layout_is_that_of_the_original_graph(
    converter: ModuleType,
) -> None:
    """Weights from a formula, in the original graph and here, give the same numbers."""
    network = CompactDetector().eval()
    converter.fill_by_formula(network)
    numbers = numbers_of(network, converter)
    expected = json.loads(FIXTURE.read_text())["formula"]
    assert numbers["rows"][:-1] == expected["rows"][:-1]
    np.testing.assert_allclose(numbers["scores"], expected["scores"], atol=1e-6)
    np.testing.assert_allclose(numbers["edges"], expected["edges"], atol=1e-5)
    np.testing.assert_allclose(numbers["edge_std"], expected["edge_std"], rtol=1e-5)


def test_the_bundled_weights_stay_near_the_original(
    repository: Path, converter: ModuleType
) -> None:
    network = CompactDetector().eval()
    state = load_file(str(repository / WEIGHTS))
    network.load_state_dict({name: value.float() for name, value in state.items()})
    numbers = numbers_of(network, converter)
    expected = json.loads(FIXTURE.read_text())["original"]
    np.testing.assert_allclose(numbers["scores"][:-1], expected["scores"][:-1], atol=0.05)
    difference = np.array(numbers["edges"][:-1]) - np.array(expected["edges"][:-1])
    assert np.abs(difference).mean() < 0.3 * expected["edge_std"]
