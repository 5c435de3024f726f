"""Write training people whose poses are known as COCO annotations, with their pictures.

    python tools/compact/known_annotations.py --data DATA --output FOLDER
    rmpe images FOLDER/images -o FOLDER/run --min-score 0 --box-score 0.1
    rmpe learn-score FOLDER/run --annotations FOLDER/annotations.json -o pose_score.json

The boxes of coco128 are complete, so that a pose beside them is known to be wrong. Its people have
no joints and count neither way: a teacher's would flatter the networks that learnt from it. For
each of them there is an athlete of LSPET's training pictures, with human joints, made as high as
they are: were the people whose joints are known all of one height, the score would learn heights.
An athlete's picture lies on one without people; what it shows beside them counts neither way.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rmpe.datasets.keypoint_set import AnnotatedPerson
from rmpe.datasets.lspet import read_lspet
from rmpe.skeletons import COCO_17
from rmpe.training.bundled.person_boxes import PersonPicture, is_held_out, read_detect_pack

BODY_SHARE = 0.53
"""Of a person's box that is the person, COCO's mean."""
ATHLETES = 500
LEAST_HEIGHT = 60.0
"""Pixels; nobody is made lower: who is has no joints in COCO's annotations."""
FACE = 5
"""COCO's first joints are those of the face, for which LSPET has no human labels."""
NO_JOINTS = np.zeros((COCO_17.joint_count, 3))


def annotation(box: np.ndarray, joints: np.ndarray, picture: int) -> dict[str, Any]:
    """One entry of COCO's list from a box (4,) and joints (17, 3)."""
    left, top, right, bottom = (float(value) for value in box)
    return {
        "image_id": picture,
        "category_id": 1,
        "bbox": [left, top, right - left, bottom - top],
        "area": BODY_SHARE * (right - left) * (bottom - top),
        "iscrowd": 0,
        "num_keypoints": int((joints[:, 2] > 0).sum()),
        "keypoints": joints.ravel().tolist(),
    }


def regions_around(box_xyxy: np.ndarray, width: int, height: int) -> list[list[float]]:
    """The four strips (x, y, width, height) of a picture around one person."""
    left, top, right, bottom = (float(value) for value in box_xyxy)
    return [
        [0.0, 0.0, float(width), top],
        [0.0, bottom, float(width), height - bottom],
        [0.0, top, left, bottom - top],
        [right, top, width - right, bottom - top],
    ]


class Annotated:
    """Pictures and people that are being gathered in a folder."""

    def __init__(self, folder: Path) -> None:
        """Write the pictures below ``folder``."""
        self._folder = folder
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        (folder / "images").mkdir(parents=True, exist_ok=True)

    def add_picture(self, name: str, image_bgr: np.ndarray) -> int:
        """Write a picture; return its number."""
        path = self._folder / "images" / f"{name}.png"
        if not cv2.imwrite(str(path), image_bgr):
            raise OSError(f"cannot write {path}")
        self.images.append({"id": len(self.images), "file_name": path.name})
        return len(self.images) - 1

    def add(self, entry: dict[str, Any]) -> None:
        """Add one annotation."""
        self.annotations.append(entry | {"id": len(self.annotations) + 1})

    def add_boxes(self, picture: PersonPicture) -> None:
        """Add a completely labelled picture, whose people have no joints."""
        place = self.add_picture(Path(picture.name).stem, picture.load())
        for box in picture.boxes_xyxy:
            self.add(annotation(box, NO_JOINTS, place))

    def add_athlete(
        self,
        person: AnnotatedPerson,
        height_px: float,
        empty: PersonPicture,
        random: np.random.Generator,
    ) -> None:
        """Add a person of LSPET, so high, without the face, somewhere on a picture without people.

        The rest of their own picture is unknown. Where it would not fit they are made less high.
        """
        canvas, original = empty.load(), person.picture.load()
        room = np.array(canvas.shape[1::-1]) / original.shape[1::-1]  # x, y
        scale = min(height_px / float(np.ptp(person.box_xyxy[1::2])), *room)
        image = cv2.resize(original, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        height, width = image.shape[:2]
        left, top = random.integers(0, np.array(canvas.shape[1::-1]) - [width, height] + 1)
        canvas[top : top + height, left : left + width] = image
        place = self.add_picture(person.picture.path.stem, canvas)
        joints = np.c_[person.keypoints_xy, person.visibility][: COCO_17.joint_count].astype(float)
        joints[:, :2] = joints[:, :2] * scale + [left, top]
        joints[joints[:, 2] == 0] = 0
        joints[:FACE] = 0
        box = person.box_xyxy * scale
        shift = np.array([left, top, left, top])
        self.add(annotation(box + shift, joints, place))
        unknown = annotation(box, NO_JOINTS, place) | {"iscrowd": 1}
        for region in regions_around(box, width, height):
            self.add(unknown | {"bbox": [float(value) for value in region + shift * [1, 1, 0, 0]]})

    def write(self) -> None:
        """Write ``annotations.json``."""
        category = {"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}
        document = {
            "images": self.images,
            "annotations": self.annotations,
            "categories": [category],
        }
        path = self._folder / "annotations.json"
        path.write_text(json.dumps(document), encoding="utf-8")


def main() -> None:
    """Write the annotations and the pictures."""
    parser = argparse.ArgumentParser(description="Known poses of training people, as COCO's")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    known, random = Annotated(arguments.output), np.random.default_rng(0)
    pack = [p for p in read_detect_pack(arguments.data / "detect") if not is_held_out(p.name)]
    everyday = [picture for picture in pack if picture.source == "coco128"]
    for picture in everyday:
        known.add_boxes(picture)
    heights = np.concatenate([np.ptp(p.boxes_xyxy[:, 1::2], axis=1) for p in everyday])
    heights = random.choice(heights[heights >= LEAST_HEIGHT], ATHLETES)
    athletes = read_lspet(arguments.data / "lspet", "train").people
    empty = [picture for picture in pack if picture.source == "empty"]
    for person, height, below in zip(athletes, heights, empty):
        known.add_athlete(person, float(height), below, random)
    known.write()
    print(f"{len(known.images)} pictures, {len(known.annotations)} annotations")


if __name__ == "__main__":
    main()
