"""Detectors of transformers: small random networks give their own processors' boxes of people."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rmpe.detectors import build_detector
from rmpe.detectors.hugging_face import HubDetector, HubDetectorOptions

transformers = pytest.importorskip("transformers", reason="transformers is not installed")


SIDES = {"height": 64, "width": 64}
EDGES = {"shortest_edge": 64, "longest_edge": 128}
LABELS = {0: "person", 1: "car"}


def hybrid(family: str, labels: dict[int, str]) -> Any:
    """A small random network of convolutions and a transformer: RT-DETR, RT-DETRv2, D-FINE."""
    if family == "DFine":
        backbone = transformers.HGNetV2Config(
            stem_channels=[3, 8, 8], stage_in_channels=[8, 16, 16, 32],
            stage_mid_channels=[8] * 4, stage_out_channels=[16, 16, 32, 64],
            stage_num_blocks=[1] * 4, stage_numb_of_layers=[1] * 4, hidden_sizes=[16, 16, 32, 64],
            embedding_size=8, depths=[1] * 4, out_features=["stage2", "stage3", "stage4"],
        )  # fmt: skip
    else:
        backbone = transformers.RTDetrResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1] * 4,
            layer_type="basic", out_features=["stage2", "stage3", "stage4"],
        )  # fmt: skip
    config = getattr(transformers, f"{family}Config")(
        backbone_config=backbone, encoder_in_channels=[16, 32, 64], encoder_hidden_dim=32,
        encoder_ffn_dim=32, encoder_attention_heads=2, d_model=32, decoder_ffn_dim=32,
        decoder_in_channels=[32, 32, 32], decoder_layers=2, decoder_attention_heads=2,
        num_queries=20, num_denoising=0, id2label=labels,
    )  # fmt: skip
    return getattr(transformers, f"{family}ForObjectDetection")(config)


def detr(labels: dict[int, str]) -> Any:
    """A small random DETR."""
    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1] * 4,
        layer_type="basic", out_features=["stage4"],
    )  # fmt: skip
    config = transformers.DetrConfig(
        backbone_config=backbone, use_timm_backbone=False, backbone=None, d_model=32,
        use_pretrained_backbone=False, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32,
        decoder_ffn_dim=32, encoder_attention_heads=2, decoder_attention_heads=2, num_queries=20,
        id2label=labels,
    )  # fmt: skip
    return transformers.DetrForObjectDetection(config)


def yolos(labels: dict[int, str]) -> Any:
    """A small random YOLOS."""
    config = transformers.YolosConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        image_size=[64, 64], num_detection_tokens=20, id2label=labels,
    )  # fmt: skip
    return transformers.YolosForObjectDetection(config)


def saved(family: str, folder: Path, labels: dict[int, str]) -> Path:
    """A small random network of a family, saved as the hub would have it."""
    torch.manual_seed(0)
    if family in ("Detr", "Yolos"):
        model = (detr if family == "Detr" else yolos)(labels)
        processor = getattr(transformers, f"{family}ImageProcessor")(size=EDGES)
    else:
        model, processor = hybrid(family, labels), transformers.RTDetrImageProcessor(size=SIDES)
    # Fresh weights find every class equally likely; these differ from query to query.
    torch.manual_seed(0)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.3 * torch.randn_like(weights))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("family", "person"), [("RTDetr", 2), ("RTDetrV2", 0), ("DFine", 1), ("Detr", 2), ("Yolos", 1)]
)
def test_boxes_are_the_processors_own_people(family: str, person: int, tmp_path: Path) -> None:
    labels = {place: "Person" if place == person else f"thing {place}" for place in range(3)}
    folder = saved(family, tmp_path / "net", labels)
    detector = build_detector(f"hf:{folder}", device="cpu")
    assert isinstance(detector, HubDetector)
    detector.options = HubDetectorOptions(score_threshold=0.0)
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (90, 120, 3)).astype(np.uint8) for _ in range(2)]
    pictures.append(pictures[0][:60, :50])
    found = detector(pictures[:2]) + detector([pictures[2]])
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    model = transformers.AutoModelForObjectDetection.from_pretrained(folder).eval()
    for picture, boxes in zip(pictures, found):
        size = picture.shape[:2]
        inputs = processor(images=np.ascontiguousarray(picture[..., ::-1]), return_tensors="pt")
        with torch.inference_mode():
            wanted = processor.post_process_object_detection(
                model(**inputs), threshold=0.0, target_sizes=[size]
            )[0]
        people = wanted["labels"] == person
        assert 0 < int(people.sum()) == len(boxes)
        order = wanted["scores"][people].argsort(descending=True, stable=True)
        corners = wanted["boxes"][people][order].numpy()
        limits = [size[1], size[0], size[1], size[0]]
        np.testing.assert_allclose(boxes.scores, wanted["scores"][people][order], rtol=1e-4)
        np.testing.assert_allclose(boxes.boxes_xyxy, corners.clip(0, limits), atol=0.02)
    # Pictures of several sizes and none at all are no other case.
    assert [len(each) for each in detector(pictures)] == [len(each) for each in found]
    assert detector([]) == []


def test_what_knows_nobody_or_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    folder = saved("RTDetr", tmp_path / "net", {0: "car", 1: "dog"})
    with pytest.raises(ValueError, match=r"knows no class 'person'; it has car, dog"):
        build_detector(f"hf:{folder}", device="cpu")
    with pytest.raises(OSError, match="could not load") as caught:
        build_detector(f"hf:{tmp_path}/none", device="cpu")
    assert "\n" not in str(caught.value)


def test_a_network_in_half_precision_is_computed_in_full(tmp_path: Path) -> None:
    folder = saved("Yolos", tmp_path / "net", LABELS)
    model = transformers.AutoModelForObjectDetection.from_pretrained(folder)
    model.half().save_pretrained(folder)
    assert len(build_detector(f"hf:{folder}", device="cpu")([np.zeros((60, 80, 3), np.uint8)])) == 1


def test_a_damaged_or_incomplete_network_is_one_sentence(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = saved("Yolos", tmp_path / "net", LABELS)
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    removed = tensors.pop("vit.layernorm.weight")
    cases = [
        (tensors, ValueError, "is incomplete: vit.layernorm.weight"),
        ({**tensors, "vit.layernorm.weight": removed[:7]}, ValueError, "does not fit its own"),
    ]
    for content, kind, message in cases:
        save_file(content, weights, metadata={"format": "pt"})
        with pytest.raises(kind, match=message) as caught:
            build_detector(f"hf:{folder}", device="cpu")
        assert "\n" not in str(caught.value)
    weights.write_bytes(b"nothing")
    with pytest.raises(OSError, match="could not load"):
        build_detector(f"hf:{folder}", device="cpu")
    pose = tmp_path / "pose"
    shutil.copytree(folder, pose)
    (pose / "config.json").write_text('{"model_type": "vitpose"}')
    with pytest.raises(ValueError, match="is a vitpose, needed is a detector"):
        build_detector(f"hf:{pose}", device="cpu")
