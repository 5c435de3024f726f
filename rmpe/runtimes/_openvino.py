"""OpenVINO's side of a runtime: models compiled for picture sizes, and their requests."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Every conversion would be reported to OpenVINO's maker over the network, unasked. Without its
# package for reports OpenVINO sends none.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

# Its converter takes longer to load than all the rest, and few runs convert anything.
_CONVERTER = "openvino.tools.ovc"
sys.modules.setdefault(_CONVERTER, None)  # type: ignore[arg-type]

import openvino  # noqa: E402

from rmpe.runtimes.base import CPU_BATCH  # noqa: E402

HINTS = {"fp32": "f32", "bf16": "bf16"}
_ANY = -1
_MOST_SIZES = 3


def _convert_model(*arguments: Any, **choices: Any) -> openvino.Model:
    """Load the converter and convert a model, as ``openvino.convert_model`` does."""
    from openvino.tools.ovc import convert_model

    openvino.convert_model = convert_model
    return convert_model(*arguments, **choices)


if sys.modules[_CONVERTER] is None:
    del sys.modules[_CONVERTER]
    openvino.convert_model = _convert_model


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
        self._requests: dict[tuple[int, int, int], tuple[openvino.InferRequest, Lock]] = {}
        self._preparing = Lock()
        self._model: openvino.Model | None = None
        version = openvino.__version__.split("-")[0]
        self.description = f"openvino {version} {precision} on cpu"
        self.weights_digest = weights_digest
        self.usual_batch = CPU_BATCH
        self._batches: tuple[int, ...] = (_ANY,)
        """Sizes of batch that are compiled, largest first; a call is made of these."""

    @abstractmethod
    def _convert(self, height: int, width: int) -> openvino.Model:
        """Return the network as a model of OpenVINO's, made for a picture size."""

    def _request(self, batch: int, height: int, width: int) -> tuple[openvino.InferRequest, Lock]:
        """Return the request of so many pictures of a size, and the lock of who uses it."""
        shape = (batch, height, width)
        if shape in self._requests:
            return self._requests[shape]
        # A clip has one size, looked at in a few scales, and a model of one size is quicker; all
        # others share a model.
        if self._any_size and len(self._requests) >= _MOST_SIZES:
            shape = (_ANY, _ANY, _ANY)
        if shape not in self._requests:
            compiled = self._compiled(shape, height, width)
            self._requests[shape] = compiled.create_infer_request(), Lock()
        return self._requests[shape]

    def _compiled(
        self, shape: tuple[int, int, int], height: int, width: int
    ) -> openvino.CompiledModel:
        """Return the network compiled for ``shape``, converted for a picture of height x width.

        Args:
            shape: batch, height and width; -1 stands for any.
            height, width: of a picture that it will be given.
        """
        model = self._model or self._convert(height, width)
        if self._any_size:
            self._model = model.clone()
        model.reshape([*shape, 3])
        return self._core.compile_model(model, "CPU", self._settings)

    def infer(self, images_bgr: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Return the outputs for uint8 pictures (N, H, W, 3)."""
        images = np.ascontiguousarray(images_bgr)
        parts: list[list[NDArray[np.float32]]] = []
        begun = 0
        while begun < len(images) or not parts:
            left = len(images) - begun
            batch = next(size for size in self._batches if size <= left or size == 1)
            with self._preparing:
                request, in_use = self._request(batch, *images.shape[1:3])
            end = len(images) if batch == _ANY else begun + batch
            with in_use:
                parts.append([*request.infer([images[begun:end]], share_inputs=True).values()])
            begun = end
        return [np.concatenate(part) if len(parts) > 1 else part[0] for part in zip(*parts)]


def cpu_computes_bf16() -> bool:
    """Tell whether OpenVINO finds that the processor computes in bfloat16."""
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
