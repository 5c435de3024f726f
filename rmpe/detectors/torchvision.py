"""Detectors of torchvision with their published COCO weights, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
import torchvision
from torchvision.models import detection

from rmpe.records import Boxes, ImageArray
from rmpe.runtimes import choose_device
from rmpe.zoo.catalogue import find_entry
from rmpe.zoo.download import FetchOptions, fetch

TorchvisionName = Literal[
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fcos_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
]
TORCHVISION_NAMES: tuple[str, ...] = get_args(TorchvisionName)
PERSON_LABEL = 1
USUAL_SCORE = 0.5
"""Boxes below are dropped unless something else is asked for."""


class TorchvisionDetector:
    """A torchvision detection model of which only the class person is read."""

    def __init__(
        self, model: torch.nn.Module, device: torch.device, score_threshold: float = USUAL_SCORE
    ):
        """Take a model as ``torchvision.models.detection`` makes them.

        Args:
            model: takes RGB pictures 0..1 (3, H, W), gives dicts of boxes, labels, scores.
            device: where it runs.
            score_threshold: boxes below are dropped.
        """
        self._model = model.eval().to(device)
        self._device = device
        self._score_threshold = score_threshold
        self.description = f"torchvision {torchvision.__version__} {type(model).__name__}"

    def __call__(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the people of every picture, see :class:`rmpe.detectors.base.Detector`."""
        if not images_bgr:
            return []
        tensors = [
            torch.from_numpy(np.ascontiguousarray(image[..., ::-1]))
            .to(self._device)
            .permute(2, 0, 1)
            .float()
            / 255
            for image in images_bgr
        ]
        with torch.inference_mode():
            results = self._model(tensors)
        found = []
        for result in results:
            person = result["labels"] == PERSON_LABEL
            kept = person & (result["scores"] >= self._score_threshold)
            boxes = Boxes(result["boxes"][kept].cpu().numpy(), result["scores"][kept].cpu().numpy())
            found.append(boxes.select(np.argsort(-boxes.scores, kind="stable")))
        return found


def build_torchvision_detector(
    name: str, *, device: str = "auto", score_threshold: float | None = None
) -> TorchvisionDetector:
    """Return a pretrained torchvision detector.

    Args:
        name: one of ``TORCHVISION_NAMES``; the newest COCO weights are fetched into torch's own
            cache.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        score_threshold: boxes below are dropped; None takes :data:`USUAL_SCORE`.

    Raises:
        ValueError: the name is unknown, the device is not there, or what came is another file.
        OSError: the weights cannot be fetched.
    """
    if name not in TORCHVISION_NAMES:
        raise ValueError(
            f"unknown torchvision detector {name!r}; supported are {', '.join(TORCHVISION_NAMES)}"
        )
    chosen = choose_device(device)
    entry = find_entry(name)
    kept = replace(FetchOptions(), cache_dir=Path(torch.hub.get_dir()) / "checkpoints")
    fetch(entry.address, entry.sha256_prefix, kept, max_bytes=entry.max_bytes)
    model = getattr(detection, name)(weights="DEFAULT")
    limit = USUAL_SCORE if score_threshold is None else score_threshold
    return TorchvisionDetector(model, chosen, limit)
