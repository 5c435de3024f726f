"""Files as publishers offer them, with random weights, and a server on this machine for them."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import detection, get_model_weights

from rmpe.networks import build_network
from rmpe.skeletons import get_skeleton
from rmpe.zoo import catalogue
from rmpe.zoo.catalogue import CatalogueEntry

ADDRESS = "https://published.invalid/"


def random_state(network: nn.Module) -> dict[str, Tensor]:
    """Small random weights of a network made on the meta device."""
    torch.manual_seed(0)
    first: dict[int, str] = {}  # a tensor that the network holds under several names
    for key, parameter in network.named_parameters(remove_duplicate=False):
        first.setdefault(id(parameter), key)
    same = {
        key: first[id(parameter)]
        for key, parameter in network.named_parameters(remove_duplicate=False)
    }
    state: dict[str, Tensor] = {}
    for key, value in network.state_dict().items():
        if same.get(key, key) != key:
            state[key] = state[same[key]]
            continue
        filled = torch.zeros(value.shape, dtype=value.dtype)
        if key.endswith("running_var"):
            filled += 1
        elif filled.is_floating_point():
            filled.uniform_(-0.05, 0.05)
        state[key] = filled
    return state


def checkpoint(entry: CatalogueEntry) -> bytes:
    """A checkpoint file of an entry; the detectors among them find people everywhere."""
    if entry.is_torchvision:
        state = random_state(getattr(detection, entry.variant)(weights=None, weights_backbone=None))
        state["roi_heads.box_predictor.cls_score.bias"][1] = 20  # class 1 is the person
        return packed(state)
    variant = entry.variant
    if variant.startswith(("rtmpose", "rtmw")):
        variant += f"_{entry.input_height}x{entry.input_width}"
    count = get_skeleton(entry.skeleton_name).joint_count if entry.kind == "pose" else 1
    with torch.device("meta"):
        network = build_network(variant, count)
    state = random_state(network)
    for key, value in state.items():
        if key.startswith("bbox_head.rtm_") and key.endswith("bias"):
            value.fill_(2.0)  # scores of 0.88, boxes of some cells
    return packed({"state_dict": state})


def packed(content: dict[str, object]) -> bytes:
    """What ``torch.save`` writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def onnx_archive(entry: CatalogueEntry, folder: str = "20230101/rtm") -> bytes:
    """An archive as mmdeploy's, with a small graph of an entry's input and SimCC outputs."""
    import onnx

    helper, count = onnx.helper, get_skeleton(entry.skeleton_name).joint_count
    height, width = entry.input_height, entry.input_width
    nodes = [helper.make_node("GlobalAveragePool", ["input"], ["mean"])]
    nodes.append(helper.make_node("Flatten", ["mean"], ["colour"]))
    outputs, tensors = [], []
    rng = np.random.default_rng(0)
    for name, length in (("simcc_x", 2 * width), ("simcc_y", 2 * height)):
        weights = rng.random((3, count * length)).astype(np.float32)
        shape = np.array([-1, count, length])
        tensors += [onnx.numpy_helper.from_array(weights, f"{name}_weights")]
        tensors += [onnx.numpy_helper.from_array(shape, f"{name}_shape")]
        nodes.append(helper.make_node("MatMul", ["colour", f"{name}_weights"], [f"{name}_flat"]))
        nodes.append(helper.make_node("Reshape", [f"{name}_flat", f"{name}_shape"], [name]))
        outputs.append(helper.make_tensor_value_info(name, 1, ["batch", count, length]))
    entrance = helper.make_tensor_value_info("input", 1, ["batch", 3, height, width])
    graph = helper.make_graph(nodes, "g", [entrance], outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{folder}/end2end.onnx", model.SerializeToString())
    return buffer.getvalue()


def publish(
    wanted: list[CatalogueEntry], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[CatalogueEntry]:
    """Write the entries' files into a folder, and let the catalogue name these and no others."""
    folder.mkdir(parents=True)
    entries = []
    for entry in wanted:
        content = onnx_archive(entry) if entry.is_onnx else checkpoint(entry)
        ending = Path(entry.file_name).suffix
        name = f"served-{hashlib.sha256(content).hexdigest()[:8]}{ending}"
        (folder / name).write_bytes(content)
        entries.append(replace(entry, address=ADDRESS + name))
        if entry.is_torchvision:
            # torchvision looks for the file under the name that its own list has.
            weights = get_model_weights(entry.variant).DEFAULT.value
            monkeypatch.setattr(weights, "url", ADDRESS + name)
    poses = tuple(entry for entry in entries if entry.kind == "pose")
    detectors = tuple(entry for entry in entries if entry.kind == "detector")
    monkeypatch.setattr(catalogue, "pose_entries", lambda: poses)
    monkeypatch.setattr(catalogue, "detector_entries", lambda: detectors)
    return entries


@contextmanager
def served(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve a folder as the mirror of every publisher, and keep what is fetched in another."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("RMPE_MIRROR", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("RMPE_CACHE_DIR", str(cache))
    monkeypatch.setenv("TORCH_HOME", str(cache / "torch"))
    monkeypatch.delenv("RMPE_OFFLINE", raising=False)
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
