"""Read the nodes and constants of a TensorFlow.js graph model (``model.json`` and its ``.bin``).

The layout is that of tfjs-converter: ``modelTopology`` is a TensorFlow GraphDef as JSON (its
attributes are tagged by type, bytes are base64), ``weightsManifest`` lists the constants in the
order in which they lie in the ``.bin`` files, perhaps quantised.

    graph = read_tfjs("nanodet.json")
    for node in graph.nodes:
        print(node.name, node.op, node.inputs)
    graph.tensors["unknown_0"]      # float32, as TensorFlow orders it: convolutions (h, w, in, out)
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_STORED_TYPES: dict[str, npt.DTypeLike] = {
    "float32": np.float32,
    "float16": np.float16,
    "int32": np.int32,
    "uint16": np.uint16,
    "uint8": np.uint8,
    "bool": np.bool_,
}


@dataclass(frozen=True)
class Node:
    """One node of the graph."""

    name: str
    op: str
    """TensorFlow's name of the operation, ``Conv2D`` for instance."""
    inputs: tuple[str, ...]
    """Names of nodes or constants, ``name:1`` for a second output; control inputs are left out."""
    attributes: dict[str, Any]
    """Whole numbers, floats, booleans, strings and lists of them; types and shapes are left out."""


@dataclass(frozen=True)
class TfjsGraph:
    """A graph model in the order of its file."""

    nodes: tuple[Node, ...]
    tensors: dict[str, Array]
    """Constants by name: float32, or int32 and bool where the graph counts with them."""

    def node(self, name: str) -> Node:
        """Return the node called ``name``; its output number (``:1``) is not looked at.

        Raises:
            ValueError: there is none.
        """
        plain = name.partition(":")[0]
        for node in self.nodes:
            if node.name == plain:
                return node
        raise ValueError(f"got node name {name!r}, the graph has no such node")

    def of_kind(self, *ops: str) -> list[Node]:
        """Return the nodes of these operations, in the order of the file."""
        return [node for node in self.nodes if node.op in ops]


def read_tfjs(model_json: Path | str) -> TfjsGraph:
    """Read a graph model; the ``.bin`` files are looked for beside ``model_json``.

    Raises:
        OSError: a file is missing.
        ValueError: it is no graph model, or the constants do not fill the ``.bin`` files.
    """
    path = Path(model_json)
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or "node" not in document.get("modelTopology", {}):
        raise ValueError(f"{path} is not a TensorFlow.js graph model: 'modelTopology' has no nodes")
    nodes = tuple(_node(entry) for entry in document["modelTopology"]["node"])
    tensors: dict[str, Array] = {}
    for group in document["weightsManifest"]:
        content = b"".join((path.parent / name).read_bytes() for name in group["paths"])
        tensors.update(_tensors(group["weights"], content, path))
    return TfjsGraph(nodes, tensors)


def _node(entry: Mapping[str, Any]) -> Node:
    inputs = tuple(name for name in entry.get("input", ()) if not name.startswith("^"))
    attributes = {
        name: decoded
        for name, value in entry.get("attr", {}).items()
        if (decoded := _attribute(value)) is not None
    }
    return Node(entry["name"], entry["op"], inputs, attributes)


def _attribute(value: Mapping[str, Any]) -> Any:
    """Decode an AttrValue of a GraphDef; None for types, shapes and tensors."""
    for kind, content in value.items():
        if kind == "list":
            for inner, items in content.items():
                if inner in ("i", "f", "b", "s"):
                    return [_scalar(inner, item) for item in items]
            return []
        if kind in ("i", "f", "b", "s"):
            return _scalar(kind, content)
    return None


def _scalar(kind: str, content: Any) -> int | float | bool | str:
    if kind == "i":
        return int(content)
    if kind == "s":
        return base64.b64decode(content).decode()
    return bool(content) if kind == "b" else float(content)


def _tensors(
    entries: list[dict[str, Any]], content: bytes, path: Path
) -> Iterator[tuple[str, Array]]:
    """Yield name and value of the constants that lie one behind the other in ``content``."""
    offset = 0
    for entry in entries:
        quantisation = entry.get("quantization", {})
        stored = quantisation.get("dtype", entry["dtype"])
        if stored not in _STORED_TYPES:
            supported = ", ".join(_STORED_TYPES)
            raise ValueError(
                f"{path}: {entry['name']} is stored as {stored!r}, supported: {supported}"
            )
        count = math.prod(entry["shape"])
        size = np.dtype(_STORED_TYPES[stored]).itemsize * count
        if offset + size > len(content):
            raise ValueError(f"{path}: the .bin files end within {entry['name']}")
        values: Array = np.frombuffer(content, _STORED_TYPES[stored], count, offset).copy()
        offset += size
        if "scale" in quantisation:
            values = values.astype(np.float32) * quantisation["scale"] + quantisation["min"]
        if entry["dtype"] == "float32":
            values = values.astype(np.float32)
        yield entry["name"], values.reshape(entry["shape"])
    if offset != len(content):
        raise ValueError(f"{path}: {len(content) - offset} bytes are left behind the last constant")
