"""OpenVINO's side of a runtime: models compiled for picture sizes, and their requests."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Every conversion would be reported to OpenVINO's maker over the network, unasked. Without its
# package for reports OpenVINO sends none.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402

from rmpe.runtimes.base import CPU_BATCH  # noqa: E402

HINTS = {"fp32": "f32", "bf16": "bf16"}
_ANY_SIZE = (-1, -1)
_MOST_SIZES = 3


class OpenVinoEngine(ABC):
    """A network on OpenVINO; compiled models for the first picture sizes, one for all others.

    A network that is not for ``any_size`` is compiled for every size.
    """

    def __init__(self, precision: str, threads: int, any_size: bool, weights_digest: str) -> None:
        """Prepare the engine; compiling happens at the first picture.

        Args:
            precision: fp32 or bf16.
            threads: threads of one call; 0 leaves it to OpenVINO.
            any_size: the model of one picture size holds for all sizes.
            weights_digest: of the network's weights.

        Raises:
            ValueError: the precision is not one of the engine's.
        """
        if precision not in HINTS:
            raise ValueError(
                f"runtime 'openvino' computes in {', '.join(HINTS)}, got {precision!r}"
            )
        self._core = openvino.Core()
        self._settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
        }
        self._any_size = any_size
        self._requests: dict[tuple[int, int], openvino.InferRequest] = {}
        self._model: openvino.Model | None = None
        version = openvino.__version__.split("-")[0]
        self.description = f"openvino {version} {precision} on cpu"
        self.weights_digest = weights_digest
        self.usual_batch = CPU_BATCH

    @abstractmethod
    def _convert(self, height: int, width: int) -> openvino.Model:
        """Return the network as a model of OpenVINO's, made for a picture size."""

    def _request(self, height: int, width: int) -> openvino.InferRequest:
        """Return the request of a picture size, any batch."""
        size: tuple[int, int] = (height, width)
        if size in self._requests:
            return self._requests[size]
        # A clip has one size, looked at in a few scales, and a model of one size is quicker; all
        # others share a model.
        if self._any_size and len(self._requests) >= _MOST_SIZES:
            size = _ANY_SIZE
        if size not in self._requests:
            compiled = self._compiled(size, height, width)
            self._requests[size] = compiled.create_infer_request()
        return self._requests[size]

    def _compiled(self, size: tuple[int, int], height: int, width: int) -> openvino.CompiledModel:
        """Return the network compiled for ``size``, converted for a picture of height x width."""
        model = self._model or self._convert(height, width)
        if self._any_size:
            self._model = model.clone()
        model.reshape([-1, *size, 3])
        return self._core.compile_model(model, "CPU", self._settings)

    def infer(self, images_bgr: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Return the outputs for uint8 pictures (N, H, W, 3)."""
        request = self._request(*images_bgr.shape[1:3])
        results = request.infer([np.ascontiguousarray(images_bgr)], share_inputs=True)
        return [np.asarray(value) for value in results.values()]


def cpu_computes_bf16() -> bool:
    """Tell whether OpenVINO finds that the processor computes in bfloat16."""
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
