"""ViTPose of transformers inside our pipeline gives what its own image processor gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rmpe.estimator import PoseEstimator
from rmpe.geometry.crop import VITPOSE, CropTransform
from rmpe.heatmaps import get_codec
from rmpe.records import Boxes
from rmpe.runtimes.openvino_runtime import OpenVinoPart
from rmpe.zoo import load
from rmpe.zoo.hugging_face import load_vitpose
from tests.parity.test_parity import filled_state


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


def noise(height: int, width: int) -> NDArray[np.uint8]:
    """The hardest picture: every pixel another value."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


# Corner and size on quarters of a pixel, which float32 keeps: upright, lying, tiny, larger than the
# crop several times over, and beyond every border.
BOXES_XYWH = [
    [40.5, 30.25, 120.0, 260.0],
    [200.0, 10.0, 180.5, 90.25],
    [-30.0, 150.0, 90.0, 160.0],
    [11.25, 12.5, 9.75, 17.0],
    [-20.0, -40.0, 900.25, 610.0],
    [300.0, 250.0, 400.0, 20.5],
]


@pytest.mark.parametrize("expert", [None, 0, 2], ids=["plain", "expert 0", "expert 2"])
@pytest.mark.parametrize(
    "picture",
    [formula_picture(360, 480), formula_picture(720, 1280), noise(300, 500)],
    ids=["formula", "large", "noise"],
)
def test_joints_are_the_image_processors_own(
    picture: NDArray[np.uint8], expert: int | None, tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    from tests.helpers.hub_networks import tiny_vitpose

    folder = tiny_vitpose(tmp_path / "vitpose", experts=1 if expert is None else 3)
    processor = transformers.VitPoseImageProcessor.from_pretrained(folder)
    model = transformers.VitPoseForPoseEstimation.from_pretrained(folder).eval()
    inputs = processor(picture, boxes=[np.array(BOXES_XYWH)], return_tensors="pt")
    with torch.inference_mode():
        index = None if expert is None else torch.full((len(BOXES_XYWH),), expert)
        outputs = model(**inputs, dataset_index=index)
    wanted = processor.post_process_pose_estimation(outputs, boxes=[np.array(BOXES_XYWH)])[0]

    corners = np.array(BOXES_XYWH, np.float32)
    corners[:, 2:] += corners[:, :2]
    estimator = PoseEstimator.build(
        detector=lambda images: [Boxes.empty() for _ in images],
        network=f"hf:{folder}" + ("" if expert is None else f"#{expert}"),
        device="cpu",
        runtime="torch",
        precision="fp32",
    )
    boxes = Boxes(corners, np.ones(len(corners), np.float32))
    crops, _ = estimator.crop(np.ascontiguousarray(picture[..., ::-1]), boxes)
    mean, std = np.array(processor.image_mean), np.array(processor.image_std)
    seen = (np.asarray(inputs["pixel_values"]).transpose(0, 2, 3, 1) * std + mean) * 255
    assert np.array_equal(crops[..., ::-1], np.round(seen))
    poses = estimator.estimate(np.ascontiguousarray(picture[..., ::-1]), boxes)
    keypoints = np.stack([np.asarray(pose["keypoints"]) for pose in wanted])
    scores = np.stack([np.asarray(pose["scores"]) for pose in wanted])
    np.testing.assert_allclose(poses.keypoints_xy, keypoints, rtol=0, atol=0.05)
    np.testing.assert_allclose(poses.keypoint_scores, np.clip(scores, 0, 1), rtol=0, atol=1e-5)


def test_the_network_of_the_reference_gives_its_maps_and_joints(
    shared_dir: Path, tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    folder = shared_dir / "reference/algorithms/vitpose"
    case = np.load(folder / "tiny_simple_a.npz")
    facts = json.loads((folder / "tiny_simple_a.json").read_text(encoding="utf-8"))
    config = transformers.VitPoseConfig(
        backbone_config=transformers.VitPoseBackboneConfig(**facts["backbone"]),
        use_simple_decoder=facts["use_simple_decoder"],
        num_labels=17,
    )
    model = transformers.VitPoseForPoseEstimation(config)
    model.load_state_dict(filled_state(facts), strict=True)
    model.save_pretrained(tmp_path)
    transformers.VitPoseImageProcessor().save_pretrained(tmp_path)
    estimator = PoseEstimator.build(
        detector=lambda images: [Boxes.empty() for _ in images],
        network=f"hf:{tmp_path}",
        device="cpu",
        runtime="torch",
        precision="fp32",
    )
    xywh = np.array(facts["boxes_xywh"], np.float32)
    boxes = Boxes(np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1), np.ones(3, "f4"))
    picture = formula_picture(*facts["picture_hw"])[..., ::-1]
    crops, transforms = estimator.crop(np.ascontiguousarray(picture), boxes)
    maps = estimator.infer(crops)
    step = facts["heatmaps_shape"][-1] // case["out_heatmaps"].shape[-1]
    difference = np.abs(np.asarray(maps)[:, 0, :, ::step, ::step] - case["out_heatmaps"])
    assert difference.max() <= 2e-5 * facts["heatmap_absmax"]
    poses = estimator.decode(maps, transforms, boxes)
    np.testing.assert_allclose(poses.keypoints_xy, case["out_keypoints"], rtol=0, atol=0.05)
    # Ours are 0..1; a map below 0 everywhere scores nothing.
    scores = case["out_scores"].clip(0, 1)
    np.testing.assert_allclose(poses.keypoint_scores, scores, rtol=0, atol=1e-5)


def test_an_expert_of_vitpose_plus_is_taken_by_its_number(tmp_path: Path) -> None:
    from tests.helpers.hub_networks import tiny_vitpose

    folder = tiny_vitpose(tmp_path / "plus", experts=3)
    first, third = load(f"hf:{folder}"), load(f"hf:{folder}#2")
    images = torch.rand(2, 3, 256, 192)
    with torch.inference_mode():
        assert first.network(images).shape == (2, 17, 64, 48)
        assert not torch.equal(first.network(images), third.network(images))
    with pytest.raises(ValueError, match=r"got expert '3' of .*which has 3"):
        load(f"hf:{folder}#3")


@pytest.mark.parametrize("count", [1, 3])
def test_an_expert_gives_the_same_through_openvino_in_batches_of_any_size(
    count: int, tmp_path: Path
) -> None:
    from tests.helpers.hub_networks import tiny_vitpose

    network = load(f"hf:{tiny_vitpose(tmp_path / 'plus', experts=3)}#1").network
    part = OpenVinoPart(network, torch.rand(2, 3, 256, 192), "fp32")
    images = torch.rand(count, 3, 256, 192)
    with torch.inference_mode():
        expected = network(images)
    torch.testing.assert_close(part(images)[0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"do_normalize": False},
        {"do_rescale": False, "image_mean": [90.0, 80.0, 70.0], "image_std": [60.0, 50.0, 40.0]},
        {"rescale_factor": 1 / 127.5, "image_mean": [1.0] * 3, "image_std": [1.0] * 3},
    ],
    ids=["not normalised", "not scaled", "from -1 to 1"],
)
def test_pictures_are_made_numbers_as_the_image_processor_says(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    from tests.helpers.hub_networks import tiny_vitpose

    folder = tiny_vitpose(tmp_path / "vitpose")
    plain = transformers.VitPoseImageProcessor()
    own = transformers.VitPoseImageProcessor(**changes)
    own.save_pretrained(folder)
    boxes = [np.array([[10.0, 20.0, 200.0, 250.0]])]
    picture = formula_picture(360, 480)
    wanted, usual = (
        np.asarray(processor(picture, boxes=boxes, return_tensors="pt")["pixel_values"])
        for processor in (own, plain)
    )
    rows = (slice(None), None, None)
    of_bytes = usual * np.array(plain.image_std)[rows] + np.array(plain.image_mean)[rows]
    conventions = load_vitpose(f"hf:{folder}").conventions
    found = (of_bytes - np.array(conventions.mean)[rows]) / np.array(conventions.std)[rows]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_what_is_not_there_or_no_vitpose_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="is a bert, needed is a ViTPose"):
        load(f"hf:{tmp_path}")
    with pytest.raises(OSError, match="could not load") as caught:
        load(f"hf:{tmp_path}/none")
    assert "\n" not in str(caught.value)
