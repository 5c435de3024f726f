"""Exported files give torch's numbers and say what they mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from cli import rmpe_command
from rmpe.networks import build_network
from rmpe.networks.hrnet import HRNet
from rmpe.runtimes._openvino import openvino
from rmpe.zoo import LoadChoices, export, load, load_bundled_pose
from rmpe.zoo.card import CARD_KEY, parse_card
from rmpe.zoo.export import export_network
from rmpe.zoo.onnx_pose import ready_onnx


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small random networks: SimCC of a hand, heatmaps of MPII."""
    folder = tmp_path_factory.mktemp("checkpoints")
    torch.manual_seed(0)
    networks = {"simcc": build_network("rtmpose_t_64x64", 21), "maps": HRNet(4, 16)}
    for name, network in networks.items():
        torch.save(network.state_dict(), folder / f"{name}.pth")
    return {name: folder / f"{name}.pth" for name in networks}


@pytest.mark.parametrize("name", ["simcc", "maps"])
def test_a_file_comes_back_as_what_was_written(
    name: str, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    choices = LoadChoices(input_size_hw=(64, 64))
    loaded = load(checkpoints[name], choices)
    target = tmp_path / "out.onnx"
    words = export_network(str(checkpoints[name]), target, choices)
    assert f"{loaded.variant}, {loaded.conventions.skeleton.joint_count} joints" in words
    engine, conventions = ready_onnx(str(target), device="cpu", precision="fp32")
    assert conventions == loaded.conventions
    crops = np.random.default_rng(0).integers(0, 255, (5, 64, 64, 3)).astype(np.uint8)
    mean, std = (np.array(v, np.float32) * 255 for v in (conventions.mean, conventions.std))
    planes = torch.from_numpy(((crops[..., ::-1] - mean) / std).transpose(0, 3, 1, 2).copy())
    with torch.inference_mode():
        expected = loaded.network.supervised_outputs(planes)  # type: ignore[operator]
    for found, wanted in zip(engine(crops), expected, strict=True):
        assert float((found - wanted).abs().max()) <= 2e-5 * float(wanted.abs().max())


def test_the_bundled_network_reads_alike_from_its_file(tmp_path: Path) -> None:
    from rmpe.heatmaps import get_codec
    from rmpe.runtimes import PreprocessedNetwork

    target = tmp_path / "compact.onnx"
    export_network("compact", target)
    engine, conventions = ready_onnx(str(target), device="cpu", precision="fp32")
    loaded = load_bundled_pose()
    assert conventions == loaded.conventions
    crops = np.random.default_rng(0).integers(0, 255, (2, 256, 192, 3)).astype(np.uint8)
    usual = PreprocessedNetwork(
        loaded.network, conventions.colour_order, conventions.mean, conventions.std
    )
    with torch.inference_mode():
        wanted = get_codec("compact").decode(usual(torch.from_numpy(crops)))
    found = get_codec("compact").decode(engine(crops)[0])
    np.testing.assert_allclose(np.asarray(found[0]), np.asarray(wanted[0]), rtol=0, atol=0.01)


def test_a_file_for_openvino_carries_the_card_too(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "out.xml"
    export_network(str(checkpoints["simcc"]), target)
    model = openvino.Core().read_model(str(target))
    assert [port.get_any_name() for port in model.outputs] == ["simcc_x", "simcc_y"]
    card = parse_card(model.get_rt_info(["model_info", CARD_KEY]).astype(str), target.name)
    assert card.conventions == load(checkpoints["simcc"]).conventions
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.bin", "out.xml"]


def test_what_differs_from_torch_is_not_kept(
    checkpoints: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "TOLERANCE", 0.0)
    with pytest.raises(ValueError, match=r"differs from torch by .*nothing was kept"):
        export_network(str(checkpoints["simcc"]), tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_once_and_refuses_other_kinds(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "out.onnx"
    arguments = ["export", str(checkpoints["simcc"]), "-o", str(target)]
    done = CliRunner().invoke(rmpe_command, arguments)
    assert done.exit_code == 0, done.output
    assert "rtmpose_t, 21 joints, input 64x64" in done.output
    again = CliRunner().invoke(rmpe_command, arguments)
    assert again.exit_code == 2
    assert "give --overwrite" in again.output
    other = CliRunner().invoke(rmpe_command, [*arguments[:2], "-o", str(tmp_path / "out.tflite")])
    assert other.exit_code == 2
    assert "supported are NAME.onnx" in other.output
