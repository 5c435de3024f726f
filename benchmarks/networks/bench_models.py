"""Processor milliseconds of one crop through each preset's pose network, with random weights.

    python benchmarks/networks/bench_models.py [PRESET ...] [--write]

One thread, batches of 8 crops, the precision that ``auto`` takes here. Processor time, so that
other work on the machine does not enter; the time of a network does not depend on its weights.
``--write`` keeps the times (``tools/pages/measured_models.csv``) and puts them into docs/models.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

from rmpe.networks import build_network
from rmpe.runtimes import PreprocessedNetwork, build_runtime
from rmpe.skeletons import get_skeleton
from rmpe.zoo import load_bundled_pose
from rmpe.zoo.models import networks_of
from rmpe.zoo.presets import PRESETS, Preset

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.pages.models_table import TIMES, written  # noqa: E402

PAGE = ROOT / "docs" / "models.md"
BATCH = 8
CALLS = 3


def network_of(preset: Preset) -> tuple[torch.nn.Module, int, int]:
    """The network with random weights, and rows and columns of its input."""
    entry = preset.entry
    if entry is None:
        loaded = load_bundled_pose(preset.network)
        conventions = loaded.conventions
        return loaded.network, conventions.input_height, conventions.input_width
    if entry.is_hub:
        return hub_network(entry.name), entry.input_height, entry.input_width
    name = entry.variant
    if name.startswith("rtmpose"):
        name += f"_{entry.input_height}x{entry.input_width}"
    network = build_network(name, get_skeleton(entry.skeleton_name).joint_count)
    return network, entry.input_height, entry.input_width


def hub_network(name: str) -> torch.nn.Module:
    """A ViTPose of the size that the hub's name says, with random weights."""
    import transformers

    from rmpe.zoo.hugging_face import VitPose

    huge = "huge" in name
    backbone = transformers.VitPoseBackboneConfig(  # type: ignore[call-arg]
        hidden_size=1280 if huge else 768,
        num_hidden_layers=32 if huge else 12,
        num_attention_heads=16 if huge else 12,
        num_experts=6 if "plus" in name else 1,
        part_features=320 if "plus" in name else 0,
        out_indices=[32 if huge else 12],
    )
    config = transformers.VitPoseConfig(  # type: ignore[call-arg]
        backbone_config=backbone, num_labels=17, use_simple_decoder=False
    )
    model = transformers.VitPoseForPoseEstimation(config)
    return VitPose(model, 0 if "plus" in name else None)


def milliseconds(preset: Preset, runtime: str) -> float:
    """Processor milliseconds of one crop, the least of some calls."""
    network, height, width = network_of(preset)
    preprocessed = PreprocessedNetwork(network.eval(), "rgb", (0.5,) * 3, (0.25,) * 3)
    engine = build_runtime(preprocessed, runtime=runtime, device="cpu", threads=1)  # type: ignore[arg-type]
    crops = np.random.default_rng(0).integers(0, 255, (BATCH, height, width, 3)).astype(np.uint8)
    engine(crops)
    taken = []
    for _ in range(CALLS):
        start = time.process_time()
        engine(crops)
        taken.append((time.process_time() - start) / BATCH * 1000)
    return min(taken)


def main() -> None:
    """Print a table of comma-separated values, and keep it if that is asked for."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description="Milliseconds of one crop through each preset.")
    parser.add_argument("presets", nargs="*", help="Presets to measure; all of them by default.")
    parser.add_argument("--write", action="store_true", help="Into docs/models.md; all presets.")
    arguments = parser.parse_args()
    if arguments.write and arguments.presets:
        parser.error("--write takes all presets: name none")
    presets = networks_of(PRESETS[name] for name in arguments.presets or PRESETS)
    lines = ["preset,torch_ms,openvino_ms"]
    print(lines[0])
    for preset in presets:
        times = [milliseconds(preset, runtime) for runtime in ("torch", "openvino")]
        lines.append(f"{preset.name},{times[0]:.1f},{times[1]:.1f}")
        print(lines[-1], flush=True)
    if arguments.write:
        TIMES.write_text("\n".join(lines) + "\n", encoding="utf-8")
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
