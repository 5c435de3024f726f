"""Pairs of detector and pose network that go well together, by one short name."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from rmpe.runtimes.threads import available_cores
from rmpe.zoo.bundled import BUNDLED
from rmpe.zoo.catalogue import CatalogueEntry, find_entry, hub_entries

log = logging.getLogger(__name__)

FASTER_RCNN = "torchvision:fasterrcnn_resnet50_fpn_v2"
RT_DETR = "hf:PekingU/rtdetr_r50vd_coco_o365"
RTMDET_NANO = "rtmdet:rtmdet_nano_8xb32-100e_coco-obj365-person-05d8511e"
RTMDET_M = "rtmdet:rtmdet_m_8xb32-100e_coco-obj365-person-235e8209"
CORES_FOR_RTMPOSE = 8
"""With fewer a CPU takes longer for a frame with ten people than the frame lasts."""


@dataclass(frozen=True)
class Preset:
    """One pair."""

    name: str
    """What a user asks for."""
    detector: str
    """Name for ``rmpe.detectors``."""
    network: str
    """``compact``, ``compact-accurate``, a name in ``rmpe.zoo.catalogue``, or ``hf:NAME``."""
    summary: str
    """What it is, without its published score, which the catalogue has."""

    @property
    def entry(self) -> CatalogueEntry | None:
        """The network's entry in the catalogue; None for those of the package."""
        if self.network in BUNDLED:
            return None
        hub = {entry.name: entry for entry in hub_entries()}
        return hub.get(self.network) or find_entry(self.network)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("compact", "compact", "compact", "in the package, for speed on a CPU"),
        Preset(
            *("compact-accurate", "compact-accurate", "compact-accurate"),
            "in the package, finer and about four times the time of a crop",
        ),
        Preset(
            *("rtmpose-t", RTMDET_NANO),
            "rtmpose-t_simcc-body7_pt-body7_420e-256x192-026a1439_20230504",
            "RTMPose-t, the smallest",
        ),
        Preset(
            *("rtmpose-s", RTMDET_NANO),
            "rtmpose-s_simcc-body7_pt-body7_420e-256x192-acd4a1ef_20230504",
            "RTMPose-s",
        ),
        Preset(
            *("rtmpose-m", RTMDET_NANO),
            "rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504",
            "RTMPose-m, the usual choice",
        ),
        Preset(
            *("rtmpose-l", RTMDET_M),
            "rtmpose-l_simcc-body7_pt-body7_420e-256x192-4dba18fc_20230504",
            "RTMPose-l",
        ),
        Preset(
            *("rtmpose-x", RTMDET_M),
            "rtmpose-x_simcc-body7_pt-body7_700e-384x288-71d7b7e9_20230629",
            "RTMPose-x at 384x288, the most exact",
        ),
        Preset(
            *("feet", RTMDET_M),
            "rtmpose-m_simcc-body7_pt-body7-halpe26_700e-256x192-4d3e73dd_20230605",
            "RTMPose-m with feet, neck and head top",
        ),
        Preset(
            *("wholebody", RTMDET_M),
            "rtmpose-l_simcc-ucoco_dw-ucoco_270e-384x288-2438fd99_20230728",
            "DWPose-l: body, feet, face and hands",
        ),
        Preset(
            *("wholebody-m", RTMDET_NANO),
            "rtmpose-m_simcc-ucoco_dw-ucoco_270e-256x192-c8b76419_20230728",
            "DWPose-m: body, feet, face and hands",
        ),
        Preset(
            *("rtmw", RTMDET_M),
            "rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122-onnx",
            "RTMW-l from its ONNX file: body, feet, face and hands",
        ),
        Preset(
            *("vitpose-b", RT_DETR, "hf:usyd-community/vitpose-base"),
            "ViTPose-B and RT-DETR of the Hugging Face hub",
        ),
        Preset(
            *("vitpose-h", RT_DETR, "hf:usyd-community/vitpose-plus-huge"),
            "ViTPose++-H (COCO's expert) and RT-DETR of the Hugging Face hub",
        ),
        Preset("hrnet", FASTER_RCNN, "td-hm_hrnet-w48_8xb32-210e_coco-256x192", "HRNet-W48"),
        Preset("hrnet_w32", FASTER_RCNN, "td-hm_hrnet-w32_8xb64-210e_coco-256x192", "HRNet-W32"),
        Preset(
            *("hrnet_w48_384", FASTER_RCNN, "td-hm_hrnet-w48_dark-8xb32-210e_coco-384x288"),
            "HRNet-W48 at 384x288 with DARK",
        ),
        Preset(
            *("simplebaseline", FASTER_RCNN, "td-hm_res50_8xb64-210e_coco-256x192"),
            "SimpleBaseline ResNet-50",
        ),
        Preset("mspn", FASTER_RCNN, "td-hm_4xmspn50_8xb32-210e_coco-256x192", "4xMSPN-50"),
        Preset("rsn", FASTER_RCNN, "td-hm_2xrsn50_8xb32-210e_coco-256x192", "2xRSN-50"),
        Preset(
            *("hourglass", FASTER_RCNN, "td-hm_hourglass52_8xb32-210e_coco-256x256"),
            "Hourglass-52",
        ),
        Preset(
            *("crowdpose", FASTER_RCNN, "td-hm_hrnet-w32_8xb64-210e_crowdpose-256x192"),
            "HRNet-W32 for crowds",
        ),
    )
}

WITHOUT_ADDRESS = {"fastpose": "AlphaPose", "cpn": "pytorch-cpn"}
"""Networks whose published files have no direct address, and whose files they are."""

AUTO = "auto"


def get_preset(name: str, device: str = "auto") -> Preset:
    """The preset of that name; ``auto`` takes what the machine bears and says what it took.

    Args:
        name: a key of ``PRESETS``, or ``auto``.
        device: where the networks will run, for ``auto``.

    Raises:
        ValueError: there is none, or its weights have to be given as a file.
    """
    if name == AUTO:
        preset, why = _automatic(device)
        log.warning("preset auto: %s, %s", preset.name, why)
        return preset
    if name in WITHOUT_ADDRESS:
        raise ValueError(
            f"preset {name!r}: the files of {WITHOUT_ADDRESS[name]} have no direct address; "
            "download one by hand and give it with --weights FILE"
        )
    if name not in PRESETS:
        raise ValueError(f"got preset {name!r}, supported are {', '.join((*PRESETS, AUTO))}")
    return PRESETS[name]


def _automatic(device: str) -> tuple[Preset, str]:
    """What this machine bears, and why."""
    from rmpe.runtimes import choose_device
    from rmpe.zoo.download import FetchOptions  # the web's modules, which few starts need

    cores = available_cores()
    if choose_device(device).type != "cpu":
        chosen, why = PRESETS["rtmpose-l"], "there is a GPU"
    elif cores >= CORES_FOR_RTMPOSE:
        chosen, why = PRESETS["rtmpose-m"], f"the CPU has {cores} cores and there is no GPU"
    else:
        count = "1 core" if cores == 1 else f"{cores} cores"
        return PRESETS["compact"], f"the CPU has {count} and there is no GPU"
    options, entry = FetchOptions(), chosen.entry
    assert entry is not None
    if options.offline and not (options.cache_dir / entry.file_name).is_file():
        return PRESETS["compact"], f"{why}, but {chosen.name} is not in the cache of this machine"
    return chosen, why
