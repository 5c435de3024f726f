"""What numbers an ONNX file takes: bytes go in as they are, others than these are refused."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from rmpe.runtimes import RuntimeName
from rmpe.zoo.onnx_pose import ready_onnx

onnx = pytest.importorskip("onnx")


def heatmap_file(path: Path, kind: int) -> Path:
    """A file whose 17 maps are the mean of four by four pixels of red, from numbers of a kind."""
    helper = onnx.helper
    weights = np.zeros((17, 3, 4, 4), np.float32)
    weights[:, 0] = 1 / 16
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["input"], ["floats"], to=1),
            helper.make_node("Conv", ["floats", "w"], ["heatmaps"], strides=[4, 4]),
        ],
        "g",
        [helper.make_tensor_value_info("input", kind, ["n", 3, 64, 48])],
        [helper.make_tensor_value_info("heatmaps", 1, ["n", 17, 16, 12])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_file_of_bytes_gets_the_pictures_as_they_are(
    runtime: RuntimeName, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = heatmap_file(tmp_path / "bytes.onnx", onnx.TensorProto.UINT8)
    with caplog.at_level(logging.WARNING):
        engine, _ = ready_onnx(str(path), runtime=runtime, device="cpu", precision="fp32")
    assert "bytes.onnx takes whole numbers: pictures go in as they are" in caplog.text
    assert "normalised" not in caplog.text
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 48, 3)).astype(np.uint8)
    (maps,) = engine(crops)
    red = crops[..., 2].reshape(3, 16, 4, 12, 4).mean((2, 4))
    np.testing.assert_allclose(maps[:, 5], red, atol=1e-4)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_file_of_other_numbers_is_refused(runtime: RuntimeName, tmp_path: Path) -> None:
    path = heatmap_file(tmp_path / "whole.onnx", onnx.TensorProto.INT32)
    with pytest.raises(ValueError, match=r"whole\.onnx takes int32, needed is floating point or"):
        ready_onnx(str(path), runtime=runtime, device="cpu")


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_file_of_bfloat16_is_refused(runtime: RuntimeName, tmp_path: Path) -> None:
    path = heatmap_file(tmp_path / "short.onnx", onnx.TensorProto.BFLOAT16)
    with pytest.raises(ValueError, match=r"short\.onnx takes bfloat16, needed is floating point"):
        ready_onnx(str(path), runtime=runtime, device="cpu")


def test_a_file_of_text_is_refused(tmp_path: Path) -> None:
    path = heatmap_file(tmp_path / "text.onnx", onnx.TensorProto.STRING)
    with pytest.raises(ValueError, match=r"text\.onnx takes string, needed is floating point"):
        ready_onnx(str(path), runtime="onnxruntime", device="cpu")
