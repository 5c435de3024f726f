"""ViTPose of transformers inside our pipeline gives what its own image processor gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rmpe.estimator import PoseEstimator
from rmpe.geometry.crop import VITPOSE, CropTransform
from rmpe.heatmaps import get_codec
from rmpe.records import Boxes
from rmpe.zoo import load


def formula_picture(height: int, width: int) -> NDArray[np.uint8]:
    """The reference's picture, red, green, blue."""
    y, x = np.mgrid[:height, :width]
    channels = [(3 * x + y) % 256, (x * y // 7) % 256, (5 * y - x // 2) % 256]
    return np.stack(channels, -1).astype(np.uint8)


def test_crop_and_reading_are_reproduced(shared_dir: Path) -> None:
    folder = shared_dir / "reference/algorithms/vitpose"
    case = np.load(folder / "tiny_simple_a.npz")
    facts = json.loads((folder / "tiny_simple_a.json").read_text(encoding="utf-8"))
    xywh = np.array(facts["boxes_xywh"])
    boxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1)
    transforms = [CropTransform.from_person_box(box, 256, 192, VITPOSE) for box in boxes]
    for transform, warp in zip(transforms, case["out_warp"]):
        np.testing.assert_allclose(transform.matrix, warp, rtol=0, atol=1e-4)
    maps = torch.from_numpy(case["heat_q"].astype(np.float32)) * 2.0**-14
    xy, scores = get_codec("vitpose").decode(maps)
    found = [t.to_image(points) for t, points in zip(transforms, np.asarray(xy))]
    np.testing.assert_allclose(found, case["out_decode_keypoints"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(scores, case["out_decode_scores"], rtol=0, atol=1e-6)


def test_a_target_is_read_where_it_was_put() -> None:
    codec = get_codec("vitpose")
    joints = torch.tensor([[[40.3, 100.2], [120.0, 30.7]]])
    xy, _ = codec.decode(codec.encode(joints, torch.ones(1, 2), 64, 48))
    np.testing.assert_allclose(xy, joints, atol=0.1)
    assert codec.decode(torch.zeros(0, 2, 64, 48))[0].shape == (0, 2, 2)


def tiny_vitpose(folder: Path, experts: int = 1) -> Path:
    """A small random ViTPose, saved as the hub would have it."""
    transformers = pytest.importorskip("transformers")
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


def test_joints_are_the_image_processors_own(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    folder = tiny_vitpose(tmp_path / "vitpose")
    picture = formula_picture(360, 480)
    xywh = [[40.5, 30.25, 120.0, 260.0], [200.0, 10.0, 180.5, 90.25], [-30.0, 150.0, 90.0, 160.0]]
    processor = transformers.VitPoseImageProcessor.from_pretrained(folder)
    model = transformers.VitPoseForPoseEstimation.from_pretrained(folder).eval()
    inputs = processor(picture, boxes=[np.array(xywh)], return_tensors="pt")
    with torch.inference_mode():
        outputs = model(**inputs)
    wanted = processor.post_process_pose_estimation(outputs, boxes=[np.array(xywh)])[0]

    corners = np.array(xywh, np.float32)
    corners[:, 2:] += corners[:, :2]
    estimator = PoseEstimator.build(
        detector=lambda images: [Boxes.empty() for _ in images],
        network=f"hf:{folder}",
        device="cpu",
        runtime="torch",
        precision="fp32",
    )
    boxes = Boxes(corners, np.ones(3, np.float32))
    poses = estimator.estimate(np.ascontiguousarray(picture[..., ::-1]), boxes)
    keypoints = np.stack([np.asarray(pose["keypoints"]) for pose in wanted])
    scores = np.stack([np.asarray(pose["scores"]) for pose in wanted])
    # The same pixels: the network, the reading and the way back are equal.
    loaded = load(f"hf:{folder}")
    with torch.inference_mode():
        xy, peaks = get_codec("vitpose").decode(loaded.network(inputs["pixel_values"]))
    transforms = [CropTransform.from_person_box(box, 256, 192, VITPOSE) for box in corners]
    ours = np.stack([t.to_image(points) for t, points in zip(transforms, np.asarray(xy))])
    np.testing.assert_allclose(ours, keypoints, rtol=0, atol=0.05)
    np.testing.assert_allclose(peaks, scores, rtol=0, atol=1e-5)
    # Our own crops: OpenCV weighs pixels in steps of 1/32, scipy exactly; a random network's maps
    # are flat, so that some peaks jump.
    distance = np.abs(poses.keypoints_xy - keypoints).max(-1)
    assert np.median(distance) < 0.05
    np.testing.assert_allclose(np.median(np.abs(poses.keypoint_scores - scores)), 0, atol=2e-3)


def test_an_expert_of_vitpose_plus_is_taken_by_its_number(tmp_path: Path) -> None:
    folder = tiny_vitpose(tmp_path / "plus", experts=3)
    first, third = load(f"hf:{folder}"), load(f"hf:{folder}#2")
    images = torch.rand(2, 3, 256, 192)
    with torch.inference_mode():
        assert first.network(images).shape == (2, 17, 64, 48)
        assert not torch.equal(first.network(images), third.network(images))
    with pytest.raises(ValueError, match=r"got expert '3' of .*which has 3"):
        load(f"hf:{folder}#3")


def test_what_is_not_there_or_no_vitpose_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="is a bert, needed is a ViTPose"):
        load(f"hf:{tmp_path}")
    with pytest.raises(OSError, match="could not load") as caught:
        load(f"hf:{tmp_path}/none")
    assert "\n" not in str(caught.value)
