"""Person detectors: one protocol, and the choice by name."""

from __future__ import annotations

from pathlib import Path

from rmpe.detectors.base import Detector
from rmpe.runtimes import Precision, RuntimeName

DETECTOR_HELP = (
    "compact, compact-accurate, compact:WEIGHTS_FILE, torchvision:MODEL_NAME, yolox:ONNX_FILE, "
    "rtmdet:ONNX_FILE, rtmdet:WEIGHTS_FILE or hf:NAME"
)

__all__ = ["DETECTOR_HELP", "Detector", "build_detector"]


def build_detector(
    name: str,
    *,
    device: str = "auto",
    runtime: RuntimeName = "auto",
    precision: Precision = "auto",
    threads: int = 0,
) -> Detector:
    """Return a detector by name.

    Args:
        name: ``compact`` (weights in the package) or ``compact-accurate`` (the same at more input
            sides), each also with other weights as ``compact:FILE``; ``torchvision:MODEL``
            (pretrained on COCO, fetched by torch), ``yolox:FILE`` or ``rtmdet:FILE`` (ONNX), or
            ``rtmdet:FILE`` of OpenMMLab's own weights (``.pth``), or ``hf:NAME`` of the Hugging
            Face hub or a folder.
        device, runtime, precision, threads: as for :func:`rmpe.runtimes.build_runtime`; torchvision
            uses the device alone, ONNX files the threads alone.

    Raises:
        ValueError: the name or another setting is unknown, or the weights do not fit.
        OSError: a file cannot be read, or weights cannot be fetched.
    """
    kind, colon, rest = name.partition(":")
    if kind in ("compact", "compact-accurate") and (rest or not colon):
        from rmpe.detectors.compact import ACCURATE, FAST, build_compact_detector

        return build_compact_detector(
            rest or None,
            options=FAST if kind == "compact" else ACCURATE,
            device=device,
            runtime=runtime,
            precision=precision,
            threads=threads,
        )
    if rest and kind == "torchvision":
        from rmpe.detectors.torchvision import build_torchvision_detector

        return build_torchvision_detector(rest, device=device)
    if kind == "hf" and rest:
        from rmpe.detectors.hugging_face import HubDetector

        return HubDetector(rest, device=device)
    if kind == "rtmdet" and rest and not rest.endswith(".onnx"):
        from rmpe.detectors.rtmdet import build_rtmdet_detector

        return build_rtmdet_detector(
            rest, device=device, runtime=runtime, precision=precision, threads=threads
        )
    if rest and (kind == "yolox" or kind == "rtmdet"):
        from rmpe.detectors.onnx import OnnxDetector

        return OnnxDetector(_onnx_path(rest), kind, threads=threads)
    raise ValueError(f"unknown detector {name!r}; supported are {DETECTOR_HELP}")


def _onnx_path(name: str) -> Path:
    """Return the ONNX file of that path, or of the catalogue's entry of that name."""
    path = Path(name)
    if path.suffix == ".onnx" or path.is_file():
        return path
    from rmpe.zoo.catalogue import find_entry
    from rmpe.zoo.unpacking import fetch_onnx

    return fetch_onnx(find_entry(name))
