"""Every record comes to the picture that it is of, whatever the pictures are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rmpe.formats import (
    FORMATS,
    ClipHeader,
    NativeWriter,
    ReadHints,
    convert_records,
    read_records,
)
from rmpe.formats.catalogue import notes_of
from rmpe.skeletons import COCO_17
from tests.helpers.foreign import (
    alphapose_list,
    counts,
    flat_joints,
    native_records,
    one_person,
    openpose_folder,
)


def test_several_cameras_in_one_folder_are_refused_until_one_is_named(tmp_path: Path) -> None:
    stems = [f"cam{camera}_{n:012d}" for camera in (1, 2) for n in range(3)]
    folder = openpose_folder(tmp_path / "o", stems)
    with pytest.raises(ValueError, match=r"several clips, cam1 and cam2: say which with --series"):
        read_records(folder)
    second = list(read_records(folder, hints=ReadHints(series="cam2")))
    assert [record.poses.keypoints_xy[0, 0, 0] for record in second] == [13, 14, 15]


def test_cameras_of_one_frame_each_are_pictures_and_it_is_said(tmp_path: Path) -> None:
    folder = openpose_folder(tmp_path / "o", [f"{side}_{0:012d}" for side in "LR"])
    clip = read_records(folder)
    assert counts(clip) == [1, 1]
    (note,) = notes_of(clip)
    assert "are taken as pictures" in note and "--series L" in note
    assert not notes_of(read_records(folder, hints=ReadHints(series="R")))
    pictures = openpose_folder(tmp_path / "p", [f"{n:012d}" for n in (785, 40083)])
    assert not any("cameras" in note for note in notes_of(read_records(pictures)))


@pytest.mark.parametrize("camera", ["left", "a-b", "c.1", "GOPR"])
def test_cameras_of_any_name_do_not_hide_each_other(tmp_path: Path, camera: str) -> None:
    stems = [f"{name}_{n:04d}" for name in (camera, "other") for n in range(4)]
    with pytest.raises(ValueError, match="several clips"):
        read_records(openpose_folder(tmp_path / "o", stems))


def test_names_with_date_and_time_are_pictures_each(tmp_path: Path) -> None:
    stems = ["IMG_20230512_101500", "IMG_20230513_101500"]
    clip = read_records(openpose_folder(tmp_path / "o", stems))
    assert counts(clip) == [1, 1]
    assert clip.header.image_names == tuple(f"{stem}.jpg" for stem in stems)


def test_pictures_without_a_number_are_read_from_openpose(tmp_path: Path) -> None:
    clip = read_records(openpose_folder(tmp_path / "o", ["girl", "tummy_man"]))
    assert clip.header.image_names == ("girl.jpg", "tummy_man.jpg")
    assert counts(clip) == [1, 1]


def test_a_catalogue_number_is_one_picture_not_a_clip(tmp_path: Path) -> None:
    clip = read_records(openpose_folder(tmp_path / "o", ["COCO_val2014_000000197388"]))
    assert counts(clip) == [1]
    assert clip.header.image_names == ("COCO_val2014_000000197388.jpg",)


@pytest.mark.parametrize("first", [1683886500, 1683886500123, 10**17])
def test_times_as_numbers_fill_nothing_up(tmp_path: Path, first: int) -> None:
    clip = read_records(openpose_folder(tmp_path / "o", [str(first), str(first + 1)]))
    assert counts(clip) == [1, 1]


@pytest.mark.parametrize(
    "name", ["1000000000.jpg", "x_99999999999.jpg", "99999999999999999999999.jpg"]
)
def test_a_huge_number_in_a_name_takes_no_memory(tmp_path: Path, name: str) -> None:
    assert counts(read_records(alphapose_list(tmp_path / "a.json", [name]))) == [1]
    with pytest.raises(ValueError, match="poses for"):
        read_records(tmp_path / "a.json", hints=ReadHints(frame_count=10))


def test_a_huge_picture_id_beyond_the_given_frames_is_refused(tmp_path: Path) -> None:
    item = {"image_id": 1_000_000_000, "category_id": 1, "keypoints": flat_joints(17), "score": 1}
    (tmp_path / "c.json").write_text(json.dumps([item]))
    with pytest.raises(ValueError, match="1000000000"):
        read_records(tmp_path / "c.json", hints=ReadHints(frame_count=10))
    assert counts(read_records(tmp_path / "c.json")) == [1]


@pytest.mark.parametrize("pattern", ["frame_{:06d}.jpg", "{:04d}.png", "a/b_{}.jpg", "x-{}.jpeg"])
def test_frames_without_people_keep_their_place_in_a_series(tmp_path: Path, pattern: str) -> None:
    present = [0, 1, 2, 3, 4, 10, 11, 12]
    path = alphapose_list(tmp_path / "a.json", [pattern.format(n) for n in present])
    clip = read_records(path)
    assert [n for n, count in enumerate(counts(clip)) if count] == present
    assert clip.header.image_names[10] == pattern.format(10)


def test_pictures_numbered_from_one_keep_their_names(tmp_path: Path) -> None:
    path = alphapose_list(tmp_path / "a.json", [f"{n:06d}.jpg" for n in (1, 2, 3)])
    convert_records(path, tmp_path / "n.ndjson", "native")
    assert read_records(tmp_path / "n.ndjson").header.image_names == (
        *("000001.jpg", "000002.jpg", "000003.jpg"),
    )
    convert_records(tmp_path / "n.ndjson", tmp_path / "b.json", "alphapose")
    again = json.loads((tmp_path / "b.json").read_text())
    assert [person["image_id"] for person in again] == ["000001.jpg", "000002.jpg", "000003.jpg"]


@pytest.mark.parametrize("name", ["coco", "alphapose", "posetrack", "mot"])
def test_sparse_clips_come_back_with_their_frames(tmp_path: Path, name: str) -> None:
    native_records(tmp_path / "n.ndjson", [30, 50], 60)
    out = tmp_path / FORMATS[name].output_name
    convert_records(tmp_path / "n.ndjson", out, name)
    back = [index for index, count in enumerate(counts(read_records(out))) if count]
    assert back == [30, 50]


def test_known_pictures_decide_by_name_stem_or_number(tmp_path: Path) -> None:
    pictures = ("a/10.jpg", "a/11.jpg", "a/12.jpg")
    for names in (["a/12.jpg"], ["12.jpg"], ["x\\12.png"], ["frame_12.jpg"]):
        path = alphapose_list(tmp_path / "a.json", names)
        assert counts(read_records(path, hints=ReadHints(image_names=pictures))) == [0, 0, 1]


def test_a_picture_that_is_not_there_or_that_two_records_mean_is_refused(tmp_path: Path) -> None:
    hints = ReadHints(image_names=("1.jpg", "2.jpg"))
    with pytest.raises(ValueError, match=r"poses for other\.jpg, which is not among"):
        read_records(alphapose_list(tmp_path / "a.json", ["1.jpg", "other.jpg"]), hints=hints)
    with pytest.raises(ValueError, match=r"are both picture 1\.jpg"):
        read_records(alphapose_list(tmp_path / "a.json", ["a/1.jpg", "b/1.jpg"]), hints=hints)


def test_numbers_of_a_clip_count_from_where_it_says(tmp_path: Path) -> None:
    path = alphapose_list(tmp_path / "a.json", ["f_2.jpg", "f_4.jpg"])
    from_one = read_records(path, hints=ReadHints(clip_frames=4))
    assert counts(from_one) == [0, 1, 0, 1]
    assert "numbered from 1" in notes_of(from_one)[0]
    assert counts(read_records(path, hints=ReadHints(clip_frames=9))) == [0, 0, 1, 0, 1]
    given = ReadHints(clip_frames=9, first_number=2)
    assert counts(read_records(path, hints=given)) == [1, 0, 1]
    with pytest.raises(ValueError, match="first-number"):
        read_records(path, hints=ReadHints(frame_count=9, first_number=3))


def test_native_records_of_pictures_meet_pictures_in_another_order(tmp_path: Path) -> None:
    native_records(tmp_path / "n.ndjson", [0, 2], 3, ("a.jpg", "b.jpg", "c.jpg"))
    hints = ReadHints(image_names=("c.jpg", "b.jpg", "a.jpg", "new.jpg"))
    placed = list(read_records(tmp_path / "n.ndjson", hints=hints))
    assert [(r.frame_index, r.poses.keypoints_xy[:, 0, 0].tolist()) for r in placed] == [
        (0, [2.0]),
        (1, []),
        (2, [0.0]),
    ]
    with pytest.raises(ValueError, match=r"poses for c\.jpg, which is not among"):
        list(read_records(tmp_path / "n.ndjson", hints=ReadHints(image_names=("a.jpg", "b.jpg"))))


@pytest.mark.parametrize("form", ["alphapose-open", "alphapose-cmu", "openpose"])
@pytest.mark.parametrize(
    "names",
    [
        ("IMG.2023.01.jpg", "IMG.2023.02.jpg"),
        ("a/1.jpg", "b/1.jpg"),
        ("x.jpg", "x.png"),
        ("/data/a/1.jpg", "/data/b/1.jpg"),
        ("../p/1.jpg", "../q/1.jpg"),
    ],
)
def test_files_of_single_pictures_never_share_a_name(
    tmp_path: Path, form: str, names: tuple[str, ...]
) -> None:
    native_records(tmp_path / "n.ndjson", [0, 1], 2, names)
    out = tmp_path / "out" / FORMATS[form].output_name
    convert_records(tmp_path / "n.ndjson", out, form)
    folder = out if form == "openpose" else out.parent / "sep-json"
    files = sorted(path for path in folder.rglob("*.json") if path.is_file())
    assert len(files) == 2
    assert counts(read_records(folder, form)) == [1, 1]


def test_openpose_calls_its_files_after_the_pictures(tmp_path: Path) -> None:
    names = ("frame_0001.jpg", "frame_0006.jpg")
    native_records(tmp_path / "n.ndjson", [0, 1], 2, names)
    convert_records(tmp_path / "n.ndjson", tmp_path / "o", "openpose")
    assert sorted(file.name for file in (tmp_path / "o").iterdir()) == [
        "frame_0001_keypoints.json",
        "frame_0006_keypoints.json",
    ]


def test_a_long_name_of_a_clip_still_gives_a_file_of_every_frame(tmp_path: Path) -> None:
    native_records(tmp_path / "n.ndjson", [0], 2, source="ä" * 120 + ".mp4")
    convert_records(tmp_path / "n.ndjson", tmp_path / "o", "openpose")
    assert len(list((tmp_path / "o").iterdir())) == 2


@pytest.mark.parametrize(("name", "length"), [("openpose", 241), ("alphapose-open", 251)])
def test_a_picture_whose_name_leaves_no_room_is_refused_before_anything_is_written(
    name: str, length: int, tmp_path: Path
) -> None:
    names = ("a.jpg", "b" * length + ".jpg")
    native_records(tmp_path / "n.ndjson", [0, 1], 2, names)
    with pytest.raises(ValueError, match=r"would have a name of 256 bytes, at most 255"):
        convert_records(tmp_path / "n.ndjson", tmp_path / "o", name)
    native_records(tmp_path / "m.ndjson", [0, 1], 2, ("a.jpg", "b" * (length - 1) + ".jpg"))
    convert_records(tmp_path / "m.ndjson", tmp_path / "p", name)
    assert any(len(file.name) == 255 for file in tmp_path.rglob("b*"))


@pytest.mark.parametrize(
    "names",
    [
        ("2024-01-02_03-04-05.jpg", "2024-01-02_03-04-06.jpg"),
        ("IMG_20230512_101458.jpg", "IMG_20230512_101459.jpg", "IMG_20230512_101500.jpg"),
        ("cam 2024.01.02 03.04.05.png", "cam 2024.01.02 03.04.09.png"),
    ],
)
def test_seconds_of_a_clock_are_no_frames(names: tuple[str, ...], tmp_path: Path) -> None:
    native_records(tmp_path / "n.ndjson", list(range(len(names))), len(names), names)
    convert_records(tmp_path / "n.ndjson", tmp_path / "o", "openpose")
    read = read_records(tmp_path / "o")
    assert len(list(read)) == len(names)
    assert [Path(name).stem for name in read.header.image_names] == [Path(n).stem for n in names]
    assert notes_of(read) == ()


def test_records_of_pictures_get_times_from_the_rate_that_is_given(tmp_path: Path) -> None:
    writer = NativeWriter(
        tmp_path / "n.ndjson", ClipHeader(COCO_17, image_names=("a.jpg", "b.jpg"))
    )
    writer.write(0, 0.0, one_person(1.0))
    writer.write(1, 0.0, one_person(2.0))
    writer.close()
    timed = read_records(tmp_path / "n.ndjson", hints=ReadHints(fps=4.0))
    assert timed.header.fps == 4
    assert timed.header.image_names == ("a.jpg", "b.jpg")
    assert [record.timestamp_s for record in timed] == [0.0, 0.25]
    native_records(tmp_path / "v.ndjson", [1], 2)  # of 10 frames a second
    kept = read_records(tmp_path / "v.ndjson", hints=ReadHints(fps=4.0))
    assert [record.timestamp_s for record in kept] == [0.0, 0.1]
    assert notes_of(kept) == ("the records say 10 frames a second, 4 is not used",)


def test_a_picture_of_any_kind_keeps_its_ending_beside_one_of_the_same_name(tmp_path: Path) -> None:
    clip = read_records(openpose_folder(tmp_path / "o", ["IMG_0001.HEIC", "IMG_0001.jpg"]))
    assert set(clip.header.image_names) == {"IMG_0001.HEIC", "IMG_0001.jpg"}
