"""Pictures with person boxes, and what is known about the rest of each picture.

A box pack seldom labels everybody. ``PersonPicture.complete`` says whether a region without a box
is background; where it is false such a region is *unknown* and must teach nothing.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.tar_pictures import TarPictures
from rmpe.geometry.boxes import box_xywh_to_xyxy, clip_boxes, keypoint_extent_boxes

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

HELD_OUT_SHARE = 5
"""One picture in this many is held out of training, by the hash of its name."""

JOINT_BOX_PAD = 0.07
"""What a body reaches beyond its outermost joints, as a share of the joints' longer side."""


@dataclass(frozen=True, eq=False)
class PersonPicture:
    """One picture and its person boxes."""

    name: str
    """Unique in its pack, as the pack's own list gives it."""
    source: str
    """Pack or part of a pack: ``street``, ``coco128``, ``empty``, ``lspet``, ..."""
    boxes_xyxy: FloatArray
    """Certain person boxes in pixels of the stored picture, (N, 4)."""
    ignore_xyxy: FloatArray
    """Regions where a person may or may not be, (M, 4)."""
    complete: bool
    """Whether everything outside the boxes and ignored regions is background."""
    load: Callable[[], ImageArray]
    """Decodes the picture: BGR uint8 (H, W, 3)."""


def is_held_out(name: str) -> bool:
    """Whether a picture is kept for scores: a fixed share, by the CRC-32 of its name."""
    return zlib.crc32(name.encode()) % HELD_OUT_SHARE == 0


def _boxes(values: object) -> FloatArray:
    return np.asarray(values, np.float32).reshape(-1, 4)


def read_detect_pack(folder: Path | str) -> list[PersonPicture]:
    """Read the ``detect`` pack: street (partial), coco128 (complete), empty (complete).

    Raises:
        OSError: ``boxes.json`` or ``images.tar`` is missing.
        ValueError: an entry of ``boxes.json`` lacks a key.
    """
    pictures = TarPictures(Path(folder) / "images.tar")
    found = []
    for row, entry in enumerate(json.loads((Path(folder) / "boxes.json").read_text())):
        missing = {"file", "source", "complete", "boxes_xyxy", "ignore_xyxy"} - set(entry)
        if missing:
            raise ValueError(f"entry {row} of boxes.json lacks {', '.join(sorted(missing))}")
        found.append(
            PersonPicture(
                entry["file"],
                entry["source"],
                _boxes(entry["boxes_xyxy"]),
                _boxes(entry["ignore_xyxy"]),
                bool(entry["complete"]),
                partial(pictures.read, entry["file"]),
            )
        )
    return found


def pad_joint_boxes(boxes_xyxy: FloatArray, top: float = JOINT_BOX_PAD) -> FloatArray:
    """Grow boxes around joints (N, 4) to boxes around bodies.

    Args:
        boxes_xyxy: extents of the joints in pixels.
        top: share of the longer side to add above; more where no joint marks the head's top.
    """
    longer = np.maximum(boxes_xyxy[:, 2] - boxes_xyxy[:, 0], boxes_xyxy[:, 3] - boxes_xyxy[:, 1])
    shares = np.array([-JOINT_BOX_PAD, -top, JOINT_BOX_PAD, JOINT_BOX_PAD], np.float32)
    return np.asarray(boxes_xyxy + longer[:, None] * shares, np.float32)


def read_lspet_boxes(
    folder: Path | str, minimum_joints: int = 10, validation: bool = False
) -> list[PersonPicture]:
    """Read one certain box a picture from LSPET; the rest of each picture is unknown.

    The box is the joints' extent, grown by ``JOINT_BOX_PAD``. Pictures with fewer than
    ``minimum_joints`` annotated joints are left out: their extent says too little.

    Args:
        folder: of the pack.
        minimum_joints: least annotated joints.
        validation: read the 1,000 held-out pictures instead of those for training.
    """
    pictures = TarPictures(Path(folder) / "images.tar")
    with np.load(Path(folder) / "joints.npz") as arrays:
        joints, sizes = arrays["joints"], arrays["image_size"]
        names, is_val = arrays["file_names"], arrays["is_val"]
    known = joints[..., 2] > 0
    boxes = pad_joint_boxes(keypoint_extent_boxes(joints[..., :2], known))
    found = []
    for row in np.flatnonzero((is_val == validation) & (known.sum(1) >= minimum_joints)):
        name = str(names[row])
        found.append(
            PersonPicture(
                name,
                "lspet",
                clip_boxes(boxes[row : row + 1], int(sizes[row, 0]), int(sizes[row, 1])),
                _boxes([]),
                False,
                partial(pictures.read, name),
            )
        )
    return found


def read_flickr_people(folder: Path | str) -> list[PersonPicture]:
    """Read one box a crop from ``flickr_people``: the landmarks' extent, grown; rest unknown.

    No landmark marks the top of the head, so the box is grown more above (twice
    ``JOINT_BOX_PAD``, less than a tenth of which is missing or too much by eye).
    """
    pictures = TarPictures(Path(folder) / "images.tar")
    with np.load(Path(folder) / "landmarks.npz") as arrays:
        landmarks, names, sizes = arrays["landmarks"], arrays["file_names"], arrays["image_size"]
    extents = keypoint_extent_boxes(landmarks[..., :2], np.ones(landmarks.shape[:2], bool))
    boxes = pad_joint_boxes(extents, top=2 * JOINT_BOX_PAD)
    return [
        PersonPicture(
            str(name),
            "flickr_people",
            clip_boxes(box[None], int(size[0]), int(size[1])),
            _boxes([]),
            False,
            partial(pictures.read, str(name)),
        )
        for name, box, size in zip(names, boxes, sizes)
    ]


def read_coco_boxes(annotations: Path | str, images: Path | str) -> list[PersonPicture]:
    """Read person boxes in COCO's annotation format; crowds become ignored regions.

    Raises:
        OSError: the file or (on loading) a picture is missing.
    """
    data = json.loads(Path(annotations).read_text())
    people: dict[int, list[Mapping[str, object]]] = {}
    for annotation in data["annotations"]:
        if annotation.get("category_id", 1) == 1:
            people.setdefault(annotation["image_id"], []).append(annotation)
    found = []
    for entry in data["images"]:
        rows = people.get(entry["id"], [])
        crowd = np.array([bool(row.get("iscrowd", 0)) for row in rows], bool)
        boxes = box_xywh_to_xyxy(_boxes([row["bbox"] for row in rows]))
        found.append(
            PersonPicture(
                entry["file_name"],
                "coco",
                boxes[~crowd],
                boxes[crowd],
                True,
                partial(_read, Path(images) / entry["file_name"]),
            )
        )
    return found


def _read(path: Path) -> ImageArray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise OSError(f"{path} is missing or not a picture that OpenCV can decode")
    return np.asarray(image, np.uint8)


def add_second_round(
    pictures: list[PersonPicture], labels: Mapping[str, Mapping[str, list[list[float]]]]
) -> list[PersonPicture]:
    """Fill in what a detector found in the unknown parts of partly labelled pictures.

    Args:
        pictures: as read from the packs.
        labels: ``"source/name"`` → ``{"boxes": [[x1, y1, x2, y2], ...], "ignore": [...]}``: people
            found with confidence, and places with doubt, as ``tools/compact/label_people.py``
            writes them.

    Returns:
        The same pictures; those that ``labels`` names are complete now.
    """
    filled = []
    for picture in pictures:
        found = labels.get(f"{picture.source}/{picture.name}")
        if found is None or picture.complete:
            filled.append(picture)
            continue
        filled.append(
            replace(
                picture,
                boxes_xyxy=np.concatenate([picture.boxes_xyxy, _boxes(found["boxes"])]),
                ignore_xyxy=np.concatenate([picture.ignore_xyxy, _boxes(found["ignore"])]),
                complete=True,
            )
        )
    return filled
