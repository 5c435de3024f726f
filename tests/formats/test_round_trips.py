"""Any names, gaps, identities and joints go out and come back in every format, or are refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpe.formats import FORMATS, ClipHeader, ReadHints, convert_records, get_format, read_records
from rmpe.records import Poses
from rmpe.skeletons import BODY_25, COCO_17, OPENPOSE_18, POSETRACK_15, Skeleton

JOINTS: dict[str, Skeleton] = {
    "native": COCO_17,
    "alphapose": COCO_17,
    "alphapose-cmu": OPENPOSE_18,
    "alphapose-open": OPENPOSE_18,
    "openpose": BODY_25,
    "openpose18": OPENPOSE_18,
    "coco": COCO_17,
    "posetrack": POSETRACK_15,
    "posetrack17": POSETRACK_15,
    "mot": COCO_17,
}
"""Joints that a format holds without loss."""
KEEPS_IDS = {"native", "alphapose", "coco", "posetrack", "posetrack17", "mot"} | {
    "openpose",
    "openpose18",
}
KEEPS_JOINTS = set(JOINTS) - {"mot"}

stems = st.one_of(
    st.from_regex(r"[A-Za-z0-9._ -]{1,12}", fullmatch=True),
    st.from_regex(r"(frame|IMG|cam[12])_([0-9]{1,4}|[0-9]{10,12})", fullmatch=True),
    st.from_regex(r"[0-9]{1,4}|[0-9]{8,12}", fullmatch=True),
)
folders = st.sampled_from(["", "a/", "b/", "a/b/"])
endings = st.sampled_from([".jpg", ".png", ".JPG", ".jpeg"])
picture_names = st.lists(
    st.builds("{}{}{}".format, folders, stems, endings).filter(lambda n: n.strip(". /") != ""),
    min_size=1,
    max_size=5,
    unique=True,
)


@st.composite
def clips(draw: st.DrawFn, joints: int) -> dict[int, Poses]:
    """Draw the people of some frames: up to three each, with different identities."""
    frames = draw(st.lists(st.integers(0, 9), max_size=4, unique=True))
    return {frame: draw(persons(joints)) for frame in sorted(frames)}


@st.composite
def persons(draw: st.DrawFn, joints: int) -> Poses:
    count = draw(st.integers(1, 3))
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corners = seed.uniform(0, 500, (count, 2))
    ids = draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count))
    for place, identity in enumerate(ids):
        ids[place] = 0 if identity in ids[:place] else identity
    return Poses(
        boxes_xyxy=np.concatenate([corners, corners + seed.uniform(5, 90, (count, 2))], 1),
        box_scores=seed.uniform(0.1, 1, count),
        keypoints_xy=seed.uniform(1, 1000, (count, joints, 2)),
        keypoint_scores=seed.uniform(0.05, 1, (count, joints)),
        scores=seed.uniform(0.1, 1, count),
        ids=np.array(ids, np.int64),
    )


def written(
    folder: Path, name: str, header: ClipHeader, people: dict[int, Poses], count: int
) -> Path:
    """Write a clip in a format and return the output."""
    nobody = Poses.empty(header.skeleton.joint_count)
    out = folder / get_format(name).output_name
    out.parent.mkdir(parents=True, exist_ok=True)
    writer = FORMATS[name].writer(out, header)
    for index in range(count):
        writer.write(index, 0.0, people.get(index, nobody))
    writer.close()
    return out


def assert_refused(error: ValueError) -> None:
    """Check that a refusal is one sentence."""
    assert 20 < len(str(error)) < 400
    assert "\n" not in str(error)


def assert_same(name: str, got: Poses, expected: Poses) -> None:
    """Compare the people of one frame as far as the format holds them."""
    assert len(got) == len(expected)
    if name in KEEPS_IDS:
        assert got.ids.tolist() == expected.ids.tolist()
    if name in KEEPS_JOINTS:
        digits = 0.01 if name.startswith("openpose") else 1e-3
        np.testing.assert_allclose(got.keypoints_xy, expected.keypoints_xy, atol=digits)
        np.testing.assert_allclose(got.keypoint_scores, expected.keypoint_scores, atol=1e-5)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_video_goes_out_and_comes_back_without_hints(name: str, data: st.DataObject) -> None:
    people = data.draw(clips(JOINTS[name].joint_count))
    with tempfile.TemporaryDirectory() as folder:
        out = written(Path(folder), name, ClipHeader(JOINTS[name], "clip.mp4"), people, 10)
        reader = FORMATS[name].reader(out, ReadHints())
        back = {record.frame_index: record.poses for record in reader if len(record.poses)}
    if not people:
        assert back == {}
        return
    # Whoever was first keeps the frame: nothing is renumbered, and nobody is lost.
    assert sorted(back) == sorted(people)
    for frame, poses in people.items():
        assert_same(name, back[frame], poses)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_pictures_of_any_name_come_back_to_themselves_or_are_refused(
    name: str, data: st.DataObject
) -> None:
    names = tuple(data.draw(picture_names))
    people = {
        place: data.draw(persons(JOINTS[name].joint_count))
        for place in range(len(names))
        if data.draw(st.booleans())
    }
    header = ClipHeader(JOINTS[name], "pictures", image_names=names)
    with tempfile.TemporaryDirectory() as folder:
        try:
            out = written(Path(folder), name, header, people, len(names))
            reader = FORMATS[name].reader(out, ReadHints(image_names=names))
            back = {record.frame_index: record.poses for record in reader if len(record.poses)}
        except ValueError as error:
            assert_refused(error)
            return
    assert sorted(back) == sorted(people)
    for place, poses in people.items():
        assert_same(name, back[place], poses)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_nobody_is_lost_or_made_by_converting_pictures_without_hints(
    name: str, data: st.DataObject
) -> None:
    names = tuple(data.draw(picture_names))
    people = {place: data.draw(persons(JOINTS[name].joint_count)) for place in range(len(names))}
    header = ClipHeader(JOINTS[name], "pictures", image_names=names)
    with tempfile.TemporaryDirectory() as folder:
        try:
            out = written(Path(folder), name, header, people, len(names))
            convert_records(out, Path(folder) / "back.ndjson", "native", name)
        except ValueError as error:
            assert_refused(error)
            return
        back = [len(record.poses) for record in read_records(Path(folder) / "back.ndjson")]
    assert sum(back) == sum(len(poses) for poses in people.values())
    assert sorted(filter(None, back)) == sorted(len(poses) for poses in people.values())
