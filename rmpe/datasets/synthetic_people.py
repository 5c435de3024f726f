"""Rendered people as a COCO-style set on disk: to try a training, to test one, for crowds."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from rmpe.skeletons import COCO_17, Skeleton
from rmpe.synthetic import crowd_scene


def write_synthetic_set(
    folder: Path | str,
    pictures: int,
    people: int | tuple[int, int] = 3,
    seed: int = 0,
    width: int = 320,
    height: int = 240,
    skeleton: Skeleton = COCO_17,
) -> Path:
    """Render pictures of overlapping people and write ``annotations.json`` and ``images/``.

    Hidden joints have visibility 1, those outside the picture 0.

    Args:
        folder: made if it is not there.
        pictures: number of pictures.
        people: people in each, or the fewest and the most, in turn.
        seed: the same arguments give the same set.
        width: columns of a picture.
        height: rows of a picture.
        skeleton: ``COCO_17`` or ``COCO_19``.

    Returns:
        Path of the annotation file.

    Raises:
        OSError: a picture cannot be written.
    """
    root = Path(folder)
    (root / "images").mkdir(parents=True, exist_ok=True)
    fewest, most = (people, people) if isinstance(people, int) else people
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number in range(pictures):
        count = fewest + number % (most - fewest + 1)
        frame = crowd_scene(count, width, height, seed + number).frame_at(0)
        name = f"{number:05d}.jpg"
        if not cv2.imwrite(str(root / "images" / name), frame.image_bgr):
            raise OSError(f"{root / 'images' / name} cannot be written")
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for row in range(len(frame)):
            x1, y1, x2, y2 = (float(value) for value in frame.boxes_xyxy[row])
            flags = np.where(frame.visible[row], 2, 1) * frame.in_picture[row]
            joints = np.concatenate([frame.keypoints_xy[row], flags[:, None]], 1)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "bbox": [x1, y1, max(x2 - x1, 1.0), max(y2 - y1, 1.0)],
                    "area": 0.5 * (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                    "keypoints": joints[: skeleton.joint_count].astype(float).ravel().tolist(),
                    "num_keypoints": int((flags[: skeleton.joint_count] > 0).sum()),
                }
            )
    category = {
        "id": 1,
        "name": "person",
        "keypoints": list(skeleton.joints),
        "skeleton": [[first + 1, second + 1] for first, second in skeleton.limbs],
    }
    path = root / "annotations.json"
    document = {"images": images, "annotations": annotations, "categories": [category]}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
