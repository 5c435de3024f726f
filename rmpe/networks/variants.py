"""Every network family, one row each: how its keys are known and its variants are built.

A new family is one file (the network, its ``NAMES``, ``read`` and ``build``) and one row here;
recognition of checkpoints and :func:`build_network` both go by the rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor, nn

from rmpe.networks import (
    compact_pose,
    cpn,
    fastpose,
    hourglass,
    hourglass52,
    hrnet,
    mspn,
    rsn,
    rtmdet,
    rtmpose,
    simplebaseline,
)
from rmpe.networks.blocks.shapes import Found, Shapes


class PoseNetwork(Protocol):
    """What all pose networks of this folder have."""

    def __call__(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, 3, H, W) pictures → final heatmaps (N, K, h, w), or SimCC's columns and rows."""

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """Every output that training supervises, the final one last."""


@dataclass(frozen=True)
class Family:
    """One family of networks."""

    name: str
    """Short name, as recognition gives it."""
    key_parts: tuple[str, ...]
    """First parts of the keys that every network of the family has."""
    read: Callable[[Shapes], Found | None]
    """Which variant some keys and shapes belong to; None if they are another family's that has the
    same first parts. Raises ValueError for a network of this family that cannot be built."""
    names: re.Pattern[str]
    """What the variants are called."""
    build: Callable[..., nn.Module]
    """``build(match of names, joint count, **details of Found)`` → a fresh network."""
    variants: tuple[str, ...]
    """The published variants; ``names`` may hold more."""
    origins: tuple[str, ...]
    """Whose conventions the weights may follow, the usual first: ``rmpe.zoo.conventions``."""
    openmmlab_origin: str = "openmmlab"
    """The same for files in OpenMMLab's layout."""
    finds: Literal["joints", "boxes"] = "joints"
    """What the networks find."""
    origins_of: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    """Exceptions: a variant (empty: any) and a joint count (0: any) → its origins."""


_STAGES = range(1, 5)

FAMILIES: tuple[Family, ...] = (
    Family(
        "fastpose",
        ("preact", "duc1", "duc2", "conv_out"),
        fastpose.read,
        fastpose.NAMES,
        fastpose.build,
        variants=(
            *("fastpose_res50", "fastpose_res50_wide", "fastpose_res152_wide"),
            *("fastpose_res50_dcn", "fastpose_res50_dcn_wide"),
            *("fastpose_duc_res50_unshuffle", "fastpose_duc_res152", "duc_se_resnet101"),
        ),
        origins=("alphapose", "alphapose_2018"),
        origins_of=(("duc_se_resnet101", 0, ("alphapose_2018", "alphapose")),),
    ),
    Family(
        "simplepose",
        ("preact", "deconv_layers", "final_layer"),
        simplebaseline.read_simplepose,
        simplebaseline.SIMPLEPOSE_NAMES,
        simplebaseline.build_simplepose,
        variants=("simplepose_res50",),
        origins=("alphapose",),
    ),
    Family(
        "simplebaseline",
        (
            *("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"),
            *("deconv_layers", "final_layer"),
        ),
        simplebaseline.read,
        simplebaseline.NAMES,
        simplebaseline.build,
        variants=tuple(
            f"pose_resnet{depth}{style}" for style in ("", "_caffe") for depth in (50, 101, 152)
        ),
        origins=("simplebaseline",),
    ),
    Family(
        "hrnet",
        (
            *("conv1", "bn1", "conv2", "bn2", "layer1"),
            *("transition1", "transition2", "transition3"),
            *("stage2", "stage3", "stage4", "final_layer"),
        ),
        hrnet.read,
        hrnet.NAMES,
        hrnet.build,
        variants=("hrnet_w32", "hrnet_w48"),
        origins=("hrnet", "alphapose"),
    ),
    Family(
        "cpn",
        ("resnet", "global_net", "refine_net"),
        cpn.read,
        cpn.NAMES,
        cpn.build,
        variants=("cpn50", "cpn101"),
        origins=("cpn",),
    ),
    Family(
        "mspn",
        ("top", "stage0"),
        mspn.read,
        mspn.NAMES,
        mspn.build,
        variants=tuple(f"mspn_{stages}stage" for stages in _STAGES),
        origins=("megvii", "megvii_mpii"),
        openmmlab_origin="openmmlab_megvii",
        origins_of=(("", 16, ("megvii_mpii", "megvii")),),
    ),
    Family(
        "rsn",
        ("top", "stage0"),
        rsn.read,
        rsn.NAMES,
        rsn.build,
        variants=tuple(
            f"{block}_{stages}stage" for block in ("rsn18", "rsn50", "res18") for stages in _STAGES
        ),
        origins=("megvii", "megvii_mpii"),
        openmmlab_origin="openmmlab_megvii",
        origins_of=(("", 16, ("megvii_mpii", "megvii")),),
    ),
    Family(
        "hourglass",
        ("pre", "hgs", "features", "outs"),
        hourglass.read,
        hourglass.NAMES,
        hourglass.build,
        variants=("hourglass_2stack", "hourglass_8stack"),
        origins=("hourglass",),
    ),
    Family(
        "hourglass52",
        ("backbone", "head"),
        hourglass52.read,
        hourglass52.NAMES,
        hourglass52.build,
        variants=("hourglass52",),
        origins=("openmmlab",),
    ),
    Family(
        "rtmpose",
        ("backbone", "head"),
        rtmpose.read,
        rtmpose.NAMES,
        rtmpose.build,
        variants=tuple(f"rtmpose_{size}" for size in ("t", "s", "m", "l", "x")),
        origins=("openmmlab_rtm",),
        openmmlab_origin="openmmlab_rtm",
    ),
    Family(
        "rtmw",
        ("backbone", "neck", "head"),
        rtmpose.read_rtmw,
        rtmpose.RTMW_NAMES,
        rtmpose.build,
        variants=tuple(f"rtmw_{size}" for size in ("m", "l", "x")),
        origins=("openmmlab_rtm",),
        openmmlab_origin="openmmlab_rtm",
    ),
    Family(
        "rtmdet",
        ("backbone", "neck", "bbox_head"),
        rtmdet.read,
        rtmdet.NAMES,
        rtmdet.build,
        variants=tuple(f"rtmdet_{size}" for size in ("nano", "tiny", "s", "m", "l", "x")),
        origins=("openmmlab_rtmdet",),
        openmmlab_origin="openmmlab_rtmdet",
        finds="boxes",
    ),
    Family(
        "compact",
        ("stem", "stem_filter", "stem_project", "level4", "lateral32", "head"),
        compact_pose.read,
        compact_pose.NAMES,
        compact_pose.build,
        variants=("compact", "compact-accurate"),
        origins=("compact",),
        origins_of=(("compact-accurate", 0, ("compact-accurate",)),),
    ),
)


def variant_names(families: Sequence[Family] = FAMILIES) -> tuple[str, ...]:
    """Return the names of all published variants."""
    return tuple(name for family in families for name in family.variants)


def build_network(
    variant: str, joint_count: int, *, families: Sequence[Family] = FAMILIES, **details: object
) -> nn.Module:
    """A freshly initialised network of the named variant.

    Args:
        variant: its name, published or not, such as ``hrnet_w18``.
        joint_count: number of heatmaps.
        families: where to look.
        details: what the name does not carry, see :class:`rmpe.networks.blocks.Found`.

    Raises:
        ValueError: the name is unknown or the count is not positive.
    """
    if joint_count < 1:
        raise ValueError(f"got {joint_count} joints, at least 1 is needed")
    for family in families:
        name = family.names.fullmatch(variant)
        if name is not None:
            return family.build(name, joint_count, **details)
    raise ValueError(f"got network {variant!r}, supported are {', '.join(variant_names(families))}")
