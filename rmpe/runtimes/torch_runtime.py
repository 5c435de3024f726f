"""Run a network with torch itself."""

from __future__ import annotations

import copy
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpe.runtimes.base import CPU_BATCH, GPU_BATCH, Precision
from rmpe.runtimes.preprocess import PreprocessedNetwork

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class TorchRuntime:
    """Torch on a device, weights and activations in one precision, channels last."""

    def __init__(
        self, network: PreprocessedNetwork, device: torch.device, precision: Precision
    ) -> None:
        """Copy ``network`` to ``device``; its own weights stay as they are."""
        if precision == "fp16" and device.type == "cpu":
            raise ValueError("precision 'fp16' needs a GPU; on a CPU use bf16 or fp32")
        self.device = device
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.network.to(device, _DTYPES[precision]).to(memory_format=torch.channels_last)
        self.description = f"torch {torch.__version__} {precision} on {device}"
        self.weights_digest = network.digest()
        self._in_use = Lock()
        self.usual_batch = CPU_BATCH if device.type == "cpu" else GPU_BATCH

    @torch.inference_mode()
    def __call__(self, images_bgr: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Return the outputs for uint8 pictures (N, H, W, 3), see :class:`Runtime`."""
        batch = torch.from_numpy(np.ascontiguousarray(images_bgr)).to(self.device)
        with self._in_use:
            outputs = self.network(batch)
        if isinstance(outputs, Tensor):
            outputs = (outputs,)
        return tuple(output.float() for output in outputs)
