"""Published networks against numbers of their original implementations (see fixtures/README.md)."""

from __future__ import annotations

import json
import math
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpe.networks.complexity import count_parameters, counting_macs
from rmpe.zoo import from_state_dict

FIXTURES = Path(__file__).parent / "fixtures"
TOLERANCE = 2e-5

VARIANTS = {
    "2xrsn50_coco_256x192": ("rsn", "rsn50_2stage", "megvii"),
    "alphapose_duc_se_resnet101": ("fastpose", "duc_se_resnet101", "alphapose_2018"),
    "alphapose_fastpose_duc_res152": ("fastpose", "fastpose_duc_res152", "alphapose"),
    "alphapose_fastpose_res50": ("fastpose", "fastpose_res50", "alphapose"),
    "alphapose_simplepose_res50": ("simplepose", "simplepose_res50", "alphapose"),
    "cpn50_coco_256x192": ("cpn", "cpn50", "cpn"),
    "hourglass_2stack_mpii_256x256": ("hourglass", "hourglass_2stack", "hourglass"),
    "hrnet_w32_coco_256x192": ("hrnet", "hrnet_w32", "hrnet"),
    "mspn_1stg_coco_256x192": ("mspn", "mspn_1stage", "megvii"),
    "mspn_2stg_coco_256x192": ("mspn", "mspn_2stage", "megvii"),
    "openmmlab_mspn50_coco_256x192": ("mspn", "mspn_1stage", "openmmlab_megvii"),
    "openmmlab_rsn50_coco_256x192": ("rsn", "rsn50_1stage", "openmmlab_megvii"),
    "pose_resnet50_coco_256x192": ("simplebaseline", "pose_resnet50", "simplebaseline"),
    "rtmdet_nano_person_320": ("rtmdet", "rtmdet_nano", "openmmlab_rtmdet"),
    "rtmpose_m_coco_256x192": ("rtmpose", "rtmpose_m", "openmmlab_rtm"),
    "rtmpose_m_wholebody133_256x192": ("rtmpose", "rtmpose_m", "openmmlab_rtm"),
    "rtmpose_t_coco_256x192": ("rtmpose", "rtmpose_t", "openmmlab_rtm"),
    "rtmw_l_384x288": ("rtmw", "rtmw_l", "openmmlab_rtm"),
    "rtmw_m_256x192": ("rtmw", "rtmw_m", "openmmlab_rtm"),
    "rsn18_coco_256x192": ("rsn", "rsn18_1stage", "megvii"),
}


@dataclass(frozen=True)
class Reference:
    """One fixture."""

    facts: dict[str, Any]
    outputs: dict[str, NDArray[np.float32]]

    @classmethod
    def read(cls, name: str) -> Reference:
        """The pair of files of that name."""
        facts = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
        with np.load(FIXTURES / f"{name}.npz") as archive:
            return cls(facts, {key: archive[key] for key in archive.files})


def uniform(name: str, shape: list[int], salt: str, bound: tuple[float, float]) -> Tensor:
    """U(low, high) of the generator that the tensor's name and the salt seed."""
    generator = torch.Generator().manual_seed(zlib.crc32((salt + name).encode()))
    low, high = bound
    return torch.rand(shape, generator=generator) * (high - low) + low


def filled_state(facts: dict[str, Any]) -> dict[str, Tensor]:
    """The weights that the fixture was measured with: each depends on its name and shape only."""
    shapes = {name: shape for name, shape, _ in facts["keys"]}
    norms = {name.removesuffix("running_mean") for name in shapes if name.endswith("running_mean")}
    state = {}
    for name, shape in shapes.items():
        prefix, _, leaf = name.rpartition(".")
        if leaf == "num_batches_tracked":
            state[name] = torch.zeros(shape, dtype=torch.int64)
            continue
        bound = (-0.1, 0.1)
        if f"{prefix}." in norms and leaf in ("weight", "running_var"):
            bound = (0.9, 1.1) if leaf == "weight" else (0.5, 1.5)
        elif f"{prefix}." not in norms and len(shape) >= 2:
            high = facts["gain"] * math.sqrt(3.0 / math.prod(shape[1:]))
            bound = (-high, high)
        state[name] = uniform(name, shape, facts["salt"], bound)
    return state


def checksum(tensors: dict[str, Tensor]) -> int:
    """CRC-32 of names and bytes."""
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(name.encode(), crc)
        crc = zlib.crc32(tensors[name].contiguous().numpy().tobytes(), crc)
    return crc


def test_every_fixture_is_tested() -> None:
    assert set(VARIANTS) == {path.stem for path in FIXTURES.glob("*.json")}


@pytest.mark.parametrize("name", VARIANTS)
def test_network_equals_its_original(name: str) -> None:
    reference = Reference.read(name)
    facts = reference.facts
    state = filled_state(facts)
    assert checksum(state) == facts["weights_crc32"]

    loaded = from_state_dict(state)

    assert (loaded.family, loaded.variant, loaded.origin) == VARIANTS[name]
    network_keys = {
        loaded.source_keys[key]: (list(value.shape), str(value.dtype).removeprefix("torch."))
        for key, value in loaded.network.state_dict().items()
    }
    assert network_keys == {key: (shape, dtype) for key, shape, dtype in facts["keys"]}
    assert count_parameters(loaded.network) == facts["params"]

    image = uniform("input", facts["input_shape"], facts["salt"], (-2.0, 2.0))
    assert checksum({"input": image}) == facts["input_crc32"]
    if facts["input_layout"] == "NHWC":
        image = image.permute(0, 3, 1, 2)
    with torch.inference_mode(), counting_macs(loaded.network) as counter:
        outputs = loaded.network.supervised_outputs(image)  # type: ignore[operator]
    assert counter.macs == facts["macs"]
    assert len(outputs) == len(facts["outputs"])
    # Networks of several outputs (SimCC, detectors) have no single one that is decoded.
    assert facts["test_output"] in (None, facts["outputs"][-1]["key"])
    if facts["test_output"] is None:
        with torch.inference_mode():
            together = loaded.network(image)
        assert isinstance(together, tuple)
        assert all(torch.equal(a, b) for a, b in zip(together, outputs))
    for spec, output in zip(facts["outputs"], outputs):
        assert list(output.shape) == spec["shape"]
        steps = [int(part or 1) for part in re.findall(r":(?::(\d+))?", spec["slice"])]
        stored = output[tuple(slice(None, None, step) for step in steps)].numpy()
        difference = np.abs(stored - reference.outputs[spec["key"]])
        assert difference.max() <= TOLERANCE * spec["absmax"], spec["key"]
