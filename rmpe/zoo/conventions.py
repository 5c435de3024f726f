"""What a set of weights expects of the program around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rmpe.geometry.crop import (
    ALPHAPOSE,
    ALPHAPOSE_2018,
    COMPACT,
    CPN,
    HOURGLASS,
    HRNET,
    MSPN,
    MSPN_MPII,
    VITPOSE,
    CropStyle,
)
from rmpe.pose_nms.rescoring import ScoreRule
from rmpe.skeletons import Skeleton, get_skeleton


@dataclass(frozen=True)
class Conventions:
    """How pictures go into a network and how its heatmaps are read."""

    skeleton_name: str
    """Key in ``rmpe.skeletons.SKELETONS``, or the name of ``own_skeleton``."""
    input_height: int
    """Rows of the network's input."""
    input_width: int
    """Columns of the network's input."""
    colour_order: Literal["rgb", "bgr"]
    """Order of the network's three channels."""
    mean: tuple[float, float, float]
    """Subtracted from values of 0..1, in the network's colour order."""
    std: tuple[float, float, float]
    """Divides after that."""
    crop_style: CropStyle
    """How the person is cut out of the frame."""
    codec: str
    """Key in ``rmpe.heatmaps.CODECS``."""
    score_rule: ScoreRule = "mean"
    """Pose score: box score times the mean of all joints, or of the joints above 0.2 (HRNet)."""
    own_skeleton: Skeleton | None = None
    """Joints that are none of the known sets': those of a user's own annotation."""
    narrow_width: int = 0
    """Columns in the middle of the input that are looked at alone of people whose box is narrow
    (``rmpe.geometry.narrow``); 0: all of the input, whoever it is."""

    @property
    def narrow_margin(self) -> int:
        """Columns on either side of the input in which nothing is looked for of narrow people."""
        return (self.input_width - self.narrow_width) // 2 if self.narrow_width else 0

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of the network's channels."""
        return self.own_skeleton or get_skeleton(self.skeleton_name)


IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
NO_MEAN = (0.0, 0.0, 0.0)
NO_STD = (1.0, 1.0, 1.0)

Origin = Literal[
    "alphapose",
    "alphapose_2018",
    "hrnet",
    "simplebaseline",
    "megvii",
    "megvii_mpii",
    "cpn",
    "hourglass",
    "openmmlab",
    "openmmlab_megvii",
    "openmmlab_rtm",
    "openmmlab_rtmdet",
    "vitpose",
    "compact",
    "compact-accurate",
]

CONVENTIONS: dict[Origin, Conventions] = {
    "alphapose": Conventions(
        "coco17", 256, 192, "rgb", (0.406, 0.457, 0.480), NO_STD, ALPHAPOSE, "alphapose"
    ),
    "alphapose_2018": Conventions(
        *("coco17", 320, 256, "rgb", (0.406, 0.457, 0.480), NO_STD),
        ALPHAPOSE_2018,
        "alphapose_2018",
    ),
    "hrnet": Conventions(
        "coco17", 256, 192, "rgb", IMAGENET_MEAN, IMAGENET_STD, HRNET, "hrnet", "hrnet"
    ),
    # The numbers of red, green, blue on an image of blue, green, red: so it was trained.
    "simplebaseline": Conventions(
        "coco17", 256, 192, "bgr", IMAGENET_MEAN, IMAGENET_STD, HRNET, "hrnet", "hrnet"
    ),
    "megvii": Conventions(
        "coco17", 256, 192, "bgr", IMAGENET_MEAN[::-1], IMAGENET_STD[::-1], MSPN, "mspn"
    ),
    "megvii_mpii": Conventions(
        *("mpii16", 256, 256, "bgr", IMAGENET_MEAN[::-1], IMAGENET_STD[::-1]),
        MSPN_MPII,
        "mspn_mpii",
    ),
    "cpn": Conventions(
        *("coco17", 256, 192, "rgb"),
        (122.7717 / 255, 115.9465 / 255, 102.9801 / 255),
        NO_STD,
        CPN,
        "cpn",
    ),
    "hourglass": Conventions("mpii16", 256, 256, "rgb", NO_MEAN, NO_STD, HOURGLASS, "hourglass"),
    "openmmlab": Conventions(
        "coco17", 256, 192, "rgb", IMAGENET_MEAN, IMAGENET_STD, HRNET, "hrnet", "hrnet"
    ),
    "openmmlab_megvii": Conventions(
        "coco17", 256, 192, "rgb", IMAGENET_MEAN, IMAGENET_STD, HRNET, "mmpose_megvii", "hrnet"
    ),
    "openmmlab_rtm": Conventions(
        "coco17", 256, 192, "rgb", IMAGENET_MEAN, IMAGENET_STD, HRNET, "simcc", "hrnet"
    ),
    "vitpose": Conventions(
        "coco17", 256, 192, "rgb", IMAGENET_MEAN, IMAGENET_STD, VITPOSE, "vitpose", "hrnet"
    ),
    # A detector: it has no joints, takes whole pictures and decodes its own boxes.
    "openmmlab_rtmdet": Conventions(
        *("", 640, 640, "bgr"),
        (103.53 / 255, 116.28 / 255, 123.675 / 255),
        (57.375 / 255, 57.12 / 255, 58.395 / 255),
        HRNET,
        "",
    ),
    "compact": Conventions("coco19", 256, 192, "rgb", NO_MEAN, NO_STD, COMPACT, "compact"),
    "compact-accurate": Conventions(
        "coco19", 320, 256, "rgb", NO_MEAN, NO_STD, COMPACT, "compact_accurate"
    ),
}
"""Whose program trained the weights → what they expect; skeleton and size are the usual ones.

The 3 numbers of ``mean`` and ``std`` are in the network's own colour order.
"""
