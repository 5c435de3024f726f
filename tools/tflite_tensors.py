"""Read the operators and float constants of a TensorFlow Lite file.

Only what the BlazePose files need: float graphs of convolutions whose constants are stored as
float16 (DEQUANTIZE) and, in the detector, as sparse float16 (DENSIFY, then DEQUANTIZE). The file's
layout comes from the ``tflite`` package (the published flatbuffer schema); the traversal of sparse
tensors follows the format described in ``tensorflow/lite/schema/schema.fbs``, SparsityParameters.

    graph = read_graph("pose_landmark_full.tflite")
    for operator in graph.ancestors(graph.output("Identity_3")):
        print(operator.kind, operator.inputs)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

FloatArray = npt.NDArray[np.float32]

_BUILTIN_NAMES: dict[int, str] = {
    code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)
}
_OPTIONS: dict[str, Any] = {
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "MAX_POOL_2D": tflite.Pool2DOptions,
    "RESIZE_BILINEAR": tflite.ResizeBilinearOptions,
    "ADD": tflite.AddOptions,
    "DEPTH_TO_SPACE": tflite.DepthToSpaceOptions,
}
_ACTIVATIONS = {0: "none", 1: "relu", 3: "relu6"}
_NUMPY_TYPES: dict[int, npt.DTypeLike] = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
    tflite.TensorType.INT64: np.int64,
    tflite.TensorType.UINT8: np.uint8,
    tflite.TensorType.INT8: np.int8,
}


@dataclass(frozen=True)
class Operator:
    """One executed operator; tensors are named by their index in the file."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    stride: int
    """Step of a convolution or pooling, 1 elsewhere."""
    padding: str
    """``same``, ``valid`` or empty where the operator has none."""
    activation: str
    """``none``, ``relu`` or ``relu6``."""


@dataclass(frozen=True)
class Graph:
    """Operators in execution order, without the ones that only unpack constants."""

    operators: tuple[Operator, ...]
    constants: dict[int, npt.NDArray[Any]]
    """Tensor index to value; float16 values are given as float32, sparse ones as dense."""
    shapes: dict[int, tuple[int, ...]]
    names: dict[int, str]

    def output(self, name: str) -> int:
        """Index of the tensor called ``name``. Raises ValueError when there is none."""
        for index, tensor_name in self.names.items():
            if tensor_name == name:
                return index
        raise ValueError(f"got tensor name {name!r}, the file has no such tensor")

    def producer(self, tensor: int) -> Operator | None:
        """The operator that writes ``tensor``; None for inputs and constants."""
        for operator in self.operators:
            if tensor in operator.outputs:
                return operator
        return None

    def ancestors(self, tensor: int) -> list[Operator]:
        """Every operator that ``tensor`` depends on, in execution order."""
        wanted = {tensor}
        found: list[Operator] = []
        for operator in reversed(self.operators):
            if wanted.intersection(operator.outputs):
                wanted.update(operator.inputs)
                found.append(operator)
        return found[::-1]

    def convolution(self, operator: Operator) -> tuple[FloatArray, FloatArray]:
        """Weight and bias of a convolution in torch's layout.

        Returns weight (out, in, kh, kw), of a depthwise one (channels, 1, kh, kw), and bias (out,).
        """
        weight = self.constants[operator.inputs[1]]
        bias = self.constants[operator.inputs[2]]
        order = (3, 0, 1, 2) if operator.kind == "DEPTHWISE_CONV_2D" else (0, 3, 1, 2)
        return np.ascontiguousarray(weight.transpose(order)), np.ascontiguousarray(bias)


def densify(
    values: npt.NDArray[Any],
    shape: tuple[int, ...],
    traversal_order: tuple[int, ...],
    block_map: tuple[int, ...],
    dimensions: tuple[tuple[int, npt.NDArray[Any], npt.NDArray[Any]] | int, ...],
) -> npt.NDArray[Any]:
    """Dense tensor of ``shape`` from TFLite's sparse storage.

    ``dimensions`` holds one entry per traversed dimension (blocks come last): an int is a dense
    dimension of that size; a tuple is (ignored size, segments, indices) of a compressed one.
    """
    rank = len(shape)
    block_sizes = [1] * rank
    for entry, position in zip(block_map, range(rank, rank + len(block_map)), strict=True):
        size = dimensions[traversal_order.index(position)]
        if not isinstance(size, int):
            raise ValueError("got a compressed block dimension, supported are dense blocks")
        block_sizes[entry] = size
    dense = np.zeros(shape, values.dtype)

    coordinates = [0] * len(traversal_order)
    cursor = 0

    def visit(level: int, parent: int) -> None:
        nonlocal cursor
        if level == len(dimensions):
            target = coordinates[:rank]
            for block, axis in enumerate(block_map):
                target[axis] = target[axis] * block_sizes[axis] + coordinates[rank + block]
            dense[tuple(target)] = values[cursor]
            cursor += 1
            return
        dimension = dimensions[level]
        axis = traversal_order[level]
        if isinstance(dimension, int):
            for index in range(dimension):
                coordinates[axis] = index
                visit(level + 1, parent * dimension + index)
        else:
            _, segments, indices = dimension
            for position in range(int(segments[parent]), int(segments[parent + 1])):
                coordinates[axis] = int(indices[position])
                visit(level + 1, position)

    visit(0, 0)
    return dense


def _index_vector(kind: int, table: Any) -> npt.NDArray[Any]:
    classes = {1: tflite.Int32Vector, 2: tflite.Uint16Vector, 3: tflite.Uint8Vector}
    if kind not in classes:
        raise ValueError(f"got sparse index vector type {kind}, supported are 1, 2, 3")
    vector = classes[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy())


def _tensor_value(model: Any, tensor: Any) -> npt.NDArray[Any] | None:
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    if isinstance(data, int) or tensor.Type() not in _NUMPY_TYPES:
        return None
    values = np.frombuffer(data.tobytes(), _NUMPY_TYPES[tensor.Type()])
    shape = tuple(int(size) for size in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    sparsity = tensor.Sparsity()
    if sparsity is None:
        return values.reshape(shape)
    dimensions: list[tuple[int, npt.NDArray[Any], npt.NDArray[Any]] | int] = []
    for level in range(sparsity.DimMetadataLength()):
        meta = sparsity.DimMetadata(level)
        if meta.Format() == tflite.DimensionType.DENSE:
            dimensions.append(int(meta.DenseSize()))
        else:
            segments = _index_vector(meta.ArraySegmentsType(), meta.ArraySegments())
            indices = _index_vector(meta.ArrayIndicesType(), meta.ArrayIndices())
            dimensions.append((0, segments, indices))
    order = tuple(int(axis) for axis in sparsity.TraversalOrderAsNumpy())
    blocks = (
        tuple(int(axis) for axis in sparsity.BlockMapAsNumpy()) if sparsity.BlockMapLength() else ()
    )
    return densify(values, shape, order, blocks, tuple(dimensions))


def _operator(model: Any, raw: Any) -> Operator:
    code = model.OperatorCodes(raw.OpcodeIndex())
    kind = _BUILTIN_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    stride, padding, activation = 1, "", "none"
    table = raw.BuiltinOptions()
    if kind in _OPTIONS and table is not None:
        options = _OPTIONS[kind]()
        options.Init(table.Bytes, table.Pos)
        if hasattr(options, "StrideH"):
            stride = int(options.StrideH())
            padding = "same" if options.Padding() == tflite.Padding.SAME else "valid"
        if hasattr(options, "FusedActivationFunction"):
            activation = _ACTIVATIONS[int(options.FusedActivationFunction())]
    inputs = tuple(int(index) for index in raw.InputsAsNumpy() if index >= 0)
    outputs = tuple(int(index) for index in raw.OutputsAsNumpy())
    return Operator(kind, inputs, outputs, stride, padding, activation)


def read_graph(path: str | Path) -> Graph:
    """Parse a ``.tflite`` file of one subgraph.

    Raises OSError when the file cannot be read, ValueError when it is not such a file.
    """
    content = Path(path).read_bytes()
    if content[4:8] != b"TFL3":
        raise ValueError(f"got {path}, which is not a TensorFlow Lite file (no TFL3 mark)")
    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)
    constants: dict[int, npt.NDArray[Any]] = {}
    shapes: dict[int, tuple[int, ...]] = {}
    names: dict[int, str] = {}
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        shapes[index] = (
            tuple(int(size) for size in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
        )
        names[index] = tensor.Name().decode()
        value = _tensor_value(model, tensor)
        if value is not None:
            constants[index] = value.astype(np.float32) if value.dtype == np.float16 else value
    operators: list[Operator] = []
    for position in range(graph.OperatorsLength()):
        operator = _operator(model, graph.Operators(position))
        if operator.kind in ("DEQUANTIZE", "DENSIFY"):
            constants[operator.outputs[0]] = constants[operator.inputs[0]]
        else:
            operators.append(operator)
    return Graph(tuple(operators), constants, shapes, names)
