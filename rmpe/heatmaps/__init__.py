"""Heatmap conventions: one codec a family, each with its targets and its reading of the maps.

A network's codec is known by its name in ``CODECS``; a file each holds the kinds: ``argmax``,
``dark``, ``udp``, ``megvii``, ``integral``, ``simcc``, ``vitpose``, ``compact``. All but the
last need torch, which is loaded with the first of them that is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rmpe._door import lazy_door
from rmpe.heatmaps.codec import Codec, Maps, join_maps
from rmpe.heatmaps.flip import decode_with_flip, flip_average

if TYPE_CHECKING:
    from rmpe.heatmaps.integral import soft_argmax
    from rmpe.heatmaps.megvii import MegviiCodec
    from rmpe.heatmaps.simcc import SimccCodec

_KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "alphapose": ("argmax", "ArgmaxCodec", {}),
    "alphapose_2018": (
        *("argmax", "ArgmaxCodec"),
        {"margin": 0, "offset_cells": 0.2, "flip_shift": False},
    ),
    "hrnet": ("argmax", "ArgmaxCodec", {}),
    "mspn": ("megvii", "SmoothedCodec", {"kernel_size": 5}),
    "mspn_mpii": ("megvii", "SmoothedCodec", {"kernel_size": 9}),
    "cpn": ("megvii", "SmoothedCodec", {"kernel_size": 21, "divide_by_maximum": True}),
    "hourglass": ("argmax", "HourglassCodec", {}),
    "mmpose_megvii": ("megvii", "MegviiCodec", {}),
    "dark": ("dark", "DarkCodec", {}),
    "dark_384": ("dark", "DarkCodec", {"kernel_size": 17, "sigma": 3.0}),
    "udp": ("udp", "UdpCodec", {}),
    "udp_384": ("udp", "UdpCodec", {"kernel_size": 17, "sigma": 3.0}),
    "alphapose_combined": ("integral", "CombinedCodec", {}),
    "softmax_integral": ("integral", "IntegralCodec", {"norm": "softmax"}),
    "sigmoid_integral": ("integral", "IntegralCodec", {"norm": "sigmoid"}),
    "vitpose": ("vitpose", "VitPoseCodec", {}),
    "simcc": ("simcc", "SimccCodec", {}),
    "simcc_384": ("simcc", "SimccCodec", {"sigma_xy": (6.0, 6.93)}),
    "compact": ("compact", "CompactCodec", {}),
    "compact_accurate": (
        *("compact", "CompactCodec"),
        {"sigma": 1.25, "score_slope": 1.992, "score_offset": 2.556},
    ),
    "compact_maps": (
        *("compact", "CompactCodec"),
        {"activation": "none", "sigma": 2.0, "blur_sigma": 0.0},
    ),
}
"""Name of a codec: its file here, its class and its settings."""


class _Codecs(Mapping[str, Codec]):
    """The codecs by name, each made when it is asked for first."""

    def __init__(self) -> None:
        self._made: dict[str, Codec] = {}

    def __getitem__(self, name: str) -> Codec:
        if name not in self._made:
            file, kind, settings = _KINDS[name]
            make = getattr(importlib.import_module(f"rmpe.heatmaps.{file}"), kind)
            self._made[name] = make(**settings)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_KINDS)

    def __len__(self) -> int:
        return len(_KINDS)


CODECS: Mapping[str, Codec] = _Codecs()


def get_codec(name: str) -> Codec:
    """Return the codec of that name.

    Raises:
        ValueError: there is none; the message lists the names.
    """
    if name not in CODECS:
        raise ValueError(f"got codec {name!r}, supported are {', '.join(sorted(CODECS))}")
    return CODECS[name]


__all__ = [
    "CODECS",
    "Codec",
    "Maps",
    "MegviiCodec",
    "SimccCodec",
    "decode_with_flip",
    "flip_average",
    "get_codec",
    "join_maps",
    "soft_argmax",
]

# These need torch.
__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "MegviiCodec": "rmpe.heatmaps.megvii",
        "SimccCodec": "rmpe.heatmaps.simcc",
        "soft_argmax": "rmpe.heatmaps.integral",
    },
)
