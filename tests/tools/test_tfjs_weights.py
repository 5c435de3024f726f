"""Reading of TensorFlow.js graph models: a hand-made file with every kind of constant."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.compact.tfjs_weights import TfjsGraph


@pytest.fixture
def read_tfjs(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path | str], TfjsGraph]:
    """The reader of ``tools/compact/tfjs_weights.py``."""
    monkeypatch.setattr(sys, "path", [str(repository), *sys.path])
    from tools.compact import tfjs_weights

    return tfjs_weights.read_tfjs


def write_model(folder: Path, cut: int = 0) -> Path:
    constants: list[tuple[dict[str, Any], np.ndarray]] = [
        ({"name": "half", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}},
         np.array([0.5, -2.0], np.float16)),
        ({"name": "bytes", "shape": [1, 3], "dtype": "float32",
          "quantization": {"dtype": "uint8", "scale": 0.1, "min": -1.0}},
         np.array([0, 10, 255], np.uint8)),
        ({"name": "axis", "shape": [], "dtype": "int32"}, np.array(3, np.int32)),
        ({"name": "plain", "shape": [2, 1], "dtype": "float32"}, np.array([1.5, 2.5], np.float32)),
    ]  # fmt: skip
    content = b"".join(values.tobytes() for _, values in constants)
    (folder / "m.bin").write_bytes(content[: len(content) - cut])
    padding = base64.b64encode(b"SAME").decode()
    nodes = [
        {"name": "x", "op": "Placeholder", "attr": {"dtype": {"type": "DT_FLOAT"}}},
        {
            "name": "y",
            "op": "Conv2D",
            "input": ["x", "plain:0", "^x"],
            "attr": {
                "padding": {"s": padding},
                "strides": {"list": {"i": ["1", "2", "2", "1"]}},
                "alpha": {"f": 0.25},
                "dilations": {"list": {}},
            },
        },
    ]
    manifest = [{"paths": ["m.bin"], "weights": [entry for entry, _ in constants]}]
    document = {"modelTopology": {"node": nodes}, "weightsManifest": manifest}
    (folder / "m.json").write_text(json.dumps(document))
    return folder / "m.json"


def test_constants_are_read_one_behind_the_other(
    read_tfjs: Callable[[Path | str], TfjsGraph], tmp_path: Path
) -> None:
    tensors = read_tfjs(write_model(tmp_path)).tensors
    assert tensors["half"].dtype == np.float32
    np.testing.assert_array_equal(tensors["half"], [0.5, -2.0])
    np.testing.assert_allclose(tensors["bytes"], [[-1.0, 0.0, 24.5]], atol=1e-6)
    assert tensors["axis"] == 3 and tensors["axis"].shape == ()
    np.testing.assert_array_equal(tensors["plain"], [[1.5], [2.5]])


def test_nodes_keep_their_order_and_decoded_attributes(
    read_tfjs: Callable[[Path | str], TfjsGraph], tmp_path: Path
) -> None:
    graph = read_tfjs(write_model(tmp_path))
    assert [node.op for node in graph.nodes] == ["Placeholder", "Conv2D"]
    node = graph.node("y:0")
    assert node.inputs == ("x", "plain:0")
    assert node.attributes == {
        "padding": "SAME", "strides": [1, 2, 2, 1], "alpha": 0.25, "dilations": []
    }  # fmt: skip
    assert graph.of_kind("Conv2D") == [node]


def test_a_file_that_is_cut_or_none_is_refused(
    read_tfjs: Callable[[Path | str], TfjsGraph], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="end within plain"):
        read_tfjs(write_model(tmp_path, cut=1))
    with pytest.raises(ValueError, match="no such node"):
        read_tfjs(write_model(tmp_path)).node("z")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="is not a TensorFlow"):
        read_tfjs(tmp_path / "other.json")
