"""Every engine gives the network's own answer, and bad choices are named."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmpe.detectors.compact import load_compact_network
from rmpe.estimator import PoseEstimator
from rmpe.runtimes import (
    PreprocessedNetwork,
    Runtime,
    as_array,
    build_runtime,
    choose_device,
)
from rmpe.runtimes.base import cpu_has_bf16
from rmpe.runtimes.openvino_runtime import openvino

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.25, 1.0)


class TwoOutputs(nn.Module):
    """A small network with two outputs of different shape."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.convolution = nn.Conv2d(3, 8, 3, padding=1)
        self.convolution.weight.data.normal_(0, 0.3, generator=generator)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.relu(self.convolution(x))
        return y, y.mean((2, 3))


def pictures(count: int, height: int = 32, width: int = 24) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, height, width, 3), np.uint8)


def test_the_door_orders_colours_and_normalises() -> None:
    image = np.zeros((1, 2, 2, 3), np.uint8)
    image[..., 0], image[..., 1], image[..., 2] = 51, 102, 255  # blue, green, red
    door = PreprocessedNetwork(nn.Identity(), "rgb", MEAN, STD)
    values = door(torch.from_numpy(image))[0, :, 0, 0]
    assert values.tolist() == pytest.approx([(1 - 0.1) / 0.5, (0.4 - 0.2) / 0.25, 0.2 - 0.3])
    kept = PreprocessedNetwork(nn.Identity(), "bgr", MEAN, STD)(torch.from_numpy(image))
    assert kept[0, 0, 0, 0].item() == pytest.approx((0.2 - 0.1) / 0.5)


@pytest.mark.parametrize(
    ("runtime", "precision", "limit"),
    [
        ("torch", "fp32", 1e-6),
        ("openvino", "fp32", 1e-3),
        ("torch", "bf16", 2e-2),
        ("openvino", "bf16", 2e-2),
    ],
)
def test_engines_agree_with_the_network(runtime: str, precision: str, limit: float) -> None:
    network = PreprocessedNetwork(TwoOutputs().eval(), "rgb", MEAN, STD)
    engine = build_runtime(network, runtime=runtime, device="cpu", precision=precision, threads=1)
    for count in (1, 3):
        batch = pictures(count)
        with torch.no_grad():
            expected = network(torch.from_numpy(batch))
        for output, truth in zip(engine(batch), expected, strict=True):
            assert output.dtype == torch.float32
            assert output.shape == truth.shape
            assert float((output - truth).abs().max() / truth.abs().max()) <= limit


def test_openvino_takes_pictures_of_another_size() -> None:
    network = PreprocessedNetwork(TwoOutputs().eval(), "bgr", MEAN, STD)
    engine = build_runtime(network, runtime="openvino", device="cpu", precision="fp32")
    assert engine(pictures(2))[0].shape == (2, 8, 32, 24)
    assert engine(pictures(1, 16, 40))[0].shape == (1, 8, 16, 40)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_network_for_any_size_is_converted_once_and_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    module = load_compact_network()
    sizes = [(64, 96), (32, 160), (96, 64), (64, 96)]

    def engine(any_size: bool) -> Runtime:
        network = PreprocessedNetwork(module, "bgr", MEAN, STD, any_size=any_size)
        return build_runtime(network, runtime="openvino", device="cpu", precision=precision)

    expected = [engine(False)(pictures(3, *size))[0] for size in sizes]
    conversions = []
    convert = openvino.convert_model

    def counted(*arguments: object, **settings: object) -> openvino.Model:
        conversions.append(arguments)
        return convert(*arguments, **settings)

    monkeypatch.setattr(openvino, "convert_model", counted)
    shared = engine(True)
    for size, truth in zip(sizes, expected):
        assert torch.equal(shared(pictures(3, *size))[0], truth)
    assert len(conversions) == 1


def test_auto_takes_half_precision_only_where_the_processor_has_it() -> None:
    network = PreprocessedNetwork(TwoOutputs().eval(), "bgr", MEAN, STD)
    engine = build_runtime(network, device="cpu")
    assert engine.description.startswith("openvino")
    assert ("bf16" in engine.description) == cpu_has_bf16()


@pytest.mark.parametrize(
    ("device", "message"),
    [("cuda:99", "not there"), ("tpu", "supported are auto, cpu"), ("cuda:x", "unknown device")],
)
def test_a_device_that_is_not_there_is_named(device: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_device(device)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"runtime": "tensorrt"}, "unknown runtime"),
        ({"precision": "int3"}, "unknown precision"),
        ({"runtime": "openvino", "precision": "fp16"}, "got 'fp16'"),
        ({"runtime": "torch", "precision": "fp16"}, "needs a GPU"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(choice: dict[str, str], message: str) -> None:
    network = PreprocessedNetwork(TwoOutputs(), "bgr", MEAN, STD)
    with pytest.raises(ValueError, match=message):
        build_runtime(network, device="cpu", **choice)


def test_a_conversion_reports_nothing_to_anybody(tmp_path: Path) -> None:
    # OpenVINO's reports keep the number of the machine's user in a folder of the home directory.
    program = """
import threading, torch
from rmpe.runtimes import PreprocessedNetwork, build_runtime
network = PreprocessedNetwork(torch.nn.Conv2d(3, 2, 1), "rgb", (0, 0, 0), (1, 1, 1))
engine = build_runtime(network, runtime="openvino", device="cpu", precision="fp32", threads=1)
engine(torch.zeros((1, 8, 8, 3), dtype=torch.uint8).numpy())
assert threading.enumerate() == [threading.main_thread()], threading.enumerate()
"""
    home = os.environ | {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=home, timeout=120)
    assert list(tmp_path.iterdir()) == []


def test_several_threads_may_call_a_network_at_a_time() -> None:
    runtime = PoseEstimator.from_preset("compact", device="cpu", threads=1).runtime
    shape = (5, 256, 192, 3)
    crops = [np.random.default_rng(seed).integers(0, 256, shape, np.uint8) for seed in range(4)]
    alone = [as_array(runtime(its)[0]) for its in crops]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda its: as_array(runtime(its)[0]), crops * 3))
    for its, wanted in zip(together, alone * 3, strict=True):
        np.testing.assert_array_equal(its, wanted)
