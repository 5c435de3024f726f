"""ONNX detectors: both output layouts, decoding by hand, bad files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpe.detectors import build_detector
from rmpe.detectors.onnx import OnnxDetector, decode_yolox

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def constant_model(
    path: Path, outputs: Any, side: int = 64, kind: int = 1, shape: list[int] | None = None
) -> Path:
    """A file whose outputs are constants beside an input, float (1, 3, side, side) by default."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        for name, value in outputs.items()
    ]
    kinds = {np.dtype("float32"): onnx.TensorProto.FLOAT, np.dtype("int64"): onnx.TensorProto.INT64}
    infos = [
        helper.make_tensor_value_info(name, kinds[value.dtype], value.shape)
        for name, value in outputs.items()
    ]
    entry = helper.make_tensor_value_info("input", kind, shape or [1, 3, side, side])
    graph = helper.make_graph(nodes, "constant", [entry], infos)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(path))
    return path


def test_finished_boxes_keep_people_and_go_back_to_picture_pixels(tmp_path: Path) -> None:
    dets = np.array([[[0, 0, 10, 20, 0.9], [5, 5, 9, 9, 0.8], [1, 1, 9, 9, 0.1]]], np.float32)
    labels = np.array([[0, 2, 0]], np.int64)
    path = constant_model(tmp_path / "rtmdet.onnx", {"dets": dets, "labels": labels})
    (found,) = OnnxDetector(path, "rtmdet")([np.zeros((128, 100, 3), np.uint8)])
    np.testing.assert_allclose(found.boxes_xyxy, [[0, 0, 20, 40]])
    np.testing.assert_allclose(found.scores, [0.9])
    detector = build_detector(f"rtmdet:{path}", box_score=0.1)
    (found,) = detector([np.zeros((128, 100, 3), np.uint8)])
    np.testing.assert_allclose(found.scores, [0.9, 0.1])


def test_yolox_cells_are_decoded_as_its_demo_does() -> None:
    cells = np.zeros((84, 85), np.float32)
    cells[9] = 0.0
    cells[9, :6] = [0.5, 0.25, np.log(2.0), np.log(4.0), 0.8, 0.5]
    boxes, scores = decode_yolox(cells, 64, 64)
    # Cell 9 of stride 8 on an 8x8 grid is column 1, row 1: centre (12, 10), size (16, 32).
    np.testing.assert_allclose(boxes[9], [4, -6, 20, 26], rtol=1e-5)
    np.testing.assert_allclose(scores[9], 0.4)


def test_yolox_file_end_to_end(tmp_path: Path) -> None:
    cells = np.zeros((1, 84, 85), np.float32)
    cells[0, 83, :6] = [0, 0, 0, 0, 0.9, 1.0]
    path = constant_model(tmp_path / "yolox.onnx", {"output": cells})
    (found,) = OnnxDetector(path, "yolox")([np.zeros((64, 64, 3), np.uint8)])
    np.testing.assert_allclose(found.boxes_xyxy, [[16, 16, 48, 48]])


def test_an_output_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="80 cells, a YOLOX of 64x64 px has 84"):
        decode_yolox(np.zeros((80, 85), np.float32), 64, 64)


def test_bad_files_and_families_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown ONNX family 'ssd'"):
        OnnxDetector(tmp_path / "a.onnx", "ssd")
    with pytest.raises(OSError, match=r"a\.onnx is missing"):
        OnnxDetector(tmp_path / "a.onnx", "yolox")
    (tmp_path / "a.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(OSError, match="not an ONNX file"):
        OnnxDetector(tmp_path / "a.onnx", "yolox")


def test_labels_may_stand_before_the_boxes_and_numbers_be_halves(tmp_path: Path) -> None:
    dets = np.array([[[0, 0, 10, 20, 0.9], [5, 5, 9, 9, 0.8]]], np.float32)
    outputs = {"labels": np.array([[0, 2]], np.int64), "dets": dets}
    path = constant_model(tmp_path / "d.onnx", outputs, kind=onnx.TensorProto.FLOAT16)
    (found,) = OnnxDetector(path, "rtmdet")([np.zeros((64, 64, 3), np.uint8)])
    np.testing.assert_allclose(found.boxes_xyxy, [[0, 0, 10, 20]])


def test_inputs_of_another_kind_are_refused(tmp_path: Path) -> None:
    outputs = {"dets": np.zeros((1, 1, 5), np.float32)}
    byte = constant_model(tmp_path / "byte.onnx", outputs, kind=onnx.TensorProto.UINT8)
    with pytest.raises(ValueError, match=r"byte\.onnx takes tensor\(uint8\), needed is tensor"):
        OnnxDetector(byte, "rtmdet")
    last = constant_model(tmp_path / "last.onnx", outputs, shape=[1, 64, 64, 3])
    with pytest.raises(ValueError, match=r"last\.onnx takes \[1, 64, 64, 3\], needed is a fixed"):
        OnnxDetector(last, "yolox")
