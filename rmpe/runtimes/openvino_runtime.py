"""Run a torch network with OpenVINO, converted directly from the module."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpe.runtimes._openvino import OpenVinoEngine, openvino
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
