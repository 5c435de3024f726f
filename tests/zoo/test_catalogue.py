"""The catalogue's entries fit the networks, the skeletons and the codecs there are."""

from __future__ import annotations

import pytest

from rmpe.heatmaps import CODECS
from rmpe.networks.variants import variant_names
from rmpe.skeletons import SKELETONS
from rmpe.zoo import load_bundled_pose
from rmpe.zoo.bundled import BUNDLED
from rmpe.zoo.catalogue import detector_entries, entry_of_file, find_entry, pose_entries
from rmpe.zoo.conventions import CONVENTIONS
from rmpe.zoo.presets import PRESETS, get_preset


def test_pose_entries_name_what_exists() -> None:
    entries = pose_entries()
    assert len(entries) == 84 + 66
    for entry in entries:
        assert entry.variant in (*variant_names(), "onnx")
        assert entry.skeleton_name in SKELETONS
        assert entry.codec in CODECS
        assert entry.input_height % 32 == 0
        assert entry.input_width % 32 == 0
        assert 0.4 < entry.score < 1
        assert len(entry.sha256_prefix) in ((0,) if entry.is_onnx else (7, 8))
        assert entry.address.startswith("https://download.openmmlab.com/mmpose/")
        assert 10 < entry.megabytes < 500 or (entry.megabytes == 0 and "rtmw" in entry.name)


def test_names_addresses_and_files_are_unique() -> None:
    entries = pose_entries()
    names = [entry.name for entry in entries] + [e.alias for e in entries if e.alias]
    assert len(set(names)) == len(names)
    assert len({entry.file_name for entry in entries}) == len(entries)


def test_an_entry_as_published() -> None:
    entry = find_entry("td-hm_hrnet-w48_dark-8xb32-210e_coco-384x288")
    assert (entry.variant, entry.codec, entry.score) == ("hrnet_w48", "dark_384", 0.772)
    assert (entry.input_height, entry.input_width) == (384, 288)
    assert entry.sha256_prefix == "39c3c381"
    assert entry_of_file(entry.file_name) == entry


def test_the_same_file_has_both_of_its_names() -> None:
    assert find_entry("topdown_heatmap_mspn50_coco_256x192") == find_entry(
        "td-hm_mspn50_8xb32-210e_coco-256x192"
    )


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(ValueError, match="not in the catalogue; nearest: td-hm_2xrsn50"):
        find_entry("2xrsn50")


def test_detectors_come_from_torchvision() -> None:
    entries = {entry.name: entry for entry in detector_entries()}
    v2 = entries["fasterrcnn_resnet50_fpn_v2"]
    assert (v2.score, v2.sha256_prefix, v2.kind) == (0.467, "dd69338a", "detector")
    assert all(len(entry.sha256_prefix) == 8 for entry in entries.values() if not entry.is_onnx)


def test_presets_name_entries_of_the_catalogue() -> None:
    detectors = {entry.name for entry in detector_entries()}
    for preset in PRESETS.values():
        assert get_preset(preset.name) == preset
        if preset.network in BUNDLED:
            continue
        if preset.network.startswith("hf:"):
            assert preset.entry is not None
            assert preset.entry.is_hub
            assert preset.detector.startswith("hf:")
            continue
        assert find_entry(preset.network).kind == "pose"
        assert preset.detector.partition(":")[2] in detectors


@pytest.mark.parametrize(
    ("name", "message"),
    [("fastpose", "give it with --weights FILE"), ("nothing", "supported are compact")],
)
def test_other_presets_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        get_preset(name)


def test_conventions_name_what_exists() -> None:
    for origin, conventions in CONVENTIONS.items():
        if origin == "openmmlab_rtmdet":  # a detector
            continue
        assert conventions.codec in CODECS
        assert conventions.skeleton.joint_count > 0


@pytest.mark.parametrize(
    ("origin", "colour_order", "mean", "std"),
    [
        ("alphapose", "rgb", (0.406, 0.457, 0.480), (1, 1, 1)),
        ("hrnet", "rgb", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("simplebaseline", "bgr", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("megvii", "bgr", (0.406, 0.456, 0.485), (0.225, 0.224, 0.229)),
        ("cpn", "rgb", (0.481458, 0.454692, 0.403844), (1, 1, 1)),
        ("hourglass", "rgb", (0, 0, 0), (1, 1, 1)),
        ("openmmlab", "rgb", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ],
)
def test_pixels_are_scaled_as_the_reference_says(
    origin: str, colour_order: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    conventions = CONVENTIONS[origin]  # type: ignore[index]
    assert conventions.colour_order == colour_order
    assert conventions.mean == pytest.approx(mean, abs=1e-6)
    assert conventions.std == pytest.approx(std)


def test_the_bundled_network_loads() -> None:
    loaded = load_bundled_pose()
    assert loaded.family == "compact"
    assert loaded.conventions.skeleton.joint_count == 19
