"""Small random networks of transformers, saved as the hub would have them; skips without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

SIDES = {"height": 64, "width": 64}
EDGES = {"shortest_edge": 64, "longest_edge": 128}


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


def tiny_vitpose(folder: Path, experts: int = 1) -> Path:
    """A small random ViTPose, saved as the hub would have it."""
    torch.manual_seed(0)
    backbone = transformers.VitPoseBackboneConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_experts=experts,
        part_features=8 if experts > 1 else 0,
        out_indices=[2],
    )
    config = transformers.VitPoseConfig(backbone_config=backbone, num_labels=17)
    transformers.VitPoseForPoseEstimation(config).save_pretrained(folder)
    transformers.VitPoseImageProcessor().save_pretrained(folder)
    return folder
