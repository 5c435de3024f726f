"""Run a network that lies in an ONNX file, with OpenVINO on the CPU or with onnxruntime."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpe._door import extra_module
from rmpe.runtimes._openvino import HINTS, openvino
from rmpe.runtimes.base import CPU_BATCH, GPU_BATCH

Sides = tuple[int | None, ...]
Engine = Literal["openvino", "onnxruntime"]
Outputs = list[NDArray[Any]]
_NUMBERS = ("float16", "float32", "float64", "uint8")
"""What pictures may be made of."""


class OnnxFile:
    """An ONNX file that is open on an engine: what it takes and gives, and a call."""

    input_shape: Sides
    """Of its one input; None where it may vary."""
    output_names: list[str]
    """Of its outputs, in order."""
    output_shapes: list[Sides]
    """Of its outputs, in the same order."""

    def __init__(
        self,
        path: Path,
        engine: Engine,
        device: str = "auto",
        precision: str = "fp32",
        *,
        threads: int = 0,
    ) -> None:
        """Open the file.

        Args:
            path: the file.
            engine: what computes.
            device: of onnxruntime: ``cpu``, ``cuda``, or ``auto`` for the best that it offers.
            precision: of OpenVINO: fp32 or bf16; onnxruntime computes as the file says.
            threads: threads of one call; 0 leaves it to the engine.

        Raises:
            OSError: the file is missing.
            ValueError: the engine cannot read it, or the network has several inputs, or one of
                other numbers than floating point and bytes.
        """
        if not path.is_file():
            raise FileNotFoundError(f"there is no ONNX file {path}")
        opened = _openvino if engine == "openvino" else _onnxruntime
        inputs, outputs, self._run, self.engine, batch = opened(path, device, precision, threads)
        if len(inputs) != 1:
            raise ValueError(f"{path.name} has {len(inputs)} inputs, needed is one of pictures")
        self.input_shape, numbers = inputs[0]
        if numbers not in _NUMBERS:
            raise ValueError(f"{path.name} takes {numbers}, needed is floating point or uint8")
        self._dtype = np.dtype(numbers)
        self.output_names = [name for name, _ in outputs]
        self.output_shapes = [shape for _, shape in outputs]
        self.usual_batch = self.input_shape[0] or batch
        self.weights_digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]

    @property
    def takes_bytes(self) -> bool:
        """Whether its pictures are whole numbers, 0 to 255, which it normalises itself."""
        return self._dtype == np.uint8

    def __call__(self, planes: NDArray[np.float32]) -> Outputs:
        """Return the outputs for float pictures (N, 3, H, W), any N; bytes are rounded."""
        batch = self.input_shape[0]
        if self.takes_bytes:
            planes = np.rint(planes)
        planes = planes.astype(self._dtype, copy=False)
        if batch is None or batch == len(planes):
            return self._run(planes)
        # A file for one picture, or for so many: what lacks is filled up and cut off again.
        parts = []
        for start in range(0, len(planes), batch):
            part = planes[start : start + batch]
            lacking = batch - len(part)
            filled = np.concatenate([part, np.repeat(part[-1:], lacking, 0)]) if lacking else part
            parts.append([output[: len(part)] for output in self._run(filled)])
        return [np.concatenate(outputs) for outputs in zip(*parts)]


class OnnxRuntime:
    """A pose network in an ONNX file behind its preprocessing; see ``rmpe.runtimes.Runtime``."""

    def __init__(
        self,
        file: OnnxFile,
        colour_order: Literal["rgb", "bgr"],
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        outputs: tuple[int, ...] = (0,),
    ) -> None:
        """Put the preprocessing before an open file.

        Args:
            file: the network.
            colour_order: the order of its three channels.
            mean: subtracted from each channel, for values of 0..1, in the network's order.
            std: divides each channel after that.
            outputs: places of the outputs that count, in the order in which they are wanted.
        """
        self._in_use = Lock()
        self._file = file
        self._colours = slice(None, None, -1) if colour_order == "rgb" else slice(None)
        self._mean = np.array(mean, np.float32) * 255
        self._std = np.array(std, np.float32) * 255
        self._outputs = outputs
        self.description = file.engine
        self.usual_batch = file.usual_batch
        described = f"{file.weights_digest} {colour_order} {mean} {std}"
        self.weights_digest = hashlib.sha256(described.encode()).hexdigest()[:12]

    def __call__(self, images_bgr: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Return the outputs for uint8 pictures (N, H, W, 3)."""
        values = (images_bgr[..., self._colours].astype(np.float32) - self._mean) / self._std
        planes = np.ascontiguousarray(values.transpose(0, 3, 1, 2))  # (N, 3, H, W)
        with self._in_use:
            outputs = self._file(planes)
        found = (np.array(outputs[place], np.float32) for place in self._outputs)
        return tuple(torch.from_numpy(output) for output in found)


_Opened = tuple[
    list[tuple[Sides, str]],  # inputs, and what numbers they take
    list[tuple[str, Sides]],
    Callable[[NDArray[Any]], Outputs],
    str,  # the engine in words
    int,  # pictures of one call that suit it
]


def _openvino(path: Path, device: str, precision: str, threads: int) -> _Opened:
    core = openvino.Core()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,
    }
    try:
        model = core.read_model(str(path))
        request = core.compile_model(model, "CPU", settings).create_infer_request()
    except RuntimeError as error:
        raise ValueError(f"OpenVINO cannot read {path.name}: {_first_line(error)}") from error

    def run(planes: NDArray[Any]) -> Outputs:
        results = request.infer([planes], share_inputs=True)
        return [np.asarray(value) for value in results.values()]

    def numbers_of(port: openvino.Output) -> str:
        kind = port.get_element_type()
        # numpy has no such numbers: OpenVINO calls them float16, whose bits mean something else.
        return "bfloat16" if kind == openvino.Type.bf16 else np.dtype(kind.to_dtype()).name

    inputs = [(_sides(port), numbers_of(port)) for port in model.inputs]
    outputs = [(_port_name(port), _sides(port)) for port in model.outputs]
    version = openvino.__version__.split("-")[0]
    engine = f"openvino {version} {precision} on cpu, an ONNX file"
    return inputs, outputs, run, engine, CPU_BATCH


def _onnxruntime(path: Path, device: str, precision: str, threads: int) -> _Opened:
    onnxruntime = extra_module("onnxruntime", "onnx", "runtime 'onnxruntime'")
    errors = onnxruntime.capi.onnxruntime_pybind11_state
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    providers = _providers(onnxruntime.get_available_providers(), device)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except (
        errors.InvalidProtobuf,
        errors.InvalidGraph,
        errors.InvalidArgument,
        errors.NotImplemented,
        errors.Fail,
    ) as error:
        raise ValueError(f"onnxruntime cannot read {path.name}: {_first_line(error)}") from error

    def shape_of(entry: Any) -> Sides:
        return tuple(side if isinstance(side, int) else None for side in entry.shape)

    name = session.get_inputs()[0].name

    def run(planes: NDArray[Any]) -> Outputs:
        return [np.asarray(value) for value in session.run(None, {name: planes})]

    def numbers_of(entry: Any) -> str:
        word: str = entry.type.removeprefix("tensor(").removesuffix(")")
        return {"float": "float32", "double": "float64"}.get(word, word)

    inputs = [(shape_of(entry), numbers_of(entry)) for entry in session.get_inputs()]
    outputs = [(e.name, shape_of(e)) for e in session.get_outputs()]
    used = session.get_providers()[0].removesuffix("ExecutionProvider")
    engine = f"onnxruntime {onnxruntime.__version__} on {used}, an ONNX file"
    return inputs, outputs, run, engine, CPU_BATCH if used == "CPU" else GPU_BATCH


def _providers(available: list[str], device: str) -> list[str]:
    """Where onnxruntime may compute, best first."""
    kind = device.partition(":")[0]
    if kind == "auto":
        return available
    if kind == "cuda" and "CUDAExecutionProvider" not in available:
        raise ValueError(
            f"this onnxruntime does not compute on {device!r}, it offers {', '.join(available)}; "
            "install onnxruntime-gpu or use --device cpu"
        )
    return (["CUDAExecutionProvider"] if kind == "cuda" else []) + ["CPUExecutionProvider"]


def _sides(port: Any) -> Sides:
    return tuple(
        dimension.get_length() if dimension.is_static else None
        for dimension in port.get_partial_shape()
    )


def _port_name(port: Any) -> str:
    return next(iter(sorted(port.get_names())), "")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:160] if lines else type(error).__name__
