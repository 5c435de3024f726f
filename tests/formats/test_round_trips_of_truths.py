"""Annotated people come out of a COCO file as they went in, whatever ids and names it has."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpe.detectors.precomputed import read_boxes
from rmpe.formats import read_records

numbers = st.integers(0, 10**9)
words = st.text("abcdefgh-0123456789", min_size=1, max_size=8)
places = st.integers(2, 4000)
file_names = st.from_regex(r"[a-z]{1,6}_?[0-9]{0,4}\.(jpg|png)", fullmatch=True)


@st.composite
def truths(draw: st.DrawFn) -> tuple[dict[str, Any], list[list[dict[str, Any]]]]:
    """Draw a document and its people by picture."""
    pictures = draw(st.lists(file_names, min_size=1, max_size=4, unique=True))
    ids = draw(st.sampled_from([numbers, words]))
    image_ids = draw(st.lists(ids, min_size=len(pictures), max_size=len(pictures), unique=True))
    category = draw(ids)
    joint_count = draw(st.integers(1, 4))
    people = []
    for image_id in image_ids:
        here = []
        for _ in range(draw(st.integers(0, 2))):
            flags = [2, *(draw(st.sampled_from([0, 1, 2])) for _ in range(joint_count - 1))]
            joints = [[draw(places), draw(places), flag] if flag else [0, 0, 0] for flag in flags]
            person = {"image_id": image_id, "category_id": category, "id": draw(ids)}
            person["bbox"] = [draw(places) for _ in range(4)]
            person["keypoints"] = (
                joints if draw(st.booleans()) else [v for joint in joints for v in joint]
            )
            here.append({**person, "joints": joints})
        people.append(here)
    joint_names = [f"joint_{place}" for place in range(joint_count)]
    document = {
        "images": [{"id": i, "file_name": name} for i, name in zip(image_ids, pictures)],
        "annotations": [
            {key: value for key, value in person.items() if key != "joints"}
            for person in draw(st.permutations([p for here in people for p in here]))
        ],
        "categories": [{"id": category, "name": "person", "keypoints": joint_names}],
    }
    order = [id(person["bbox"]) for person in document["annotations"]]
    return document, [sorted(p, key=lambda person: order.index(id(person["bbox"]))) for p in people]


@settings(max_examples=60, deadline=None)
@given(drawn=truths())
def test_annotated_people_and_their_boxes_are_read_as_they_are(
    drawn: tuple[dict[str, Any], list[list[dict[str, Any]]]],
) -> None:
    document, people = drawn
    names = [image["file_name"] for image in document["images"]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "person_keypoints.json"
        path.write_text(json.dumps(document))
        clip = read_records(path)
        found = [record.poses for record in clip]
        boxes = read_boxes(path).placed(names) if document["annotations"] else None
    assert list(clip.header.image_names) == names
    assert [len(poses) for poses in found] == [len(here) for here in people]
    for place, (poses, here) in enumerate(zip(found, people)):
        for row, person in enumerate(here):
            joints = np.array(person["joints"])
            assert poses.keypoints_xy[row].tolist() == joints[:, :2].tolist()
            assert (poses.keypoint_scores[row] > 0).tolist() == (joints[:, 2] > 0).tolist()
            x, y, width, height = person["bbox"]
            assert poses.boxes_xyxy[row].tolist() == [x, y, x + width, y + height]
        if boxes is not None:
            assert len(boxes.at(place)) == len(here)
