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
    box_score: float | None = None,
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
        box_score: boxes below this score are dropped; None takes the detector's own limit.

    Raises:
        ValueError: the name or another setting is unknown, the weights do not fit, or box_score
            is not in 0..1.
        OSError: a file cannot be read, or weights cannot be fetched.
    """
    if box_score is not None and not 0 <= box_score <= 1:
        raise ValueError(f"box_score is {box_score}, allowed is 0..1")
    kind, colon, rest = name.partition(":")
    if kind in ("compact", "compact-accurate") and (rest or not colon):
        from rmpe.detectors.compact import ACCURATE, FAST, build_compact_detector

        options = FAST if kind == "compact" else ACCURATE
        return build_compact_detector(
            rest or None,
            options=options if box_score is None else options.from_score(box_score),
            device=device,
            runtime=runtime,
            precision=precision,
            threads=threads,
        )
    if rest and (kind == "yolox" or (kind == "rtmdet" and rest.endswith(".onnx"))):
        return _onnx_detector(rest, kind, threads, box_score)
    if rest and kind == "torchvision":
        from rmpe.detectors.torchvision import build_torchvision_detector

        return build_torchvision_detector(rest, device=device, score_threshold=box_score)
    if rest and kind == "hf":
        from rmpe.detectors.hugging_face import HubDetector, HubDetectorOptions

        chosen = None if box_score is None else HubDetectorOptions(box_score)
        return HubDetector(rest, device=device, options=chosen)
    if rest and kind == "rtmdet":
        from rmpe.detectors.rtmdet import RtmdetOptions, build_rtmdet_detector

        return build_rtmdet_detector(
            rest,
            options=None if box_score is None else RtmdetOptions(box_score),
            device=device,
            runtime=runtime,
            precision=precision,
            threads=threads,
        )
    raise ValueError(f"unknown detector {name!r}; supported are {DETECTOR_HELP}")


def _onnx_detector(name: str, family: str, threads: int, box_score: float | None) -> Detector:
    """Return the detector of an ONNX file, see :func:`build_detector`."""
    from rmpe.detectors.onnx import OnnxDetector, OnnxOptions

    options = None if box_score is None else OnnxOptions(box_score)
    return OnnxDetector(_onnx_path(name), family, options=options, threads=threads)


def _onnx_path(name: str) -> Path:
    """Return the ONNX file of that path, or of the catalogue's entry of that name."""
    path = Path(name)
    if path.suffix == ".onnx" or path.is_file():
        return path
    from rmpe.zoo.catalogue import find_entry
    from rmpe.zoo.unpacking import fetch_onnx

    return fetch_onnx(find_entry(name))
