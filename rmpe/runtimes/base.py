"""The runtime protocol and the choice of engine, device and precision."""

from __future__ import annotations

import ctypes.util
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, Union, get_args

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from rmpe.runtimes.preprocess import PreprocessedNetwork

RuntimeName = Literal["auto", "torch", "openvino", "onnxruntime"]
Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]

NetworkOutput: TypeAlias = Union["Tensor", NDArray[np.float32]]
"""What a network answers: a tensor of torch's, or an array where torch is not needed."""

CPU_BATCH = 4
"""Pictures of one call on a processor: the maps of more leave its caches, a picture of sixteen
takes 6 to 19 per cent longer (benchmarks/bench_pipeline.py --part batches)."""
GPU_BATCH = 16
"""Pictures of one call on a GPU."""

DEVICES_HELP = "auto, cpu, cuda, cuda:N or mps"

_SIGNS_OF_A_GPU = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg", "/dev/kfd")


class Runtime(Protocol):
    """A network ready to run; several threads may call it at a time."""

    description: str
    """Engine, device and precision in words."""
    weights_digest: str
    """Digest of the network's weights and preprocessing, see ``PreprocessedNetwork.digest``."""

    usual_batch: int
    """Pictures of one call that suit the engine."""

    def __call__(self, images_bgr: NDArray[np.uint8]) -> tuple[NetworkOutput, ...]:
        """Return the network's outputs, float32, for uint8 pictures (N, H, W, 3).

        Tensors stay on the runtime's device.
        """


def as_array(output: NetworkOutput) -> NDArray[np.float32]:
    """Return a network's answer as an array, float32 in the computer's own memory."""
    if isinstance(output, np.ndarray):
        return output
    return np.asarray(output.detach().float().cpu().numpy(), np.float32)


def runs_without_torch(runtime: str, device: str) -> bool:
    """Tell whether these choices mean OpenVINO on the CPU, without asking torch.

    ``auto`` is a GPU where there is one; only torch knows for sure, so a sign of one is enough to
    leave the choice to torch.
    """
    if runtime not in ("auto", "openvino"):
        return False
    return device == "cpu" or (device == "auto" and not _gpu_may_be_there())


def _gpu_may_be_there() -> bool:
    """Tell whether torch might compute on a GPU of this machine."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return any(Path(path).exists() for path in _SIGNS_OF_A_GPU)


def choose_device(device: str) -> torch.device:
    """Return the torch device of a name; ``auto`` takes a GPU where there is one.

    Raises:
        ValueError: the name is unknown or the device is not there.
    """
    import torch

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
    import torch

    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def choose_precision(precision: Precision, device: torch.device) -> Precision:
    """Return the precision to compute in: ``auto`` is half where the hardware has it."""
    _check_precision(precision)
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "fp16"
    return "bf16" if device.type == "cpu" and cpu_has_bf16() else "fp32"


def choose_openvino_precision(precision: Precision) -> Precision:
    """Return the precision that OpenVINO computes in: ``auto`` is half where the processor is."""
    from rmpe.runtimes._openvino import cpu_computes_bf16

    _check_precision(precision)
    if precision != "auto":
        return precision
    return "bf16" if cpu_computes_bf16() else "fp32"


def _check_precision(precision: str) -> None:
    if precision not in get_args(Precision):
        raise ValueError(
            f"unknown precision {precision!r}; supported are {', '.join(get_args(Precision))}"
        )


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
    if precision == "int8":
        raise ValueError(
            "precision 'int8' is there for the bundled networks on OpenVINO and a CPU alone; "
            "use bf16 or fp32 here"
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
    if engine == "onnxruntime":
        raise ValueError(
            "runtime 'onnxruntime' runs ONNX files; write one with the command export first"
        )
    from rmpe.runtimes.torch_runtime import TorchRuntime

    return TorchRuntime(network, chosen, computed)
