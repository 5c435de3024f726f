"""The names that options choose between.

They stand here once more so that ``--help`` answers without loading the networks' libraries;
``tests/cli/test_options.py`` compares them with the rooms that own them.
"""

from __future__ import annotations

import click

PRESETS = (
    *("auto", "compact", "compact-accurate", "rtmpose-t", "rtmpose-s", "rtmpose-m", "rtmpose-l"),
    *("rtmpose-x", "feet", "wholebody", "wholebody-m", "rtmw"),
    *("vitpose-b", "vitpose-h"),
    *("hrnet", "hrnet_w32", "hrnet_w48_384", "simplebaseline"),
    *("mspn", "rsn", "hourglass", "crowdpose", "fastpose", "cpn"),
)
RECORD_FORMATS = (
    *("native", "alphapose", "alphapose-cmu", "alphapose-open", "openpose", "openpose18"),
    *("coco", "posetrack", "posetrack17", "mot"),
)
TABLES = ("parquet", "csv")
NMS_RULES = ("pose", "oks", "oks-soft", "none")
RUNTIMES = ("auto", "torch", "openvino", "onnxruntime")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8")
BACKGROUNDS = ("original", "black", "white", "blur", "transparent")
PALETTES = ("parts", "ids", "openpose")
LIMB_STYLES = ("outlined", "flat", "ellipses")
MEASURE_FORMATS = ("csv", "xlsx", "parquet", "trc", "mot", "c3d")
PLOT_FORMATS = ("png", "svg")
LIVE_POLICIES = ("newest", "every")

RECORD_FORMAT = click.Choice(RECORD_FORMATS)
