"""Detectors of transformers: small random networks give their own processors' boxes of people."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from rmpe.detectors import build_detector
from rmpe.detectors.hugging_face import HubDetector

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

from tests.helpers.hub_networks import saved  # noqa: E402

LABELS = {0: "person", 1: "car"}


@pytest.mark.parametrize(
    ("family", "person"), [("RTDetr", 2), ("RTDetrV2", 0), ("DFine", 1), ("Detr", 2), ("Yolos", 1)]
)
def test_boxes_are_the_processors_own_people(family: str, person: int, tmp_path: Path) -> None:
    labels = {place: "Person" if place == person else f"thing {place}" for place in range(3)}
    folder = saved(family, tmp_path / "net", labels)
    detector = build_detector(f"hf:{folder}", device="cpu", box_score=0.0)
    assert isinstance(detector, HubDetector)
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


@pytest.mark.parametrize(
    ("labels", "person"),
    [({0: "pedestrian"}, 0), ({0: "people", 1: " Person"}, 1), ({0: "car", 1: "Human"}, 1)],
)
def test_people_are_known_by_their_usual_names(
    labels: dict[int, str], person: int, tmp_path: Path
) -> None:
    folder = saved("Yolos", tmp_path / "net", labels)
    one = build_detector(f"hf:{folder}", device="cpu", box_score=0.0)
    config = folder / "config.json"
    plain = {str(place): "person" if place == person else "thing" for place in labels}
    config.write_text(json.dumps({**json.loads(config.read_text()), "id2label": plain}))
    other = build_detector(f"hf:{folder}", device="cpu", box_score=0.0)
    (found,), (wanted,) = (each([np.zeros((60, 80, 3), np.uint8)]) for each in (one, other))
    assert len(wanted) > 0
    assert np.array_equal(found.boxes_xyxy, wanted.boxes_xyxy)


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
