"""Run a network with OpenVINO, converted directly from the torch module."""

from __future__ import annotations

import copy
import sys
import threading
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpe.runtimes.base import Precision
from rmpe.runtimes.preprocess import PreprocessedNetwork

# Every conversion would be reported to OpenVINO's maker over the network, unasked. Without its
# package for reports OpenVINO sends none.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402

_HINTS = {"fp32": "f32", "bf16": "bf16"}
_ANY_SIZE = (-1, -1)
# Tracing a network, by which OpenVINO reads it, works in one thread of a process at a time.
_TRACING = threading.Lock()


class OpenVinoRuntime:
    """OpenVINO on the CPU; one compiled model for the first picture size, one for all others.

    Threads may share it: their calls follow each other.

    A network whose trace depends on the size (``any_size`` is not set) is compiled for every size.
    """

    def __init__(self, network: PreprocessedNetwork, precision: Precision, threads: int) -> None:
        """Prepare ``network``; compiling happens at the first picture.

        Args:
            network: the network with its preprocessing.
            precision: fp32 or bf16.
            threads: threads of one call; 0 leaves it to OpenVINO.

        Raises:
            ValueError: the precision is not one of the engine's.
        """
        if precision not in _HINTS:
            raise ValueError(
                f"runtime 'openvino' computes in {', '.join(_HINTS)}, got {precision!r}"
            )
        self._network = copy.deepcopy(network).cpu().float().eval()
        self._core = openvino.Core()
        self._settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
        }
        self._requests: dict[tuple[int, int], openvino.InferRequest] = {}
        self._model: openvino.Model | None = None
        self._busy = threading.Lock()
        version = openvino.__version__.split("-")[0]
        self.description = f"openvino {version} {precision} on cpu"
        self.weights_digest = network.digest()

    def _request(self, height: int, width: int) -> openvino.InferRequest:
        """Return the request of a picture size, any batch."""
        size: tuple[int, int] = (height, width)
        if size in self._requests:
            return self._requests[size]
        # A clip has one size, and a model of one size is quicker; all others share a model.
        if self._network.any_size and self._requests:
            size = _ANY_SIZE
        if size not in self._requests:
            model = self._model or self._convert(height, width)
            if self._network.any_size:
                self._model = model.clone()
            model.reshape([-1, *size, 3])
            compiled = self._core.compile_model(model, "CPU", self._settings)
            self._requests[size] = compiled.create_infer_request()
        return self._requests[size]

    def _convert(self, height: int, width: int) -> openvino.Model:
        example = torch.zeros((2, height, width, 3), dtype=torch.uint8)
        with _TRACING, torch.inference_mode(), warnings.catch_warnings():
            # The converter traces with torch.jit, which torch calls deprecated.
            warnings.simplefilter("ignore")
            return openvino.convert_model(self._network, example_input=example)

    def __call__(self, images_bgr: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Return the outputs for uint8 pictures (N, H, W, 3), see :class:`Runtime`."""
        with self._busy:
            request = self._request(*images_bgr.shape[1:3])
            results = request.infer([np.ascontiguousarray(images_bgr)], share_inputs=True)
        return tuple(torch.from_numpy(np.asarray(value)) for value in results.values())
