"""The field's formats against files that the original programs (or their documents) give."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rmpe.formats import FORMATS, ClipHeader, ReadHints, read_records
from rmpe.formats.alphapose import AlphaPoseWriter
from rmpe.formats.catalogue import detect_format
from rmpe.formats.openpose import person_to_json
from rmpe.formats.posetrack.document import posetrack17_from_18
from rmpe.records import Poses
from rmpe.skeletons import BODY_25, COCO_17, OPENPOSE_18, POSETRACK_15, Skeleton

NAMES = ("a.jpg", "b.jpg", "nobody.jpg")


@pytest.fixture(scope="session")
def formats_dir(shared_dir: Path) -> Path:
    return shared_dir / "reference" / "algorithms" / "formats"


@pytest.fixture(scope="session")
def suppressed(shared_dir: Path) -> list[tuple[Poses, list]]:
    """AlphaPose's own output of its pose NMS for the fixture's two pictures, and the members."""
    result = []
    for name in ("small_a", "edge_match_count"):
        data = np.load(shared_dir / "reference" / "algorithms" / "pose_nms" / f"{name}.npz")
        scores = data["out_keypoint_scores"][..., 0]
        poses = Poses(
            boxes_xyxy=data["out_boxes"],
            box_scores=data["out_box_scores"].reshape(-1),
            keypoints_xy=data["out_keypoints"],
            keypoint_scores=scores,
            scores=scores.mean(1),
            ids=np.zeros(len(scores)),
        )
        ends = np.cumsum(data["out_member_count"])[:-1]
        members = [part.astype(float).tolist() for part in np.split(data["out_members"], ends)]
        marks = [[[one] for one in m] if len(m) > 1 else m for m in members]
        result.append((poses, marks))
    return result


def write(name: str, path: Path, suppressed: list[tuple[Poses, list]]) -> None:
    writer = FORMATS[name].writer(path, ClipHeader(COCO_17, image_names=NAMES))
    for index, (poses, _) in enumerate(suppressed):
        writer.write(index, 0.0, poses)
    writer.write(2, 0.0, Poses.empty(17))
    writer.close()


def test_alphapose_default_form_equals_its_own_file(
    formats_dir: Path, suppressed: list[tuple[Poses, list]], tmp_path: Path
) -> None:
    writer = AlphaPoseWriter(tmp_path / "r.json", ClipHeader(COCO_17, image_names=NAMES))
    for index, (poses, marks) in enumerate(suppressed):
        writer.write(index, 0.0, poses, idx=marks)
    writer.close()
    got = json.loads((tmp_path / "r.json").read_text())
    want = json.loads((formats_dir / "alphapose_default.json").read_text())
    assert [list(person) for person in got] == [list(person) for person in want]
    for person, expected in zip(got, want, strict=True):
        assert person.pop("score") == pytest.approx(expected.pop("score"), abs=5e-7)
        assert person == expected


@pytest.mark.parametrize("form", ["cmu", "open"])
def test_alphapose_picture_forms_equal_its_own_files(
    formats_dir: Path, suppressed: list[tuple[Poses, list]], tmp_path: Path, form: str
) -> None:
    write(f"alphapose-{form}", tmp_path / "r.json", suppressed)
    assert (tmp_path / "r.json").read_text() == (formats_dir / f"alphapose_{form}.json").read_text()
    files = sorted((tmp_path / "sep-json").iterdir())
    assert [file.name for file in files] == ["a.json", "b.json"]
    for file in files:
        expected = formats_dir / f"alphapose_{form}_sep-json" / file.name
        assert file.read_text() == expected.read_text()


def test_alphapose_default_form_is_read_back(
    formats_dir: Path, suppressed: list[tuple[Poses, list]]
) -> None:
    clip = read_records(formats_dir / "alphapose_default.json", hints=ReadHints(image_names=NAMES))
    records = list(clip)
    assert clip.header.skeleton == COCO_17
    assert [len(record.poses) for record in records] == [3, 3, 0]
    for record, (poses, _) in zip(records, suppressed):
        np.testing.assert_array_equal(record.poses.keypoints_xy, poses.keypoints_xy)
        np.testing.assert_array_equal(record.poses.keypoint_scores, poses.keypoint_scores)
        np.testing.assert_allclose(record.poses.boxes_xyxy, poses.boxes_xyxy, atol=1e-4)
        np.testing.assert_allclose(record.poses.box_scores, poses.box_scores, atol=1e-6)
        assert record.poses.ids.tolist() == [0, 0, 0]


@pytest.mark.parametrize("form", ["cmu", "open"])
def test_alphapose_picture_forms_are_read_from_file_and_folder(
    formats_dir: Path, form: str
) -> None:
    whole = list(read_records(formats_dir / f"alphapose_{form}.json"))
    folder = formats_dir / f"alphapose_{form}_sep-json"
    parts = list(FORMATS[f"alphapose-{form}"].reader(folder, ReadHints()))
    assert [len(record.poses) for record in whole] == [3, 3]
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one.poses.keypoints_xy, other.poses.keypoints_xy)


def test_poseflow_output_is_read_with_its_ids(shared_dir: Path, tmp_path: Path) -> None:
    import gzip

    folder = shared_dir / "reference" / "algorithms" / "poseflow" / "synth_a"
    text = gzip.decompress((folder / "tracked.json.gz").read_bytes())
    (tmp_path / "tracked.json").write_bytes(text)
    expected = json.loads(text)
    records = list(read_records(tmp_path / "tracked.json"))
    assert len(records) == 12
    for record in records:
        people = expected.get(f"{record.frame_index}.jpg", [])
        assert record.poses.ids.tolist() == [person["idx"] for person in people]


@pytest.mark.parametrize(
    ("folder", "skeleton"), [("openpose_body25", BODY_25), ("openpose_coco18", OPENPOSE_18)]
)
def test_openpose_folders_are_read_and_written_alike(
    formats_dir: Path, tmp_path: Path, folder: str, skeleton: Skeleton
) -> None:
    clip = read_records(formats_dir / folder)
    assert clip.header.skeleton == skeleton
    records = list(clip)
    assert [len(record.poses) for record in records] == [2, 0]
    name = "openpose" if skeleton is BODY_25 else "openpose18"
    writer = FORMATS[name].writer(tmp_path / "o", ClipHeader(skeleton, "walk.mp4"))
    for record in records:
        writer.write(record.frame_index, 0.0, record.poses)
    writer.close()
    for file in (formats_dir / folder).iterdir():
        assert (tmp_path / "o" / file.name).read_text() == file.read_text()


def test_openpose_numbers_have_six_significant_digits() -> None:
    row = person_to_json([123.4567891, 0.123456789, 1e-9], 4)
    assert row["pose_keypoints_2d"] == [123.457, 0.123457, 1e-9]
    assert row["person_id"] == [4]


def test_posetrack_2018_file_converts_to_poseval_2017_form(formats_dir: Path) -> None:
    document = json.loads((formats_dir / "posetrack18.json").read_text())
    want = json.loads((formats_dir / "posetrack17_converted_by_poseval.json").read_text())
    assert posetrack17_from_18(document) == want


def test_posetrack_predictions_are_written_as_in_the_example(
    formats_dir: Path, tmp_path: Path
) -> None:
    source = formats_dir / "posetrack18.json"
    clip = read_records(source)
    assert clip.header.skeleton == POSETRACK_15
    assert clip.header.source == "000077_mpii_test"
    writer = FORMATS["posetrack"].writer(tmp_path / "p.json", clip.header)
    for record in clip:
        writer.write(record.frame_index, record.timestamp_s, record.poses)
    writer.close()
    got, want = json.loads((tmp_path / "p.json").read_text()), json.loads(source.read_text())
    for annotation in want["annotations"]:
        del annotation["bbox_head"]
        for place, number in enumerate(annotation["keypoints"]):
            annotation["keypoints"][place] = pytest.approx(number, abs=1e-6)
    assert got["images"] == want["images"]
    assert got["categories"] == want["categories"]
    assert got["annotations"] == want["annotations"]


def test_both_posetrack_forms_hold_the_same_people(formats_dir: Path) -> None:
    new = list(read_records(formats_dir / "posetrack18.json"))
    old = list(read_records(formats_dir / "posetrack17_converted_by_poseval.json"))
    assert len(new) == len(old) == 2
    for one, other in zip(new, old):
        np.testing.assert_array_equal(one.poses.keypoints_xy, other.poses.keypoints_xy)
        np.testing.assert_array_equal(one.poses.keypoint_scores, other.poses.keypoint_scores)
        assert one.poses.ids.tolist() == other.poses.ids.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alphapose_default.json", "alphapose"),
        ("alphapose_cmu.json", "alphapose-cmu"),
        ("alphapose_open.json", "alphapose-open"),
        ("alphapose_open_sep-json", "alphapose-open"),
        ("openpose_coco18", "openpose"),
        ("posetrack18.json", "posetrack"),
        ("posetrack17_converted_by_poseval.json", "posetrack17"),
    ],
)
def test_formats_are_recognised_by_content(formats_dir: Path, name: str, expected: str) -> None:
    assert detect_format(formats_dir / name) == expected
