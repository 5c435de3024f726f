"""Which network a set of keys and shapes belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import nn

from rmpe.networks.compact_pose import CompactPose
from rmpe.networks.cpn import CPN
from rmpe.networks.fastpose import FastPose, FastPoseDuc
from rmpe.networks.hourglass import StackedHourglass
from rmpe.networks.hourglass52 import Hourglass52
from rmpe.networks.hrnet import HRNet
from rmpe.networks.mspn import MSPN
from rmpe.networks.resnet import BLOCK_COUNTS, ResNetDepth
from rmpe.networks.rsn import DEPTHS, RSN, RsnDepth
from rmpe.networks.simplebaseline import SimpleBaseline, SimplePose

Shapes = Mapping[str, tuple[int, ...]]
Family = Literal[
    "fastpose", "simplepose", "simplebaseline", "hrnet", "cpn", "multistage", "hourglass",
    "hourglass52",
    "compact",
]  # fmt: skip

FAMILY_PARTS: dict[Family, tuple[str, ...]] = {
    "fastpose": ("preact", "duc1", "duc2", "conv_out"),
    "simplepose": ("preact", "deconv_layers", "final_layer"),
    "simplebaseline": (
        *("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"),
        *("deconv_layers", "final_layer"),
    ),
    "hrnet": (
        *("conv1", "bn1", "conv2", "bn2", "layer1", "transition1", "transition2", "transition3"),
        *("stage2", "stage3", "stage4", "final_layer"),
    ),
    "cpn": ("resnet", "global_net", "refine_net"),
    "multistage": ("top", "stage0"),
    "hourglass": ("pre", "hgs", "features", "outs"),
    "hourglass52": ("backbone", "head"),
    "compact": ("stem", "stem_filter", "stem_project", "level4", "lateral32", "head"),
}
"""First parts of the keys that a family always has."""


@dataclass(frozen=True)
class Architecture:
    """A recognised network."""

    family: str
    """``fastpose``, ``simplepose``, ``simplebaseline``, ``hrnet``, ``cpn``, ``mspn``, ``rsn``,
    ``hourglass``, ``hourglass52`` or ``compact``."""
    joint_count: int
    """Number of heatmaps."""
    builders: dict[str, Callable[[], nn.Module]]
    """Variants with exactly these keys and shapes, the one to assume first."""


def recognise(shapes: Shapes) -> Architecture:
    """The architecture of a checkpoint with these keys (in this package's names) and shapes.

    Raises:
        ValueError: no family has these keys; the message names the nearest and what it lacks.
    """
    parts = {key.split(".")[0] for key in shapes}
    missing = {
        family: [part for part in needed if part not in parts]
        for family, needed in FAMILY_PARTS.items()
    }
    fits = [family for family in FAMILY_PARTS if not missing[family]]
    if fits:
        return _READERS[fits[0]](shapes)
    near = sorted(FAMILY_PARTS, key=lambda family: len(missing[family]) / len(FAMILY_PARTS[family]))
    candidates = [
        family for family in near if len(missing[family]) * 2 <= len(FAMILY_PARTS[family])
    ]
    if candidates:
        described = "; ".join(
            f"{family} needs {', '.join(missing[family])}" for family in candidates[:3]
        )
        raise ValueError(
            f"the checkpoint is of no known architecture; nearest: {described}; "
            f"its keys start with {_first_keys(shapes)}"
        )
    raise ValueError(
        f"the checkpoint is of no known architecture; known are {', '.join(FAMILY_PARTS)}; "
        f"its keys start with {_first_keys(shapes)}"
    )


def _fastpose(shapes: Shapes) -> Architecture:
    depth = _resnet_depth(shapes, "preact.")
    joint_count = _size(shapes, "conv_out.weight", "fastpose")
    if _has(shapes, r"duc3\."):
        unshuffle = _has(shapes, r"preact\.layer\d\.0\.conv2\.1\.")
        name = f"fastpose_duc_res{depth}" + ("_unshuffle" if unshuffle else "")
        return Architecture(
            "fastpose",
            joint_count,
            {name: lambda: FastPoseDuc(depth, joint_count, unshuffle=unshuffle)},
        )
    deformable = _has(shapes, r"preact\.layer\d\.\d+\.conv2_offset\.")
    channels = _size(shapes, "conv_out.weight", "fastpose", 1)
    wide = channels == 256
    name = f"fastpose_res{depth}" + ("_dcn" if deformable else "") + ("_wide" if wide else "")
    if depth == 101 and joint_count == 33:
        name = "duc_se_resnet101"
    return Architecture(
        "fastpose",
        joint_count,
        {
            name: lambda: FastPose(
                depth, joint_count, head_channels=256 if wide else 128, deformable=deformable
            )
        },
    )


def _simplepose(shapes: Shapes) -> Architecture:
    depth = _resnet_depth(shapes, "preact.")
    joint_count = _size(shapes, "final_layer.weight", "simplepose")
    return Architecture(
        "simplepose",
        joint_count,
        {f"simplepose_res{depth}": lambda: SimplePose(depth, joint_count)},
    )


def _simplebaseline(shapes: Shapes) -> Architecture:
    depth = _resnet_depth(shapes, "")
    joint_count = _size(shapes, "final_layer.weight", "simplebaseline")
    return Architecture(
        "simplebaseline",
        joint_count,
        {
            f"pose_resnet{depth}": lambda: SimpleBaseline(depth, joint_count),
            f"pose_resnet{depth}_caffe": lambda: SimpleBaseline(
                depth, joint_count, stride_first=True
            ),
        },
    )


def _hrnet(shapes: Shapes) -> Architecture:
    joint_count = _size(shapes, "final_layer.weight", "hrnet")
    width = _size(shapes, "final_layer.weight", "hrnet", 1)
    return Architecture(
        "hrnet", joint_count, {f"hrnet_w{width}": lambda: HRNet(width, joint_count)}
    )


def _cpn(shapes: Shapes) -> Architecture:
    depth = _resnet_depth(shapes, "resnet.")
    if depth == 152:
        raise ValueError("the checkpoint is a CPN of ResNet depth 152, supported are 50, 101")
    joint_count = _size(shapes, "refine_net.final_predict.1.weight", "cpn")
    return Architecture("cpn", joint_count, {f"cpn{depth}": lambda: CPN(depth, joint_count)})


def _multistage(shapes: Shapes) -> Architecture:
    stage_count = _count(shapes, r"stage(\d+)\.")
    bias = _has(shapes, r"(top|stage\d+)\..*conv\.bias$")
    joint_count = _size(shapes, "stage0.upsample.up4.res_conv2.bn.weight", "mspn, rsn")
    steps = _has(shapes, r"stage\d+\.downsample\.layer\d\.\d+\.conv_bn_relu2_1_1\.")
    last_width = _size(shapes, "stage0.upsample.up1.u_skip.conv.weight", "mspn, rsn", 1)
    if not steps and last_width == 2048:
        return Architecture(
            "mspn",
            joint_count,
            {f"mspn_{stage_count}stage": lambda: MSPN(stage_count, joint_count, bias=bias)},
        )
    counts = _block_counts(shapes, "stage0.downsample.")
    depths: dict[tuple[int, ...], RsnDepth] = {value: key for key, value in DEPTHS.items()}
    if counts not in depths:
        raise ValueError(
            f"the checkpoint is an RSN with {counts} blocks, supported are {list(depths)}"
        )
    depth = depths[counts]
    refine = _has(shapes, r"refine\.")
    name = f"{'rsn' if steps else 'res'}{depth}_{stage_count}stage" + ("_prm" if refine else "")
    return Architecture(
        "rsn",
        joint_count,
        {
            name: lambda: RSN(
                depth,
                stage_count,
                joint_count,
                block="residual_steps" if steps else "plain",
                bias=bias,
                refine=refine,
            )
        },
    )


def _hourglass(shapes: Shapes) -> Architecture:
    stack_count = _count(shapes, r"hgs\.(\d+)\.")
    joint_count = _size(shapes, "outs.0.conv.weight", "hourglass")
    return Architecture(
        "hourglass",
        joint_count,
        {f"hourglass_{stack_count}stack": lambda: StackedHourglass(stack_count, joint_count)},
    )


def _hourglass52(shapes: Shapes) -> Architecture:
    if not _has(shapes, r"backbone\.hourglass_modules\."):
        raise ValueError(
            "the checkpoint has OpenMMLab's layout but its network is none of those known: "
            f"HRNet, ResNet, MSPN, RSN, Hourglass-52; its keys start with {_first_keys(shapes)}"
        )
    joint_count = _size(shapes, "head.multi_final_layers.0.weight", "hourglass52")
    return Architecture(
        "hourglass52", joint_count, {"hourglass52": lambda: Hourglass52(joint_count)}
    )


def _compact(shapes: Shapes) -> Architecture:
    joint_count = _size(shapes, "head.output.weight", "compact")
    return Architecture("compact", joint_count, {"compact": lambda: CompactPose(joint_count)})


_READERS: dict[Family, Callable[[Shapes], Architecture]] = {
    "fastpose": _fastpose,
    "simplepose": _simplepose,
    "simplebaseline": _simplebaseline,
    "hrnet": _hrnet,
    "cpn": _cpn,
    "multistage": _multistage,
    "hourglass": _hourglass,
    "hourglass52": _hourglass52,
    "compact": _compact,
}


def _has(shapes: Shapes, pattern: str) -> bool:
    return any(re.match(pattern, key) for key in shapes)


def _count(shapes: Shapes, pattern: str) -> int:
    """One more than the greatest number that the pattern's group finds; 0 if it finds none."""
    found = [re.match(pattern, key) for key in shapes]
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _block_counts(shapes: Shapes, prefix: str) -> tuple[int, ...]:
    return tuple(
        _count(shapes, rf"{re.escape(prefix)}layer{layer}\.(\d+)\.") for layer in range(1, 5)
    )


def _resnet_depth(shapes: Shapes, prefix: str) -> ResNetDepth:
    counts = _block_counts(shapes, prefix)
    for depth, blocks in BLOCK_COUNTS.items():
        if blocks == counts:
            return depth
    known = ", ".join(f"ResNet-{depth} {blocks}" for depth, blocks in BLOCK_COUNTS.items())
    raise ValueError(f"the checkpoint's trunk has {counts} blocks in its layers, known are {known}")


def _size(shapes: Shapes, key: str, family: str, dimension: int = 0) -> int:
    """One dimension of a tensor that tells variants apart."""
    if key not in shapes:
        raise ValueError(f"the checkpoint looks like {family} but has no {key!r}")
    if len(shapes[key]) <= dimension:
        raise ValueError(
            f"the checkpoint looks like {family} but its {key!r} has shape {shapes[key]}"
        )
    return shapes[key][dimension]


def _first_keys(shapes: Shapes) -> str:
    return ", ".join(list(shapes)[:3]) or "nothing"
