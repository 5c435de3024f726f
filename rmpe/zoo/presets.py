"""Pairs of detector and pose network that go well together, by one short name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """One pair."""

    name: str
    """What a user asks for."""
    detector: str
    """Name for ``rmpe.detectors``."""
    network: str
    """``compact``, ``compact-accurate``, or a name in ``rmpe.zoo.catalogue``."""
    summary: str
    """One line for the help."""


DETECTOR = "torchvision:fasterrcnn_resnet50_fpn_v2"

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("compact", "compact", "compact", "weights in the package, for speed on a CPU"),
        Preset(
            "compact-accurate",
            "compact-accurate",
            "compact-accurate",
            "weights in the package, finer and about four times the time of a crop",
        ),
        Preset(
            "hrnet",
            DETECTOR,
            "td-hm_hrnet-w48_8xb32-210e_coco-256x192",
            "HRNet-W48, 75.6 AP",
        ),
        Preset(
            "hrnet_w32",
            DETECTOR,
            "td-hm_hrnet-w32_8xb64-210e_coco-256x192",
            "HRNet-W32, 74.6 AP",
        ),
        Preset(
            "hrnet_w48_384",
            DETECTOR,
            "td-hm_hrnet-w48_dark-8xb32-210e_coco-384x288",
            "HRNet-W48 at 384x288 with DARK, 77.2 AP",
        ),
        Preset(
            "simplebaseline",
            DETECTOR,
            "td-hm_res50_8xb64-210e_coco-256x192",
            "SimpleBaseline ResNet-50, 71.8 AP",
        ),
        Preset("mspn", DETECTOR, "td-hm_4xmspn50_8xb32-210e_coco-256x192", "4xMSPN-50, 76.5 AP"),
        Preset("rsn", DETECTOR, "td-hm_2xrsn50_8xb32-210e_coco-256x192", "2xRSN-50, 74.8 AP"),
        Preset(
            "hourglass",
            DETECTOR,
            "td-hm_hourglass52_8xb32-210e_coco-256x256",
            "Hourglass-52, 72.6 AP",
        ),
        Preset(
            "crowdpose",
            DETECTOR,
            "td-hm_hrnet-w32_8xb64-210e_crowdpose-256x192",
            "HRNet-W32 for crowds, 67.5 AP on CrowdPose",
        ),
    )
}

WITHOUT_ADDRESS = {"fastpose": "AlphaPose", "cpn": "pytorch-cpn"}
"""Networks whose published files have no direct address, and whose files they are."""


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ValueError: there is none, or its weights have to be given as a file.
    """
    if name in WITHOUT_ADDRESS:
        raise ValueError(
            f"preset {name!r}: the files of {WITHOUT_ADDRESS[name]} have no direct address; "
            "download one by hand and give it with --weights FILE"
        )
    if name not in PRESETS:
        raise ValueError(f"got preset {name!r}, supported are {', '.join(PRESETS)}")
    return PRESETS[name]
