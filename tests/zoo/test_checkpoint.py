"""A checkpoint is data: what is more is refused, what is damaged is said to be so."""

from __future__ import annotations

import os
import pickle
import sys
import tarfile
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from rmpe.networks.variants import build_network
from rmpe.zoo import load
from rmpe.zoo.reading.checkpoint import read_checkpoint


class Attack:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


STATE = {"conv.weight": torch.arange(6.0).reshape(2, 3), "conv.bias": torch.ones(2)}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_is_refused_by_the_name_it_asks_for(
    tmp_path: Path, zipped: bool
) -> None:
    marker, path = tmp_path / "ran", tmp_path / "evil.pth"
    torch.save(
        {"state_dict": STATE, "meta": Attack(marker)},
        path,
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(ValueError, match=r"refused: it asks to run '(posix|nt)\.system'"):
        read_checkpoint(path)
    assert not marker.exists()


def test_a_bare_malicious_pickle_is_refused(tmp_path: Path) -> None:
    marker, path = tmp_path / "ran", tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps({"state_dict": Attack(marker)}))
    with pytest.raises(ValueError, match="refused"):
        read_checkpoint(path)
    assert not marker.exists()


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "module.pth"
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(ValueError, match=r"asks to run 'torch\.nn\.modules\.linear\.Linear'"):
        read_checkpoint(path)


def test_logs_beside_the_weights_are_read_as_nothing(tmp_path: Path) -> None:
    module = types.ModuleType("mmengine.logging.history_buffer")
    buffer_class = type(
        "HistoryBuffer", (), {"__module__": module.__name__, "__init__": lambda self: None}
    )
    module.HistoryBuffer = buffer_class  # type: ignore[attr-defined]
    names = ["mmengine", "mmengine.logging", module.__name__]
    modules = {name: types.ModuleType(name) for name in names[:2]} | {names[2]: module}
    history = buffer_class()
    history.values = np.arange(3.0)  # type: ignore[attr-defined]
    path = tmp_path / "trained.pth"
    sys.modules.update(modules)
    try:
        torch.save({"state_dict": STATE, "log": history, "best": np.float64(0.7)}, path)
    finally:
        for name in names:
            del sys.modules[name]
    content = read_checkpoint(path)
    assert torch.equal(content["state_dict"]["conv.weight"], STATE["conv.weight"])


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kept", [0.5, 0.95, 0.02])
def test_a_truncated_file_says_so(tmp_path: Path, zipped: bool, kept: float) -> None:
    path = tmp_path / "cut.pth"
    torch.save(
        {"a": torch.zeros(500), "b": torch.ones(500)}, path, _use_new_zipfile_serialization=zipped
    )
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match=r"cut\.pth.*(damaged|cut short)"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("page.pth", b"<html>404 not found</html>", "no checkpoint of tensors"),
        ("empty.pth", b"", "is empty"),
        ("cut.safetensors", b"\x10\x00\x00\x00", "damaged or cut short"),
    ],
)
def test_what_is_no_checkpoint_says_so(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_checkpoint(path)


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_torchscript_program_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "script.pth"
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), path)
    with pytest.raises(ValueError, match=r"script\.pth is a TorchScript program"):
        read_checkpoint(path)


def test_a_packed_file_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.pth", tmp_path / "packed.pth"
    torch.save({"a": torch.zeros(1_000_000)}, plain)
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert "a" in read_checkpoint(plain)
    with pytest.raises(ValueError, match=r"packed\.pth is refused: it is packed"):
        read_checkpoint(packed)


def test_a_tensor_alone_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "tensor.pth"
    torch.save(torch.zeros(3), path)
    with pytest.raises(ValueError, match="holds a Tensor"):
        read_checkpoint(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no checkpoint file .*absent\.pth"):
        load(tmp_path / "absent.pth")


@pytest.mark.parametrize("kind", ["tar", "zip", "npz"])
def test_an_archive_of_other_files_is_called_so(tmp_path: Path, kind: str) -> None:
    inner, path = tmp_path / "a.pth", tmp_path / "packed.pth.tar"
    torch.save(STATE, inner)
    if kind == "tar":
        with tarfile.open(path, "w") as archive:
            archive.add(inner, "a.pth")
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(inner, "a.pth")
    else:
        with open(path, "wb") as file:
            np.savez(file, a=np.zeros(2))
    with pytest.raises(ValueError, match=r"an archive of other files \(a\.(pth|npy)\); unpack it"):
        read_checkpoint(path)


def test_safetensors_under_another_name_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    safetensors.torch.save_file(STATE, path)
    assert torch.equal(read_checkpoint(path)["conv.weight"], STATE["conv.weight"])


@pytest.mark.parametrize("suffix", [".pth", ".pth.tar", ".pt", ".safetensors"])
def test_every_file_kind_loads(tmp_path: Path, suffix: str) -> None:
    network = build_network("rsn18_1stage", 17)
    path = tmp_path / f"rsn{suffix}"
    if suffix == ".safetensors":
        safetensors.torch.save_file(network.state_dict(), path)
    else:
        torch.save({"state_dict": OrderedDict(network.state_dict())}, path)
    loaded = load(path)
    assert loaded.variant == "rsn18_1stage"
    expected = network.state_dict()["top.conv.conv.weight"]
    assert torch.equal(loaded.network.state_dict()["top.conv.conv.weight"], expected)


def test_weights_saved_on_a_gpu_that_is_not_here_load(tmp_path: Path) -> None:
    network = build_network("rsn18_1stage", 17).half()
    torch.save({"state_dict": network.state_dict(), "optimizer": {"lr": 0.1}}, tmp_path / "a.pth")
    with (
        zipfile.ZipFile(tmp_path / "a.pth") as saved,
        zipfile.ZipFile(tmp_path / "b.pth", "w") as elsewhere,
    ):
        for item in saved.infolist():
            data = saved.read(item)
            if item.filename.endswith("data.pkl"):  # where each tensor was: a pickled word
                data = data.replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:3")
            elsewhere.writestr(item.filename, data)
    assert b"cuda:3" in (tmp_path / "b.pth").read_bytes()
    loaded = load(tmp_path / "b.pth")
    expected = network.state_dict()["top.conv.conv.weight"].float()
    assert torch.equal(loaded.network.state_dict()["top.conv.conv.weight"], expected)


def test_an_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save(STATE, path)
    with pytest.raises(ValueError, match=r"^other\.pth: the checkpoint is of no known"):
        load(path)
