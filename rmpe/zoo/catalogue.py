"""Published checkpoints and ONNX files that have a direct address.

OpenMMLab's (Apache-2.0) stand in ``openmmlab.csv``, taken from the model zoo pages of mmpose 0.29
and 1.3: ``td-hm_`` names are 1.x's, ``topdown_heatmap_`` 0.x's. Two more files, ``udp-regress``,
are left out: their heads also predict offsets, which no codec here reads. The RTMPose family and
its detectors stand in ``rtm.csv``, from the pages of mmpose's RTMPose and RTMW projects:
checkpoints, and archives with an ONNX file whose hash was not published. Torchvision's person
detectors (BSD-3-Clause) are read from its own weight enums.
"""

from __future__ import annotations

import csv
import difflib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

OPENMMLAB_ADDRESS = "https://download.openmmlab.com/mmpose/"
HUB_ADDRESS = "https://huggingface.co/"
DATASET_SKELETONS = {
    "COCO": "coco17",
    "MPII": "mpii16",
    "CrowdPose": "crowdpose14",
    "PoseTrack18": "posetrack17",
}
DATASET_METRICS = {
    "COCO": "AP val2017",
    "MPII": "mean PCKh@0.5",
    "CrowdPose": "AP test",
    "PoseTrack18": "mAP val",
}


@dataclass(frozen=True)
class CatalogueEntry:
    """One published file."""

    name: str
    """Name in this catalogue, the publisher's own."""
    alias: str
    """Another name of the same file, or empty."""
    kind: Literal["pose", "detector"]
    """What the network finds."""
    variant: str
    """Name in ``rmpe.networks.variants``, torchvision's builder of a detector, or what an ONNX file
    is: ``onnx`` for a pose network, ``yolox`` for a detector."""
    dataset: str
    """What it was trained and measured on."""
    input_height: int
    """Rows of the input; 0 for a detector, which takes any."""
    input_width: int
    """Columns of the input; 0 for a detector, which takes any."""
    skeleton_name: str
    """Key in ``rmpe.skeletons.SKELETONS``; empty for a detector."""
    codec: str
    """Key in ``rmpe.heatmaps.CODECS``; empty for a detector."""
    score: float
    """Published, 0..1. COCO boxes of a detector with 56.4 human AP, CrowdPose YOLOv3 boxes,
    PoseTrack18 detected boxes where they were published."""
    metric: str
    """What the score is."""
    megabytes: int
    """Size of the float32 weights, the file holds little more; 0 where it is not known."""
    address: str
    """Where the file is."""
    licence: str
    """SPDX name."""

    @property
    def file_name(self) -> str:
        """Last part of the address."""
        return self.address.rsplit("/", 1)[-1]

    @property
    def max_bytes(self) -> int:
        """More than the file can have: checkpoints may hold an optimizer beside the weights."""
        return (4 * self.megabytes + 64 if self.megabytes else 1024) << 20

    @property
    def sha256_prefix(self) -> str:
        """First hex digits of the file's SHA-256, which its publisher puts in its name; empty for
        archives, whose names carry the digits of the checkpoint that they were made from."""
        match = re.search(r"-([0-9a-f]{7,8})(?:_\d{8})?\.pth$", self.file_name)
        return match[1] if match else ""

    @property
    def is_onnx(self) -> bool:
        """Whether it is an ONNX file, or an archive with one."""
        return self.file_name.endswith((".zip", ".onnx"))

    @property
    def is_hub(self) -> bool:
        """Whether the Hugging Face hub's library fetches it."""
        return self.address.startswith(HUB_ADDRESS)

    @property
    def is_torchvision(self) -> bool:
        """Whether torchvision itself fetches and builds it."""
        return self.kind == "detector" and self.licence == "BSD-3-Clause"


@cache
def hub_entries() -> tuple[CatalogueEntry, ...]:
    """ViTPose on the Hugging Face hub, which its own library fetches: for the table of presets.

    Sizes are those of the hub's files; scores those of ViTPose's page, COCO boxes as above.
    """
    return tuple(
        CatalogueEntry(
            name=f"hf:{name}",
            alias="",
            kind="pose",
            variant="vitpose",
            dataset="COCO",
            input_height=256,
            input_width=192,
            skeleton_name="coco17",
            codec="vitpose",
            score=score,
            metric=DATASET_METRICS["COCO"],
            megabytes=megabytes,
            address=HUB_ADDRESS + name,
            licence="Apache-2.0",
        )
        for name, score, megabytes in (
            ("usyd-community/vitpose-base", 0.758, 360),
            ("usyd-community/vitpose-plus-huge", 0.794, 3600),
        )
    )


@cache
def pose_entries() -> tuple[CatalogueEntry, ...]:
    """Every pose network of the catalogue."""
    table = resources.files("rmpe.zoo").joinpath("openmmlab.csv").read_text(encoding="utf-8")
    older = tuple(_openmmlab_entry(row) for row in csv.DictReader(table.splitlines()))
    return older + tuple(entry for entry in _rtm_entries() if entry.kind == "pose")


@cache
def detector_entries() -> tuple[CatalogueEntry, ...]:
    """OpenMMLab's person detectors, and torchvision's trained on COCO, whose first class is the
    person."""
    from torchvision.models import detection, get_model_weights, list_models

    entries = [entry for entry in _rtm_entries() if entry.kind == "detector"]
    for builder in list_models(module=detection, exclude=["maskrcnn*", "keypointrcnn*"]):
        weights = next(iter(get_model_weights(builder)))
        meta = weights.meta
        entries.append(
            CatalogueEntry(
                name=builder,
                alias="",
                kind="detector",
                variant=builder,
                dataset="COCO",
                input_height=0,
                input_width=0,
                skeleton_name="",
                codec="",
                score=round(meta["_metrics"]["COCO-val2017"]["box_map"] / 100, 4),
                metric="box AP val2017, 80 classes",
                megabytes=round(meta["_file_size"]),
                address=weights.url,
                licence="BSD-3-Clause",
            )
        )
    return tuple(entries)


def find_entry(name: str) -> CatalogueEntry:
    """The entry of that name, alias or file name.

    Raises:
        ValueError: there is none; the message names the nearest.
    """
    entries = (*pose_entries(), *detector_entries())
    for entry in entries:
        if name and name in (entry.name, entry.alias, entry.file_name):
            return entry
    names = [entry.name for entry in entries] + [entry.alias for entry in entries if entry.alias]
    near = [known for known in names if name and name in known][:3]
    near = near or difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    hint = f"nearest: {', '.join(near)}; " if near else ""
    raise ValueError(
        f"got checkpoint {name!r}, which is not in the catalogue; {hint}see weights list"
    )


def entry_of_file(file_name: str) -> CatalogueEntry | None:
    """The pose entry whose file, or the ONNX file in whose archive, has this name, if any."""
    return next(
        (
            entry
            for entry in pose_entries()
            if file_name == entry.file_name or (entry.is_onnx and file_name == f"{entry.name}.onnx")
        ),
        None,
    )


@cache
def _rtm_entries() -> tuple[CatalogueEntry, ...]:
    table = resources.files("rmpe.zoo").joinpath("rtm.csv").read_text(encoding="utf-8")
    entries = []
    for row in csv.DictReader(table.splitlines()):
        height, width = (int(side) for side in row["input"].split("x"))
        entries.append(
            CatalogueEntry(
                name=row["name"],
                alias=row["alias"],
                kind="pose" if row["kind"] == "pose" else "detector",
                variant=row["variant"],
                dataset=row["dataset"],
                input_height=height,
                input_width=width,
                skeleton_name=row["skeleton"],
                codec=row["codec"],
                score=float(row["score"]),
                metric=row["metric"],
                megabytes=int(row["megabytes"]),
                address=OPENMMLAB_ADDRESS + row["path"],
                licence="Apache-2.0",
            )
        )
    return tuple(entries)


def _openmmlab_entry(row: dict[str, str]) -> CatalogueEntry:
    height, width = (int(side) for side in row["input"].split("x"))
    return CatalogueEntry(
        name=row["name"],
        alias=row["alias"],
        kind="pose",
        variant=row["variant"],
        dataset=row["dataset"],
        input_height=height,
        input_width=width,
        skeleton_name=DATASET_SKELETONS[row["dataset"]],
        codec=row["codec"],
        score=float(row["score"]),
        metric=DATASET_METRICS[row["dataset"]],
        megabytes=int(row["megabytes"]),
        address=OPENMMLAB_ADDRESS + row["path"],
        licence="Apache-2.0",
    )
