"""What the docs speak of, small: clips, pictures, annotations, what was found, stored poses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import av
import cv2
import pytest

from rmpe.skeletons import COCO_17, COCO_19, convert_joints
from rmpe.synthetic import SyntheticFrame, walkers_scene, write_clip

CLIPS = ("training.mp4", "dance.mp4", "camera.mp4", "clip.mp4", "day.mp4", "examples/crossing.mp4")
PICTURES = 12
TRAINED = 4
"""Pictures of a set that is trained on."""


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what the pages speak of."""
    folder = tmp_path_factory.mktemp("stand_ins")
    write_clip(folder / "my_clip.mp4", walkers_scene(2, 640, 360, seed=1), PICTURES)
    for name in CLIPS:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "my_clip.mp4", folder / name)
    _remux(folder / "my_clip.mp4", folder / "pipe.ts")
    for number, name in enumerate(("clips/a.mp4", "clips/b.mp4", "more/c.mp4")):
        (folder / name).parent.mkdir(exist_ok=True)
        write_clip(folder / name, walkers_scene(1, 320, 180, seed=3 + number), 4)
    (folder / "list.txt").write_text("my_clip.mp4\n")
    (folder / "rest.txt").write_text("my_clip.mp4\n")
    crowd = walkers_scene(4, 640, 360, seed=1)  # enough people to fit a score to
    frames = [crowd.frame_at(index) for index in range(PICTURES)]
    for name in ("pictures", "PICTURES", "val2017"):
        (folder / name).mkdir()
        for picture, frame in zip(_names(PICTURES), frames):
            cv2.imwrite(str(folder / name / picture), frame.image_bgr)
    (folder / "frames").mkdir()
    for index, frame in enumerate(frames):
        cv2.imwrite(str(folder / "frames" / f"frame_{index:04d}.png"), frame.image_bgr)
    truth, found = _annotations(frames)
    for name in ("truth", "person_keypoints", "person_keypoints_val2017"):
        (folder / f"{name}.json").write_text(json.dumps(truth))
    few, _ = _annotations(frames[:TRAINED])
    for name in ("my", "held_out"):
        (folder / f"{name}.json").write_text(json.dumps(few))
    for name in ("found", "results"):
        (folder / f"{name}.json").write_text(json.dumps(found))
    return folder


def _names(count: int) -> list[str]:
    """Return file names of pictures that are no frames of a series."""
    return [f"{'abcdefghijklmnopqrstuvwxyz'[index]}.jpg" for index in range(count)]


def _remux(clip: Path, stream: Path) -> None:
    """Write a clip's packets as a stream that can be piped."""
    with av.open(str(clip)) as source, av.open(str(stream), "w") as target:
        copied = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copied
                target.mux(packet)


def _annotations(frames: list[SyntheticFrame]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return COCO annotations of drawn frames, and results that are as exact."""
    images, annotations = [], []
    for number, (name, frame) in enumerate(zip(_names(len(frames)), frames), start=1):
        images.append({"id": number, "file_name": name, "width": 640, "height": 360})
        shown = frame.visible.astype("float32")
        joints, _ = convert_joints(frame.keypoints_xy, shown, COCO_19, COCO_17)
        for person, (x1, y1, x2, y2) in zip(joints.tolist(), frame.boxes_xyxy.tolist()):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "iscrowd": 0,
                    "num_keypoints": 17,
                    "area": (x2 - x1) * (y2 - y1) / 2,
                    "keypoints": [value for x, y in person for value in (x, y, 2)],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                }
            )
    category = {"id": 1, "name": "person", "keypoints": COCO_17.joints}
    truth = {"images": images, "categories": [category], "annotations": annotations}
    kept = ("image_id", "category_id", "keypoints")
    return truth, [{**{key: row[key] for key in kept}, "score": 0.9} for row in annotations]
