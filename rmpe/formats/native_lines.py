"""The objects of the native record's lines: the header's, and those of a frame's people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpe.formats._json import short_xywh, shortest_decimals
from rmpe.formats._loaded import as_float32, finite, numbers_of
from rmpe.formats.clip import ClipHeader
from rmpe.geometry.boxes import box_xywh_to_xyxy
from rmpe.records import Poses
from rmpe.skeletons import Skeleton, skeleton_from_names

SCHEMA = "rmpe/1"


def people_to_json(poses: Poses) -> list[dict[str, Any]]:
    """Return the people of one frame as the native format's objects."""
    boxes = short_xywh(poses.boxes_xyxy).tolist()
    joints = np.concatenate([poses.keypoints_xy, poses.keypoint_scores[..., None]], -1)
    keypoints = shortest_decimals(joints).tolist()
    scores = shortest_decimals(poses.scores).tolist()
    box_scores = shortest_decimals(poses.box_scores).tolist()
    return [
        {
            "id": identity if identity > 0 else None,
            "score": scores[person],
            "box": boxes[person],
            "box_score": box_scores[person],
            "keypoints": keypoints[person],
        }
        for person, identity in enumerate(poses.ids.tolist())
    ]


def people_from_json(people: list[dict[str, Any]], joint_count: int) -> Poses:
    """Return the poses that the native format's objects hold; ``box_score`` may be missing."""
    if not people:
        return Poses.empty(joint_count)
    joints = _numbers([person["keypoints"] for person in people], "keypoints")
    if joints.shape[1:] != (joint_count, 3):
        raise ValueError(f"keypoints have shape {joints.shape[1:]}, not ({joint_count}, 3)")
    boxes = numbers_of([person["box"] for person in people], "boxes")
    if boxes.shape[1:] != (4,):
        raise ValueError("a box is x, y, width, height")
    as_float32(boxes, "boxes")
    if (boxes[:, 2:] < 0).any():
        raise ValueError("a box is x, y, width, height; got a size below 0")
    return Poses(
        boxes_xyxy=box_xywh_to_xyxy(boxes),
        box_scores=_numbers([p.get("box_score", p["score"]) for p in people], "box scores"),
        keypoints_xy=joints[..., :2],
        keypoint_scores=joints[..., 2],
        scores=_numbers([person["score"] for person in people], "scores"),
        ids=np.array([whole_number(person.get("id") or 0) for person in people], np.int64),
    )


def _numbers(values: Any, what: str) -> NDArray[np.float32]:
    """Return lists of finite numbers in 32 bit; ``ValueError`` for anything else."""
    return as_float32(numbers_of(values, what), what)


def whole_number(value: Any) -> int:
    """Return a whole number from 0; ``ValueError`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"got {value!r}, needed is a whole number from 0")
    return value


def header_to_json(header: ClipHeader) -> dict[str, Any]:
    """Return the object of the first line."""
    skeleton = header.skeleton
    item: dict[str, Any] = {
        "schema": SCHEMA,
        "skeleton": {
            "name": skeleton.name,
            "joints": list(skeleton.joints),
            "limbs": [list(limb) for limb in skeleton.limbs],
            **({} if skeleton.mirror is None else {"mirror": [list(p) for p in skeleton.mirror]}),
        },
        "source": header.source,
        "width": header.width,
        "height": header.height,
        "fps": header.fps,
        "options": dict(header.options),
    }
    if header.pixel_aspect != (1, 1):
        item["pixel_aspect"] = list(header.pixel_aspect)
    if header.image_names:
        item["images"] = list(header.image_names)
    return item


def header_from_json(item: dict[str, Any] | None, path: Path) -> ClipHeader:
    """Return the header that a first line holds; ``ValueError`` if it is none of this schema."""
    if item is None or item.get("schema") != SCHEMA:
        got = None if item is None else item.get("schema")
        raise ValueError(f'{path}: the first line has schema {got!r}, supported is "{SCHEMA}"')
    try:
        return ClipHeader(
            skeleton=_skeleton_from_json(item["skeleton"]),
            source=str(item.get("source", "")),
            width=whole_number(item.get("width") or 0),
            height=whole_number(item.get("height") or 0),
            fps=max(finite(item.get("fps") or 0, "fps"), 0.0),
            options=dict(item.get("options") or {}),
            image_names=_names(item.get("images") or (), "images"),
            pixel_aspect=_aspect(item.get("pixel_aspect") or (1, 1)),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path}: the header line cannot be read: {reason}") from error


def _names(values: Any, what: str) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) for v in values):
        raise ValueError(f"{what} are no list of names")
    return tuple(values)


def _skeleton_from_json(item: dict[str, Any]) -> Skeleton:
    limbs = tuple(
        (whole_number(first), whole_number(second)) for first, second in item.get("limbs") or ()
    )
    mirror = item.get("mirror")
    return skeleton_from_names(
        str(item["name"]),
        _names(item["joints"], "joints"),
        limbs,
        None if mirror is None else tuple((whole_number(a), whole_number(b)) for a, b in mirror),
    )


def _aspect(value: Any) -> tuple[int, int]:
    """Return a pixel aspect, two whole numbers above 0."""
    width, height = map(whole_number, value)
    if width < 1 or height < 1:
        raise ValueError(f"got pixel_aspect {width}:{height}, allowed is 1 or more each")
    return width, height
