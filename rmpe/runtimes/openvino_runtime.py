"""Run a torch network with OpenVINO, converted directly from the module."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rmpe.runtimes._openvino import HINTS, OpenVinoEngine, openvino
from rmpe.runtimes.base import Precision
from rmpe.runtimes.preprocess import PreprocessedNetwork


class OpenVinoRuntime(OpenVinoEngine):
    """A torch network on OpenVINO, on the CPU."""

    def __init__(self, network: PreprocessedNetwork, precision: Precision, threads: int) -> None:
        """Prepare ``network``; compiling happens at the first picture.

        Args:
            network: the network with its preprocessing.
            precision: fp32 or bf16.
            threads: threads of one call; 0 leaves it to OpenVINO.

        Raises:
            ValueError: the precision is not one of the engine's.
        """
        super().__init__(precision, threads, network.any_size, network.digest())
        self._network = copy.deepcopy(network).cpu().float().eval()

    def _convert(self, height: int, width: int) -> openvino.Model:
        return converted(self._network, height, width)

    def __call__(self, images_bgr: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Return the outputs for uint8 pictures (N, H, W, 3), see :class:`Runtime`."""
        return tuple(torch.from_numpy(output) for output in self.infer(images_bgr))


def converted(network: PreprocessedNetwork, height: int, width: int) -> openvino.Model:
    """Return a network in fp32 on the CPU as a model of OpenVINO's, traced at a picture size."""
    example = torch.zeros((2, height, width, 3), dtype=torch.uint8)
    with torch.inference_mode(), warnings.catch_warnings():
        # The converter traces with torch.jit, which torch calls deprecated.
        warnings.simplefilter("ignore")
        return openvino.convert_model(network, example_input=example)


class OpenVinoPart:
    """A part of a network, tensors in and tensors out, compiled for one size of input."""

    def __init__(self, part: nn.Module, example: Tensor, precision: Precision) -> None:
        """Compile ``part`` for one thread and any number of rows like the example's, (N, ...).

        Raises ValueError when the precision is not one of the engine's.
        """
        if precision not in HINTS:
            raise ValueError(f"a part computes in {', '.join(HINTS)}, got {precision!r}")
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # see converted
            model = openvino.convert_model(part, example_input=example)
        model.reshape([-1, *example.shape[1:]])
        settings = {"INFERENCE_PRECISION_HINT": HINTS[precision], "INFERENCE_NUM_THREADS": 1}
        self._request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    def __call__(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the part's outputs, float32, without a gradient."""
        results = self._request.infer([x.detach().float().numpy()])
        return tuple(torch.from_numpy(np.array(value)) for value in results.values())
