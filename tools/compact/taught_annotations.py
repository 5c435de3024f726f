"""Write what a teacher says of the people of coco128 as COCO annotations, with the pictures.

    python tools/compact/taught_annotations.py LABELS/boxes.npz --data DATA --output FOLDER
    rmpe images FOLDER/images -o FOLDER/run --min-score 0
    rmpe learn-score FOLDER/run --annotations FOLDER/annotations.json -o pose_score.json

coco128's boxes are complete, so that a pose on nobody is known to be wrong; some pictures without
people go along. People whom the teacher was not asked about, being too small, are there without
joints and so count neither way.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rmpe.datasets.keypoint_set import AnnotatedPerson
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.skeletons import COCO_17
from rmpe.training.bundled.person_boxes import PersonPicture, is_held_out, read_detect_pack
from rmpe.training.bundled.pose_people import read_taught

BODY_SHARE = 0.53
"""Of a person's box that is the person, COCO's mean."""
SAME_BOX_IOU = 0.95
EMPTY_PICTURES = 200


def annotation(person: AnnotatedPerson | None, box: np.ndarray, picture: int) -> dict[str, Any]:
    """One entry of COCO's list; without a person it has no joints."""
    left, top, right, bottom = (float(value) for value in box)
    count = COCO_17.joint_count
    rows = np.zeros((count, 3))
    if person is not None:
        rows = np.c_[person.keypoints_xy, person.visibility][:count].astype(float)
        rows[rows[:, 2] == 0] = 0
    return {
        "image_id": picture,
        "category_id": 1,
        "bbox": [left, top, right - left, bottom - top],
        "area": BODY_SHARE * (right - left) * (bottom - top),
        "iscrowd": 0,
        "num_keypoints": int((rows[:, 2] > 0).sum()),
        "keypoints": rows.ravel().tolist(),
    }


def people_of(
    picture: PersonPicture, taught: list[AnnotatedPerson]
) -> list[AnnotatedPerson | None]:
    """The taught person of each of the picture's boxes, or None."""
    own = [p for p in taught if p.picture.path.as_posix().endswith(picture.name)]
    if not own:
        return [None] * len(picture.boxes_xyxy)
    overlap = box_iou_matrix(picture.boxes_xyxy, np.stack([p.box_xyxy for p in own]))
    return [own[row.argmax()] if row.max() >= SAME_BOX_IOU else None for row in overlap]


def main() -> None:
    """Write the annotations and the pictures."""
    parser = argparse.ArgumentParser(description="A teacher's poses as COCO annotations")
    parser.add_argument("labels", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    taught = read_taught(arguments.labels, arguments.data)["coco128"]
    (arguments.output / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    pack = [p for p in read_detect_pack(arguments.data / "detect") if not is_held_out(p.name)]
    empty = [picture for picture in pack if picture.source == "empty"][:EMPTY_PICTURES]
    for picture in [picture for picture in pack if picture.source == "coco128"] + empty:
        place = len(images)
        name = f"{Path(picture.name).stem}.png"
        if not cv2.imwrite(str(arguments.output / "images" / name), picture.load()):
            raise OSError(f"cannot write {arguments.output / 'images' / name}")
        images.append({"id": place, "file_name": name})
        people = people_of(picture, taught)
        for box, person in zip(picture.boxes_xyxy, people, strict=True):
            annotations.append(annotation(person, box, place) | {"id": len(annotations) + 1})
    category = {"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}
    document = {"images": images, "annotations": annotations, "categories": [category]}
    (arguments.output / "annotations.json").write_text(json.dumps(document), encoding="utf-8")
    print(f"{len(images)} pictures, {len(annotations)} people")


if __name__ == "__main__":
    main()
