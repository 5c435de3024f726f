"""The same detector file through rtmlib and through ours: the same people."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from rmpe.detectors.onnx import OnnxDetector

rtmlib = pytest.importorskip("rtmlib", reason="rtmlib is not installed")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SIDE = 64


def saved(path: Path, nodes: list, tensors: dict[str, np.ndarray], outputs: dict) -> Path:
    """Write a graph that takes (1, 3, SIDE, SIDE)."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    infos = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()]
    entry = helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    held = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    graph = helper.make_graph(nodes, "detector", [entry], infos, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(path))
    return path


def cells_of_pixels(path: Path) -> Path:
    """YOLOX's output before decoding, (1, 84, 6): every cell from the mean colour below it."""
    make, rng = onnx.helper.make_node, np.random.default_rng(3)
    nodes, tensors = [], {"turned": np.array([1, 6, -1])}
    for stride in (8, 16, 32):
        weights = rng.normal(0, 1 / 255, (6, 3, 1, 1)).astype(np.float32)
        weights[4:] *= 4  # objectness and class: above the threshold in some cells
        tensors[f"weights{stride}"] = weights
        # No two cells are level, not even those of the border.
        many = (1, 6, SIDE // stride, SIDE // stride)
        tensors[f"own{stride}"] = rng.normal(0, 0.1, many).astype(np.float32)
        side = [stride, stride]
        nodes += [
            make("AveragePool", ["input"], [f"mean{stride}"], kernel_shape=side, strides=side),
            make("Conv", [f"mean{stride}", f"weights{stride}"], [f"seen{stride}"]),
            make("Add", [f"seen{stride}", f"own{stride}"], [f"map{stride}"]),
            make("Reshape", [f"map{stride}", "turned"], [f"rows{stride}"]),
        ]
    nodes += [
        make("Concat", ["rows8", "rows16", "rows32"], ["rows"], axis=2),
        make("Split", ["rows", "parts"], ["box", "certainty"], axis=1),
        make("Sigmoid", ["certainty"], ["certain"]),
        make("Concat", ["box", "certain"], ["joined"], axis=1),
        make("Transpose", ["joined"], ["output"], perm=[0, 2, 1]),
    ]
    tensors["parts"] = np.array([4, 2])
    return saved(path, nodes, tensors, {"output": onnx.TensorProto.FLOAT})


def boxes_of_pixels(path: Path) -> Path:
    """What mmdeploy exports, (1, 5, 5): finished boxes, their scores from the mean colour."""
    make = onnx.helper.make_node
    corners = np.array(
        [[4, 2, 30, 60], [6, 4, 36, 60], [30, 8, 60, 40], [2, 40, 20, 63], [40, 40, 62, 63]]
    ).astype(np.float32)[None]
    nodes = [
        make("GlobalAveragePool", ["input"], ["mean"]),
        make("Flatten", ["mean"], ["colour"]),
        make("MatMul", ["colour", "weights"], ["raw"]),
        make("Sigmoid", ["raw"], ["flat"]),
        make("Reshape", ["flat", "column"], ["scores"]),
        make("Concat", ["corners", "scores"], ["dets"], axis=2),
        make("Identity", ["people"], ["labels"]),
    ]
    weights = np.random.default_rng(5).normal(0, 1 / 60, (3, 5)).astype(np.float32)
    tensors = {"corners": corners, "weights": weights, "column": np.array([1, 5, 1])}
    tensors["people"] = np.zeros((1, 5), np.int64)
    kinds = {"dets": onnx.TensorProto.FLOAT, "labels": onnx.TensorProto.INT64}
    return saved(path, nodes, tensors, kinds)


def picture(height: int, width: int) -> np.ndarray:
    """Soft coloured spots."""
    noise = np.random.default_rng(0).integers(0, 255, (12, 16, 3)).astype(np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def assert_same(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Every box of one is within 0.05 pixels one of the other."""
    assert len(ours) == len(theirs) > 1
    apart = cdist(ours, theirs, "chebyshev")
    assert apart.min(0).max() < 0.05 and apart.min(1).max() < 0.05


@pytest.mark.parametrize("size", [(64, 64), (150, 211), (333, 97)])
@pytest.mark.parametrize("kind", ["cells", "boxes"])
def test_yolox_finds_whom_rtmlib_finds(kind: str, size: tuple[int, int], tmp_path: Path) -> None:
    path = (cells_of_pixels if kind == "cells" else boxes_of_pixels)(tmp_path / "yolox.onnx")
    image = picture(*size)
    peer = rtmlib.YOLOX(str(path), model_input_size=(SIDE, SIDE), score_thr=0.3, device="cpu")
    theirs = np.asarray(peer(image.copy()))
    theirs = np.clip(theirs, 0, [size[1], size[0]] * 2)  # ours end where the picture ends
    (ours,) = OnnxDetector(path, "yolox")([image])
    assert_same(ours.boxes_xyxy, theirs)


def test_rtmdet_finds_whom_rtmlib_finds(tmp_path: Path) -> None:
    path, image = boxes_of_pixels(tmp_path / "rtmdet.onnx"), picture(128, 96)
    peer = rtmlib.RTMDet(str(path), model_input_size=(SIDE, SIDE), device="cpu")
    (ours,) = OnnxDetector(path, "rtmdet")([image])
    theirs = np.clip(np.asarray(peer(image.copy())), 0, [96, 128] * 2)
    assert_same(ours.boxes_xyxy, theirs)
