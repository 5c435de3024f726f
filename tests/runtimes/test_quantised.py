"""The bundled networks in eight bits: near the others, of their own weights, refused in words."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from rmpe.detectors.compact import build_compact_detector
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.runtimes import PreprocessedNetwork, _processor, build_runtime
from rmpe.runtimes.bundled import rounds_to_bytes
from rmpe.runtimes.graph import GraphRuntime
from rmpe.runtimes.quantised import Quantisation
from rmpe.synthetic.world.clips import walkers_scene
from rmpe.zoo import load_bundled_pose
from rmpe.zoo.bundled import BUNDLED

WEIGHTS = resources.files("rmpe.weights")


def flags(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the processor have these instruction sets."""
    monkeypatch.setattr(_processor, "_instruction_sets", lambda: frozenset(names))


def test_people_are_found_in_int8_where_they_are_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    flags(monkeypatch)
    picture = walkers_scene(3, 640, 360, seed=3).frame_at(0).image_bgr
    whole, rounded = (
        build_compact_detector(device="cpu", precision=precision, threads=1)([picture])[0]
        for precision in ("fp32", "int8")
    )
    assert len(whole) == len(rounded) > 0
    assert np.diag(box_iou_matrix(rounded.boxes_xyxy, whole.boxes_xyxy)).min() > 0.9


def test_int8_is_refused_with_weights_it_was_not_measured_with() -> None:
    graph, ranges = (
        (WEIGHTS / f"compact_pose.{kind}.gz").read_bytes() for kind in ("graph", "int8")
    )
    weights = bytearray((WEIGHTS / BUNDLED["compact"]).read_bytes())
    weights[-1] ^= 1
    with pytest.raises(ValueError, match="measured with"):
        GraphRuntime([graph], bytes(weights), "fp32", 1, ranges)
    with pytest.raises(ValueError, match="no file of ranges"):
        Quantisation.load(graph)


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["avx2", "avx_vnni"], True),
        (["avx512f", "avx512_vnni"], True),
        (["avx512_vnni", "avx512_bf16"], False),
        (["avx2"], False),
        ([], False),
    ],
)
def test_auto_takes_int8_where_bytes_are_multiplied_and_halves_are_not(
    names: list[str], taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags(monkeypatch, *names)
    assert rounds_to_bytes("auto") is taken
    assert not rounds_to_bytes("fp32")


@pytest.mark.parametrize(
    ("names", "taken"),
    [(["avx512_vnni", "avx512_bf16"], True), (["avx2", "avx_vnni"], True), (["avx2"], False)],
)
def test_auto_takes_int8_beside_halves_too_for_networks_that_lose_nothing(
    names: list[str], taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags(monkeypatch, *names)
    assert rounds_to_bytes("auto", good_in_bytes=True) is taken
    assert not rounds_to_bytes("bf16", good_in_bytes=True)


def test_int8_is_refused_where_its_sums_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    flags(monkeypatch, "avx2")
    with pytest.raises(ValueError, match="VNNI"):
        build_compact_detector(device="cpu", precision="int8")


def test_int8_is_refused_for_networks_of_torch() -> None:
    loaded = load_bundled_pose()
    conventions = loaded.conventions
    network = PreprocessedNetwork(
        loaded.network, conventions.colour_order, conventions.mean, conventions.std
    )
    with pytest.raises(ValueError, match="bundled networks"):
        build_runtime(network, device="cpu", precision="int8")
