"""torchvision's detectors: only people, one sentence when weights cannot be fetched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch._tensor import Tensor

from rmpe.detectors.torchvision import TorchvisionDetector, build_torchvision_detector


class Canned(torch.nn.Module):
    def forward(self, images: list[torch.Tensor]) -> list[dict[str, Tensor]]:
        self.seen = images
        boxes = torch.tensor([[0.0, 0, 5, 5], [1, 1, 9, 9], [2, 2, 8, 8], [0, 0, 1, 1]])
        labels, scores = torch.tensor([1, 1, 3, 1]), torch.tensor([0.6, 0.9, 0.95, 0.1])
        return [{"boxes": boxes, "labels": labels, "scores": scores} for _ in images]


def test_only_people_above_the_threshold_best_first() -> None:
    model = Canned()
    picture = np.zeros((10, 12, 3), np.uint8)
    picture[..., 0] = 255
    (found,) = TorchvisionDetector(model, torch.device("cpu"))([picture])
    np.testing.assert_allclose(found.scores, [0.9, 0.6])
    np.testing.assert_allclose(found.boxes_xyxy[0], [1, 1, 9, 9])
    assert model.seen[0].shape == (3, 10, 12)
    assert model.seen[0][2].min() == 1.0 and model.seen[0][0].max() == 0.0


def test_no_pictures_no_boxes() -> None:
    assert TorchvisionDetector(Canned(), torch.device("cpu"))([]) == []


def test_unknown_names_are_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="'yolo'; supported are fasterrcnn_resnet50_fpn"):
        build_torchvision_detector("yolo")


def test_weights_that_cannot_be_fetched_say_which_file_to_put_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("RMPE_OFFLINE", "1")
    place = tmp_path / "hub" / "checkpoints"
    message = rf"fcos_resnet50_fpn_coco-99b0c9b7\.pth is not in {place}.*offline flag is set; put"
    with pytest.raises(OSError, match=message):
        build_torchvision_detector("fcos_resnet50_fpn", device="cpu")
