"""RTMDet: CSPNeXt, a pyramid of its layers, and heads for class and box at three strides.

Lyu et al., "RTMDet: An Empirical Study of Designing Real-Time Object Detectors", 2022, section 3.
Key names are OpenMMLab's. Nano's heads share nothing between levels; those of the others share the
convolutions of their towers, not their norms, and a file holds the shared tensors once a level.
"""

from __future__ import annotations

import re

from torch import Tensor, nn

from rmpe.networks.blocks.cspnext import (
    SCALES,
    CspNext,
    Scale,
    SizeName,
    convolution3,
    read_scale,
)
from rmpe.networks.blocks.pyramid import Pyramid
from rmpe.networks.blocks.shapes import Found, Shapes, size

STRIDES = (8, 16, 32)
TOWER_CONVOLUTIONS = 2
EXPONENTIAL_FROM = 0.75
"""Width factor from which the published sizes give the logarithm of a distance."""

PYRAMID_BLOCKS: dict[SizeName, int] = {"nano": 1, "t": 1, "s": 1, "m": 2, "l": 3, "x": 4}


class DetectionHead(nn.Module):
    """Towers of two 3x3 for class and box at every level, each ended by a 1x1 with bias."""

    def __init__(self, scale: Scale, width: int, class_count: int) -> None:
        super().__init__()
        self.cls_convs = _towers(scale, width)
        self.reg_convs = _towers(scale, width)
        self.rtm_cls = nn.ModuleList(nn.Conv2d(width, class_count, 1) for _ in STRIDES)
        self.rtm_reg = nn.ModuleList(nn.Conv2d(width, 4, 1) for _ in STRIDES)
        self.exponential = scale.widen >= EXPONENTIAL_FROM

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, ...]:
        scores = [last(tower(x)) for tower, last, x in zip(self.cls_convs, self.rtm_cls, maps)]
        boxes = []
        for tower, last, x, stride in zip(self.reg_convs, self.rtm_reg, maps, STRIDES):
            distances = last(tower(x))
            boxes.append((distances.exp() if self.exponential else distances) * stride)
        return (*scores, *boxes)


def _towers(scale: Scale, width: int) -> nn.ModuleList:
    towers = nn.ModuleList(
        nn.Sequential(
            *(
                convolution3(width, width, depthwise=scale.depthwise)
                for _ in range(TOWER_CONVOLUTIONS)
            )
        )
        for _ in STRIDES
    )
    if not scale.depthwise:
        first = towers[0]
        assert isinstance(first, nn.Sequential)
        for tower in towers[1:]:
            assert isinstance(tower, nn.Sequential)
            for own, shared in zip(tower, first):
                own.conv = shared.conv
    return towers


class RTMDet(nn.Module):
    """(N, 3, H, W) → scores of strides 8, 16, 32, then boxes of the same, a tuple of six.

    Scores (N, classes, H/s, W/s) are logits; boxes (N, 4, H/s, W/s) are the distances to the left,
    top, right and bottom side in pixels from the cell's corner (column s, row s).

    Args:
        scale: width and depth.
        class_count: number of classes; the person is the first.
        block_count: blocks in each layer of the pyramid.
    """

    def __init__(self, scale: Scale, class_count: int = 1, *, block_count: int = 1) -> None:
        super().__init__()
        width = scale.widths[1]
        self.backbone = CspNext(scale)
        self.neck = Pyramid(scale, width, block_count)
        self.bbox_head = DetectionHead(scale, width, class_count)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.bbox_head(self.neck(self.backbone.features(x)[1:]))

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The six outputs of :meth:`forward`."""
        return list(self(x))


NAMES = re.compile(r"rtmdet_(?P<size>nano|tiny|s|m|l|x)")


def build(name: re.Match[str], joint_count: int) -> RTMDet:
    """A network of one of ``NAMES`` with ``joint_count`` classes."""
    sizes: dict[str, SizeName] = {
        "nano": "nano",
        "tiny": "t",
        "s": "s",
        "m": "m",
        "l": "l",
        "x": "x",
    }
    chosen = sizes[name["size"]]
    return RTMDet(SCALES[chosen], joint_count, block_count=PYRAMID_BLOCKS[chosen])


def read(shapes: Shapes) -> Found | None:
    """Which RTMDet has these keys and shapes; None if they are another detector's."""
    scale = read_scale(shapes, "rtmdet")
    if scale is None:
        return None
    name = "tiny" if scale == "t" else scale
    class_count = size(shapes, "bbox_head.rtm_cls.0.weight", "rtmdet")
    # The published nano finds people in 320x320 pixels, the others work at 640x640.
    side = 320 if scale == "nano" and class_count == 1 else 640
    return Found((f"rtmdet_{name}",), class_count, usual_size_hw=(side, side))
