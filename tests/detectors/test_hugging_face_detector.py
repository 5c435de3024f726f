"""Detectors of transformers: a small random network gives its own processor's boxes of people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rmpe.detectors import build_detector
from rmpe.detectors.hugging_face import HubDetector, HubDetectorOptions

transformers = pytest.importorskip("transformers", reason="transformers is not installed")


def tiny_rt_detr(folder: Path, labels: dict[int, str]) -> Path:
    """A small random RT-DETR, saved as the hub would have it."""
    torch.manual_seed(0)
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1],
        layer_type="basic", out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.RTDetrConfig(
        backbone_config=backbone, encoder_in_channels=[16, 32, 64], encoder_hidden_dim=32,
        encoder_ffn_dim=32, encoder_attention_heads=2, d_model=32, decoder_ffn_dim=32,
        decoder_in_channels=[32, 32, 32], decoder_layers=1, decoder_attention_heads=2,
        num_queries=20, num_denoising=0, id2label=labels,
    )  # fmt: skip
    transformers.RTDetrForObjectDetection(config).save_pretrained(folder)
    transformers.RTDetrImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def test_boxes_are_the_processors_own_people(tmp_path: Path) -> None:
    folder = tiny_rt_detr(tmp_path / "net", {0: "Person", 1: "car", 2: "dog"})
    detector = build_detector(f"hf:{folder}", device="cpu")
    assert isinstance(detector, HubDetector)
    detector.options = HubDetectorOptions(score_threshold=0.0)
    picture = np.random.default_rng(0).integers(0, 255, (90, 120, 3)).astype(np.uint8)
    boxes = detector([picture])[0]
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    model = transformers.AutoModelForObjectDetection.from_pretrained(folder).eval()
    inputs = processor(images=np.ascontiguousarray(picture[..., ::-1]), return_tensors="pt")
    with torch.inference_mode():
        wanted = processor.post_process_object_detection(
            model(**inputs), threshold=0.0, target_sizes=[(90, 120)]
        )[0]
    people = wanted["labels"] == 0
    assert 0 < int(people.sum()) == len(boxes)
    expected = np.sort(wanted["scores"][people].numpy())[::-1]
    np.testing.assert_allclose(boxes.scores, expected, rtol=1e-5)
    assert (boxes.boxes_xyxy >= 0).all()
    assert (boxes.boxes_xyxy <= [120, 90, 120, 90]).all()
    assert detector([]) == []


def test_what_knows_nobody_or_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    folder = tiny_rt_detr(tmp_path / "net", {0: "car", 1: "dog"})
    with pytest.raises(ValueError, match=r"knows no class 'person'; it has car, dog"):
        build_detector(f"hf:{folder}", device="cpu")
    with pytest.raises(OSError, match="could not load") as caught:
        build_detector(f"hf:{tmp_path}/none", device="cpu")
    assert "\n" not in str(caught.value)
