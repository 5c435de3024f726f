"""COCO-WholeBody's feet, face and hands, which stand beside the body's joints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rmpe.skeletons import COCO_WHOLEBODY_133

_WHOLE_BODY_PARTS = ("foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
"""Where COCO-WholeBody keeps its joints behind COCO's 17, in the order of its skeleton."""


def has_whole_body(item: Mapping[str, Any]) -> bool:
    """Return whether an annotation or result has COCO-WholeBody's feet, face and hands."""
    return all(part in item for part in _WHOLE_BODY_PARTS)


def with_whole_body(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an annotation or result whose keypoints are those of the whole body."""
    parts = [item["keypoints"], *(item[part] for part in _WHOLE_BODY_PARTS)]
    item = {**item, "keypoints": [value for part in parts for value in part]}
    item.pop("num_keypoints", None)  # it counts the body's alone
    return item


def whole_bodies_note(count: int) -> str:
    """Return what is said where so many whole bodies are read as bodies alone."""
    return (
        f"{count} people have feet, face and hands too: --skeleton {COCO_WHOLEBODY_133.name} "
        "reads them"
    )
