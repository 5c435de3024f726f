"""Person detectors of the Hugging Face hub: DETR, RT-DETR, D-FINE and what else
``AutoModelForObjectDetection`` loads, by name or from a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rmpe.geometry.boxes import clip_boxes
from rmpe.joint_names import PERSON_NAMES
from rmpe.records import Boxes, ImageArray
from rmpe.runtimes import choose_device
from rmpe.zoo.hugging_face import from_hub

PERSON = "person"


@dataclass(frozen=True)
class HubDetectorOptions:
    """How boxes are read."""

    score_threshold: float = 0.3
    """Boxes of this score or less are dropped."""
    max_boxes: int = 100
    """Most boxes of one picture."""


class HubDetector:
    """A network of the hub of which only the class person is read; it suppresses by itself."""

    def __init__(
        self, name: str, *, device: str = "auto", options: HubDetectorOptions | None = None
    ) -> None:
        """Load a network.

        Args:
            name: on the hub, or a folder.
            device: see :func:`rmpe.runtimes.choose_device`.
            options: thresholds.

        Raises:
            ValueError: transformers is not installed, or the network knows no person.
            OSError: it cannot be fetched or read.
        """
        model, self._processor = from_hub(
            name, "AutoModelForObjectDetection", "AutoImageProcessor", "a detector"
        )
        labels = {int(place): str(label) for place, label in model.config.id2label.items()}
        called = {label.strip().lower(): place for place, label in labels.items()}
        people = [PERSON, *sorted(PERSON_NAMES)]
        found = next((called[label] for label in people if label in called), None)
        if found is None:
            known = ", ".join(labels.values())
            raise ValueError(f"{name} knows no class {PERSON!r}; it has {known}")
        self._person = found
        self._device = choose_device(device)
        self._model = model.eval().to(self._device)
        self.options = options or HubDetectorOptions()
        self.description = f"{model.config.model_type} of the hub on {self._device}"
        total = hashlib.sha256()
        for key, tensor in model.state_dict().items():
            total.update(key.encode())
            total.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        self.weights_digest = total.hexdigest()[:12]

    @torch.inference_mode()
    def __call__(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the people of every picture, see :class:`rmpe.detectors.base.Detector`.

        Pictures of one size go through the network together.
        """
        if len({image.shape for image in images_bgr}) > 1:
            return [boxes for image in images_bgr for boxes in self([image])]
        if not images_bgr:
            return []
        height, width = images_bgr[0].shape[:2]
        pictures = [np.ascontiguousarray(image[..., ::-1]) for image in images_bgr]
        inputs = self._processor(images=pictures, return_tensors="pt").to(self._device)
        found = self._processor.post_process_object_detection(
            self._model(**inputs),
            threshold=self.options.score_threshold,
            target_sizes=[(height, width)] * len(pictures),
        )
        return [self._people(each, height, width) for each in found]

    def _people(self, found: dict[str, torch.Tensor], height: int, width: int) -> Boxes:
        """Return the people of one picture, best first."""
        people = found["labels"] == self._person
        scores = found["scores"][people].float().cpu().numpy()
        boxes = clip_boxes(found["boxes"][people].float().cpu().numpy(), width, height)
        order = np.argsort(-scores, kind="stable")[: self.options.max_boxes]
        return Boxes(boxes[order], scores[order])
