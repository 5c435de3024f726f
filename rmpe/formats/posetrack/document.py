"""PoseTrack's two JSON forms, 2018 and 2017, parsed into the same frames, and one as the other.

2018 is COCO-like: ``images``, ``annotations`` of 17 keypoints (two ears that are never annotated),
``categories``. 2017 is MPII-like: ``annolist`` of ``annorect`` of ``point``. Joints come out in
poseval's order of 15 (:data:`rmpe.skeletons.POSETRACK_15`); ``head_bottom`` is our ``neck``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.checks import checked_box, checked_joints
from rmpe.datasets.coco_document import ImageId, find_id
from rmpe.skeletons import POSETRACK_15, POSETRACK_17

FloatArray = NDArray[np.float64]

_SIDES = tuple(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
FILE_JOINTS = ("nose", "head_bottom", "head_top", "left_ear", "right_ear", *_SIDES)
_FILE_LIMBS = (
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9)),
    *((8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)
CATEGORIES = [
    {
        "supercategory": "person",
        "id": 1,
        "name": "person",
        "keypoints": list(FILE_JOINTS),
        "skeleton": [list(limb) for limb in _FILE_LIMBS],
    }
]
EARS = (3, 4)
# Where each of the 15 joints stands in the file's 17, and in 2017's point ids for each of the 17.
FROM_FILE = np.array([POSETRACK_17.joints.index(joint) for joint in POSETRACK_15.joints])
POINT_IDS = {int(place): point_id for point_id, place in enumerate(FROM_FILE)}


@dataclass(frozen=True, eq=False)
class PoseTrackPerson:
    """One annotated or predicted person."""

    track_id: int | None
    """Identity from 0, or None."""
    points_xy: FloatArray
    """Joints in pixels, (15, 2)."""
    present: NDArray[np.bool_]
    """Which joints there are, (15,): not all of x, y and flag are 0."""
    scores: FloatArray
    """Joint scores, (15,); NaN where the file has none."""
    head_xyxy: FloatArray | None
    """Head box of an annotated person, (4,)."""
    box_xywh: FloatArray | None
    """Person box, (4,); 2017 has none."""


@dataclass(frozen=True, eq=False)
class PoseTrackFrame:
    """One frame of a sequence."""

    image_name: str
    """``images/val/000342_mpii_test/000000.jpg``."""
    labelled: bool
    """Whether the frame was annotated."""
    people: tuple[PoseTrackPerson, ...]
    """In the order of the file."""
    ignore_polygons: tuple[FloatArray, ...] = ()
    """Regions that do not count, each (P, 2) in pixels."""


def parse_posetrack(document: Any, path: str | Path) -> list[PoseTrackFrame]:
    """Return the frames of a document in either form.

    Raises:
        ValueError: it is neither form, or a part is missing or malformed.
    """
    if not isinstance(document, dict) or not ("annolist" in document or "images" in document):
        raise ValueError(f"{path} is no PoseTrack file: it has neither images nor annolist")
    others = named_joints(document)
    if others is not None and others != FILE_JOINTS:
        raise ValueError(
            f"{path} is no PoseTrack file: its category names the joints {', '.join(others[:3])}, …"
        )
    try:
        if "annolist" in document:
            frames = [_frame_2017(frame) for frame in document["annolist"]]
        else:
            frames = _frames_2018(document)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path} is no valid PoseTrack file: {_in_words(error)}") from error
    for frame in frames:
        if not all(np.isfinite(person.points_xy).all() for person in frame.people):
            raise ValueError(f"{path}, {frame.image_name}: a joint has a place that is no number")
    return frames


def _in_words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return (
        str(error) if isinstance(error, ValueError) else f"a part of it is something else: {error}"
    )


def named_joints(document: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the joints that a COCO-like document's first category with any names; None if none."""
    categories = document.get("categories")
    for category in categories if isinstance(categories, list) else ():
        if isinstance(category, dict) and isinstance(category.get("keypoints"), list):
            return tuple(map(str, category["keypoints"]))
    return None


def boxes_alone(document: object) -> bool:
    """Return whether a COCO-like document has boxes, and joints neither named nor placed."""
    if not isinstance(document, dict) or named_joints(document) is not None:
        return False
    annotations = document.get("annotations")
    listed = annotations if isinstance(annotations, list) else []
    items = [item for item in listed if isinstance(item, dict)]
    return any("bbox" in item for item in items) and not any("keypoints" in i for i in items)


def _frames_2018(document: Mapping[str, Any]) -> list[PoseTrackFrame]:
    people: dict[ImageId, list[PoseTrackPerson]] = {image["id"]: [] for image in document["images"]}
    for place, annotation in enumerate(document["annotations"]):
        try:
            image_id = find_id(annotation["image_id"], people)
            if image_id is None or image_id not in people:
                raise ValueError(f"names picture {annotation['image_id']!r}, which is not there")
            people[image_id].append(_person_2018(annotation))
        except (TypeError, ValueError) as error:
            raise ValueError(f"annotation number {place} {error}") from error
    return [
        PoseTrackFrame(
            image_name=image["file_name"],
            labelled=bool(image.get("is_labeled", True)),
            people=tuple(people[image["id"]]),
            ignore_polygons=tuple(
                np.array([xs, ys], np.float64).T
                for xs, ys in zip(
                    _polygons(image.get("ignore_regions_x")),
                    _polygons(image.get("ignore_regions_y")),
                )
            ),
        )
        for image in document["images"]
    ]


def _polygons(values: Any) -> list[list[float]]:
    """Return the polygons of one coordinate; a single one may stand without its list."""
    if not values:
        return []
    return [values] if not isinstance(values[0], list) else [v for v in values if v]


def _person_2018(annotation: Mapping[str, Any]) -> PoseTrackPerson:
    joints = checked_joints(annotation.get("keypoints") or [0] * 51, len(FILE_JOINTS))
    given = annotation.get("scores") or [np.nan] * len(FILE_JOINTS)
    if len(given) != len(FILE_JOINTS):
        raise ValueError(f"has {len(given)} scores, needed are {len(FILE_JOINTS)}")
    scores = np.array(given, np.float64)
    head = annotation.get("bbox_head")
    box = annotation.get("bbox")
    track_id = annotation.get("track_id")
    if not isinstance(track_id, int | float | None):
        raise ValueError(f"has the track_id {track_id!r}, needed is a whole number")
    return PoseTrackPerson(
        track_id=None if track_id is None or track_id < 0 else int(track_id),
        points_xy=joints[FROM_FILE, :2],
        present=(joints[FROM_FILE] != 0).any(1),
        scores=scores[FROM_FILE],
        head_xyxy=np.array([head[0], head[1], head[0] + head[2], head[1] + head[3]], np.float64)
        if head
        else None,
        box_xywh=np.array(checked_box(box), np.float64) if box else None,
    )


def _frame_2017(frame: Mapping[str, Any]) -> PoseTrackFrame:
    return PoseTrackFrame(
        image_name=frame["image"][0]["name"],
        labelled=bool(frame.get("is_labeled", [1])[0]),
        people=tuple(_person_2017(rect) for rect in frame.get("annorect", ())),
        ignore_polygons=tuple(
            np.array([[p["x"][0], p["y"][0]] for p in region["point"]], np.float64)
            for region in frame.get("ignore_regions", ())
        ),
    )


def _person_2017(rect: Mapping[str, Any]) -> PoseTrackPerson:
    points = np.zeros((15, 2))
    present = np.zeros(15, bool)
    scores = np.full(15, np.nan)
    groups = rect.get("annopoints") or [{"point": []}]
    for point in groups[0].get("point", ()):
        place = int(point["id"][0])
        points[place] = point["x"][0], point["y"][0]
        present[place] = True
        if point.get("score"):
            scores[place] = point["score"][0]
    head = [rect[key][0] for key in ("x1", "y1", "x2", "y2")] if "x1" in rect else None
    track_id = rect["track_id"][0] if rect.get("track_id") else None
    return PoseTrackPerson(
        track_id=None if track_id is None or track_id < 0 else int(track_id),
        points_xy=points,
        present=present,
        scores=scores,
        head_xyxy=None if head is None else np.array(head, np.float64),
        box_xywh=None,
    )


def posetrack17_from_18(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a 2018 document in the 2017 form, as poseval converts it."""
    by_image: dict[int, list[dict[str, Any]]] = {image["id"]: [] for image in document["images"]}
    for annotation in document["annotations"]:
        by_image[annotation["image_id"]].append(rect_from_annotation(annotation))
    frames = []
    for number, image in enumerate(document["images"], start=1):
        frame: dict[str, Any] = {
            "image": [{"name": image["file_name"]}],
            "imgnum": [number],
            "annorect": by_image[image["id"]],
        }
        if image.get("ignore_regions_x"):
            frame["ignore_regions"] = [
                {"point": [{"x": [x], "y": [y]} for x, y in zip(xs, ys)]}
                for xs, ys in zip(
                    _polygons(image["ignore_regions_x"]), _polygons(image["ignore_regions_y"])
                )
            ]
        if "is_labeled" in image:
            frame["is_labeled"] = [int(image["is_labeled"])]
        frames.append(frame)
    return {"annolist": frames}


def rect_from_annotation(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """Return one 2018 annotation as a 2017 ``annorect``; joints of three zeros are left out."""
    scores = annotation.get("scores") or []
    points = []
    for place in range(len(FILE_JOINTS)):
        x, y, flag = annotation["keypoints"][3 * place : 3 * place + 3]
        if place not in POINT_IDS or x == y == flag == 0:
            continue
        point = {"id": [POINT_IDS[place]], "x": [x], "y": [y]}
        if len(scores):
            point["score"] = [scores[place]]
        points.append({**point, "is_visible": [flag]})
    rect: dict[str, Any] = {
        "track_id": [annotation["track_id"]],
        "annopoints": [{"point": points}],
    }
    if annotation.get("bbox_head"):
        x, y, width, height = annotation["bbox_head"]
        rect.update({"x1": [x], "x2": [x + width], "y1": [y], "y2": [y + height]})
    return rect
