"""From a checkpoint file's keys to this package's.

The networks keep the key names of their original repositories, so only wrappings have to go; the
OpenMMLab layouts (0.x: ``keypoint_head.``, 1.x: ``head.``) are renamed by the tables below.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from rmpe.networks.blocks.shapes import Shapes
from rmpe.networks.variants import FAMILIES, Family
from rmpe.zoo.reading.recognise import find

log = logging.getLogger(__name__)

Renaming = tuple[str, str | Callable[[re.Match[str]], str]]

CONTAINER_KEYS = ("state_dict", "model_state_dict", "model")
"""Where training programs put the weights in their checkpoints."""

_AVERAGED = re.compile(r"ema_\w+")
"""OpenMMLab's averaged weights, beside the weights: dots of their keys are underlines."""
_PARTS = frozenset({"backbone"}.union(*(family.key_parts for family in FAMILIES)))
"""Names under which networks have a part: no wrapper's."""


def _predict_layer(match: re.Match[str]) -> str:
    """OpenMMLab counts the prediction layers of all stages; here they belong to their unit."""
    stage, unit = divmod(int(match[1]), 4)
    return f"stage{stage}.upsample.up{unit + 1}.res_conv{int(match[2]) + 1}."


# One renaming a line: pattern at the start of the key | replacement. All are applied in order.
OPENMMLAB_COMMON: tuple[Renaming, ...] = ((r"^keypoint_head\.", "head."),)
OPENMMLAB_SINGLE_STAGE: tuple[Renaming, ...] = (
    *OPENMMLAB_COMMON,
    (r"^backbone\.", ""),
    (r"^head\.(deconv_layers|final_layer)\.", r"\1."),
)
OPENMMLAB_MULTI_STAGE: tuple[Renaming, ...] = (
    *OPENMMLAB_COMMON,
    (r"^backbone\.top\.top\.0\.", "top.conv."),
    (r"^backbone\.multi_stage_(?:mspn|rsn)\.(\d+)\.", r"stage\1."),
    (r"^(stage\d+\.upsample\.up\d)\.in_skip\.", r"\1.u_skip."),
    (r"^(stage\d+\.upsample\.up\d)\.out_skip([12])\.", r"\1.skip\2."),
    (r"^head\.predict_layers\.(\d+)\.conv_layers\.([01])\.", _predict_layer),
    (r"^(stage\d+\.downsample\.layer\d\.\d+)\.conv([123])\.", r"\1.conv_bn_relu\2.conv."),
    (r"^(stage\d+\.downsample\.layer\d\.\d+)\.bn([123])\.", r"\1.conv_bn_relu\2.bn."),
    (r"^(stage\d+\.downsample\.layer\d\.\d+)\.conv_bn3\.", r"\1.conv_bn_relu3."),
)


def unwrap(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The bare ``name → tensor`` mapping inside a training or release checkpoint.

    Optimizer states and other contents beside the weights are ignored.

    Raises:
        ValueError: there is no mapping of tensors in it.
    """
    state: Mapping[str, Any] = checkpoint
    while True:
        inner = next((k for k in CONTAINER_KEYS if isinstance(state.get(k), Mapping)), None)
        if inner is None:
            break
        state = state[inner]
    inside = {key: value for key, value in state.items() if _are_tensors(value)}
    if len(inside) == 1 and not any(isinstance(value, Tensor) for value in state.values()):
        (state,) = inside.values()
    others = [str(key) for key, value in state.items() if not isinstance(value, Tensor)]
    if others or not state:
        found = f"{', '.join(others[:5])} that are no tensors" if others else "nothing"
        raise ValueError(
            f"got a checkpoint with {found}; expected are named tensors, bare or under one of "
            f"{', '.join(CONTAINER_KEYS)}"
        )
    keys = [str(key) for key in state]
    keys = [key for key in keys if not _AVERAGED.fullmatch(key)] or keys
    if len(keys) < len(state):
        log.warning("averaged weights (ema_…) beside the weights are left out")
    prefix = _wrapper_prefix(keys)
    return {key[len(prefix) :]: state[key] for key in keys}


def _are_tensors(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(tensor, Tensor) for tensor in value.values())
    )


def _wrapper_prefix(keys: list[str]) -> str:
    """What data-parallel, compiled and training wrappers put before every key, one after another.

    No network has all its keys under one name; a part of a network keeps its own.
    """
    prefix = ""
    while True:
        first = {key[len(prefix) :].partition(".")[0] for key in keys}
        name = first.pop()
        longer = f"{prefix}{name}."
        if first or name in _PARTS or not all(key[len(longer) :].count(".") for key in keys):
            return prefix
        prefix = longer


def rename_keys(shapes: Shapes, families: Sequence[Family]) -> tuple[dict[str, str], bool]:
    """Return this package's key for each key of the file, and whether the file is OpenMMLab's.

    OpenMMLab keeps the trunk under ``backbone.``; no original repository does. Networks that are
    its own are named so here too, so its tables are used only where no family has the keys as they
    are. A key that no rule knows stays as it is.

    Raises:
        ValueError: two keys of the file become one.
    """
    if not any(key.startswith("backbone.") for key in shapes):
        return {key: key for key in shapes}, False
    names = _renamed(OPENMMLAB_COMMON, shapes)
    if find({names[key]: shape for key, shape in shapes.items()}, families) is not None:
        return names, True
    if any(key.startswith("backbone.multi_stage_") for key in shapes):
        return _renamed(OPENMMLAB_MULTI_STAGE, shapes), True
    return _renamed(OPENMMLAB_SINGLE_STAGE, shapes), True


def _renamed(renamings: tuple[Renaming, ...], keys: Iterable[str]) -> dict[str, str]:
    renamed: dict[str, str] = {}
    sources: dict[str, str] = {}
    for source in keys:
        target = source
        for pattern, replacement in renamings:
            target = re.sub(pattern, replacement, target)
        if target in sources:
            raise ValueError(f"the keys {sources[target]!r} and {source!r} both mean {target!r}")
        sources[target] = source
        renamed[source] = target
    return renamed
