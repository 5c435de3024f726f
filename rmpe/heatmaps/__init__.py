"""Heatmap conventions: one codec a family, each with its targets and its reading of the maps.

A network's codec is known by its name in ``CODECS``; a file each holds the kinds: ``argmax``,
``dark``, ``udp``, ``megvii``, ``integral``, ``combined``, ``simcc``.
"""

from __future__ import annotations

from rmpe.heatmaps.argmax import ArgmaxCodec, HourglassCodec
from rmpe.heatmaps.codec import Codec
from rmpe.heatmaps.combined import CombinedCodec
from rmpe.heatmaps.dark import CompactCodec, DarkCodec
from rmpe.heatmaps.flip import decode_with_flip, flip_average
from rmpe.heatmaps.integral import IntegralCodec, soft_argmax
from rmpe.heatmaps.megvii import MegviiCodec, SmoothedCodec
from rmpe.heatmaps.simcc import SimccCodec
from rmpe.heatmaps.udp import UdpCodec

CODECS: dict[str, Codec] = {
    "alphapose": ArgmaxCodec(),
    "alphapose_2018": ArgmaxCodec(margin=0, offset_cells=0.2, flip_shift=False),
    "hrnet": ArgmaxCodec(),
    "mspn": SmoothedCodec(kernel_size=5),
    "mspn_mpii": SmoothedCodec(kernel_size=9),
    "cpn": SmoothedCodec(kernel_size=21, divide_by_maximum=True),
    "hourglass": HourglassCodec(),
    "mmpose_megvii": MegviiCodec(),
    "dark": DarkCodec(),
    "dark_384": DarkCodec(kernel_size=17, sigma=3.0),
    "udp": UdpCodec(),
    "udp_384": UdpCodec(kernel_size=17, sigma=3.0),
    "alphapose_combined": CombinedCodec(),
    "softmax_integral": IntegralCodec(norm="softmax"),
    "sigmoid_integral": IntegralCodec(norm="sigmoid"),
    "simcc": SimccCodec(),
    "simcc_384": SimccCodec(sigma_xy=(6.0, 6.93)),
    "compact": CompactCodec(),
    "compact_accurate": CompactCodec(sigma=1.25),
    "compact_maps": CompactCodec(activation="none", sigma=2.0, blur_sigma=0.0),
}


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
    "ArgmaxCodec",
    "Codec",
    "DarkCodec",
    "MegviiCodec",
    "SimccCodec",
    "decode_with_flip",
    "flip_average",
    "get_codec",
    "soft_argmax",
]
