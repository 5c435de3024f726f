"""What this machine has of what the program can use, and whether the program works on it."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import importlib.util
import platform
import time

import numpy as np
import torch

import rmpe
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.runtimes import limit_threads
from rmpe.runtimes.base import cpu_has_bf16

_LIBRARIES = (
    *("torch", "torchvision", "opencv-python", "numpy", "scipy", "av", "openvino", "safetensors"),
    *("pycocotools", "motmetrics", "lightning", "onnx", "onnxruntime", "ray", "starlette"),
)

SAME_PERSON_IOU = 0.5
"""Overlap from which on a drawn person counts as found."""

Finding = tuple[str, str]


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def describe_machine() -> list[Finding]:
    """Return what is here, as (name, value) lines: versions, devices, precision, threads."""
    threads = limit_threads()
    findings = [("rmpe", rmpe.__version__), ("python", platform.python_version())]
    findings += [(library, _version(library)) for library in _LIBRARIES]
    findings.append(
        (
            "threads",
            f"cores {threads.cores}, torch {threads.torch}, OpenVINO {threads.openvino}, "
            f"OpenCV {threads.opencv}, video {threads.video}",
        )
    )
    findings.append(("cpu precision", "bf16 and fp32" if cpu_has_bf16() else "fp32"))
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    findings.append(("CUDA GPUs", str(gpus)))
    findings += [(f"cuda:{i}", torch.cuda.get_device_name(i)) for i in range(gpus)]
    return findings


def describe_weights() -> list[Finding]:
    """Return the bundled weight files with their size in MB."""
    folder = importlib.resources.files("rmpe.weights")
    files = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".safetensors")),
        key=lambda item: item.name,
    )
    return [(item.name, f"{len(item.read_bytes()) / 1e6:.1f} MB") for item in files]


def self_test() -> Finding:
    """Run the bundled estimator on drawn people and return what came of it.

    Raises:
        RuntimeError: it found none of them, or gave something that is not a number.
    """
    from rmpe.estimator import PoseEstimator
    from rmpe.synthetic.world.clips import walkers_scene

    estimator = PoseEstimator.from_preset("compact")
    picture = walkers_scene(3, 640, 360, seed=1).frame_at(0)
    estimator(picture.image_bgr)  # the first call also compiles
    started = time.perf_counter()
    poses = estimator(picture.image_bgr)
    elapsed_ms = (time.perf_counter() - started) * 1000
    if not np.isfinite(poses.keypoints_xy).all():
        raise RuntimeError("the self-test gave joints that are not numbers")
    overlap = box_iou_matrix(picture.boxes_xyxy, poses.boxes_xyxy)  # (people, poses)
    found = int((overlap >= SAME_PERSON_IOU).any(1).sum())
    if not found:
        raise RuntimeError(
            f"the self-test found none of {len(picture.ids)} drawn people "
            f"({estimator.runtime.description})"
        )
    return (
        "self-test",
        f"{found} of {len(picture.ids)} drawn people found in {elapsed_ms:.0f} ms "
        f"({estimator.runtime.description})",
    )
