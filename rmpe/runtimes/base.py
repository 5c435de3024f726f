"""The runtime protocol and the choice of engine, device and precision."""

from __future__ import annotations

from typing import Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpe.runtimes.preprocess import PreprocessedNetwork

RuntimeName = Literal["auto", "torch", "openvino"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

DEVICES_HELP = "auto, cpu, cuda, cuda:N or mps"


class Runtime(Protocol):
    """A network ready to run. Not to be shared by several threads at a time."""

    description: str
    """Engine, device and precision in words."""
    weights_digest: str
    """Digest of the network's weights and preprocessing, see ``PreprocessedNetwork.digest``."""

    def __call__(self, images_bgr: NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Return the network's outputs, float32, for uint8 pictures (N, H, W, 3).

        The tensors stay on the runtime's device.
        """


def choose_device(device: str) -> torch.device:
    """Return the torch device of a name; ``auto`` takes a GPU where there is one.

    Raises:
        ValueError: the name is unknown or the device is not there.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not number.isdigit()):
        raise ValueError(f"unknown device {device!r}; supported are {DEVICES_HELP}")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= count:
            raise ValueError(f"device {device!r} is not there; this machine has {count} CUDA GPUs")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device 'mps' is not there; use --device cpu")
    return torch.device(device)


def cpu_has_bf16() -> bool:
    """Tell whether the processor computes in bfloat16 (AMX or AVX-512 bf16)."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def choose_precision(precision: Precision, device: torch.device) -> Precision:
    """Return the precision to compute in: ``auto`` is half where the hardware has it."""
    if precision not in get_args(Precision):
        raise ValueError(
            f"unknown precision {precision!r}; supported are {', '.join(get_args(Precision))}"
        )
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "fp16"
    return "bf16" if device.type == "cpu" and cpu_has_bf16() else "fp32"


def build_runtime(
    network: PreprocessedNetwork,
    *,
    runtime: RuntimeName = "auto",
    device: str = "auto",
    precision: Precision = "auto",
    threads: int = 0,
) -> Runtime:
    """Return ``network`` made ready to run.

    Args:
        network: the network with its preprocessing.
        runtime: the engine; ``auto`` is OpenVINO on a CPU (it shares the cores best) else torch.
        device: see :func:`choose_device`.
        precision: see :func:`choose_precision`.
        threads: threads of one call; 0 leaves it to the engine.

    Raises:
        ValueError: a name is unknown, the device is not there, or they do not go together.
    """
    chosen = choose_device(device)
    if runtime not in get_args(RuntimeName):
        raise ValueError(
            f"unknown runtime {runtime!r}; supported are {', '.join(get_args(RuntimeName))}"
        )
    engine = runtime
    if engine == "auto":
        engine = "openvino" if chosen.type == "cpu" else "torch"
    computed = choose_precision(precision, chosen)
    if engine == "openvino":
        if chosen.type != "cpu":
            raise ValueError(f"runtime 'openvino' runs on the CPU, got device {device!r}")
        from rmpe.runtimes.openvino_runtime import OpenVinoRuntime

        return OpenVinoRuntime(network, computed, threads)
    from rmpe.runtimes.torch_runtime import TorchRuntime

    return TorchRuntime(network, chosen, computed)
