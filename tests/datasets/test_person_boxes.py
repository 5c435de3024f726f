"""Packs of person boxes: what is certain, what is unknown, what is held out."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rmpe.datasets.tar_pictures import TarPictures
from rmpe.training.bundled.person_boxes import (
    PersonPicture,
    add_second_round,
    is_held_out,
    pad_joint_boxes,
    read_coco_boxes,
    read_detect_pack,
    read_flickr_people,
    read_lspet_boxes,
)


def write_tar(path: Path, names: Iterable[str], shape: tuple[int, ...] = (20, 30, 3)) -> None:
    with tarfile.open(path, "w") as archive:
        for value, name in enumerate(names):
            data = cv2.imencode(".png", np.full(shape, value, np.uint8))[1].tobytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def entry(
    name: str,
    source: str = "street",
    complete: bool = False,
    boxes: Sequence[Any] = (),
    ignore: Any = (),
) -> dict[str, Any]:
    return {
        "file": name,
        "source": source,
        "complete": complete,
        "boxes_xyxy": list(boxes),
        "ignore_xyxy": list(ignore),
    }


def test_any_picture_of_a_tar_is_read_at_once(tmp_path: Path) -> None:
    write_tar(tmp_path / "images.tar", ["a.png", "b.png"])
    pictures = TarPictures(tmp_path / "images.tar")
    assert len(pictures) == 2 and "b.png" in pictures
    assert (pictures.read("b.png") == 1).all() and (pictures.read("a.png") == 0).all()
    with pytest.raises(ValueError, match=r"no member 'c\.png'"):
        pictures.read("c.png")


def test_a_file_that_is_no_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images.tar").write_bytes(b"x" * 2000)
    with pytest.raises(OSError, match="not an uncompressed tar"):
        TarPictures(tmp_path / "images.tar")


def test_the_detect_pack_keeps_what_is_unknown(tmp_path: Path) -> None:
    write_tar(tmp_path / "images.tar", ["s.png", "e.png"])
    rows = [
        entry("s.png", boxes=[[1, 2, 3, 4]], ignore=[[5, 5, 9, 9]]),
        entry("e.png", "empty", True),
    ]
    (tmp_path / "boxes.json").write_text(json.dumps(rows))
    street, empty = read_detect_pack(tmp_path)
    assert (street.complete, empty.complete) == (False, True)
    assert street.boxes_xyxy.tolist() == [[1, 2, 3, 4]] and street.ignore_xyxy.shape == (1, 4)
    assert empty.boxes_xyxy.shape == (0, 4)
    assert empty.load().shape == (20, 30, 3)


def test_an_entry_without_a_key_is_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "images.tar", [])
    (tmp_path / "boxes.json").write_text(json.dumps([{"file": "a", "source": "street"}]))
    with pytest.raises(ValueError, match=r"entry 0 of boxes\.json lacks boxes_xyxy, complete"):
        read_detect_pack(tmp_path)


def test_joint_boxes_grow_by_a_share_of_the_longer_side() -> None:
    boxes = pad_joint_boxes(np.array([[10, 20, 60, 120]], np.float32), top=0.2)
    np.testing.assert_allclose(boxes, [[3, 0, 67, 127]])


def test_lspet_gives_training_pictures_with_enough_joints(tmp_path: Path) -> None:
    write_tar(tmp_path / "images.tar", ["0.png", "1.png", "2.png"])
    joints = np.zeros((3, 14, 3), np.float32)
    joints[:2, :, :2] = np.linspace(5, 15, 14)[None, :, None]
    joints[:2, :, 2] = 1
    joints[2, :5] = [9, 9, 1]
    np.savez(
        tmp_path / "joints.npz",
        joints=joints,
        image_size=np.array([[30, 20]] * 3),
        file_names=np.array(["0.png", "1.png", "2.png"]),
        is_val=np.array([False, True, False]),
    )
    (only,) = read_lspet_boxes(tmp_path)
    assert only.name == "0.png" and not only.complete
    np.testing.assert_allclose(only.boxes_xyxy, [[4.3, 4.3, 15.7, 15.7]], rtol=1e-5)


def test_flickr_boxes_reach_above_the_eyes(tmp_path: Path) -> None:
    write_tar(tmp_path / "images.tar", ["0.png"])
    landmarks = np.zeros((1, 33, 4), np.float32)
    landmarks[0, :, 0], landmarks[0, :, 1] = 15, np.linspace(4, 14, 33)
    np.savez(
        tmp_path / "landmarks.npz",
        landmarks=landmarks,
        file_names=np.array(["0.png"]),
        image_size=np.array([[30, 20]]),
    )
    (only,) = read_flickr_people(tmp_path)
    np.testing.assert_allclose(only.boxes_xyxy, [[14.3, 2.6, 15.7, 14.7]], rtol=1e-4)


def test_crowds_of_coco_are_ignored_regions(tmp_path: Path) -> None:
    data = {
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "annotations": [
            {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0},
            {"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1},
            {"image_id": 1, "category_id": 2, "bbox": [0, 0, 5, 5], "iscrowd": 0},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(data))
    first, second = read_coco_boxes(tmp_path / "a.json", tmp_path)
    assert first.boxes_xyxy.tolist() == [[1, 2, 4, 6]]
    assert first.ignore_xyxy.tolist() == [[0, 0, 9, 9]]
    assert len(second.boxes_xyxy) == 0 and second.complete
    with pytest.raises(OSError, match=r"b\.jpg is missing"):
        second.load()


def test_about_a_fifth_is_held_out_and_always_the_same() -> None:
    names = [f"street/{i:06d}.webp" for i in range(2000)]
    assert 0.17 < np.mean([is_held_out(name) for name in names]) < 0.23
    # The CRC-32 of b"123456789" is 0xCBF43926 in every specification; it leaves 2 modulo 5.
    assert not is_held_out("123456789")


def test_a_second_round_makes_a_picture_complete() -> None:
    empty = np.zeros((0, 4), np.float32)
    known = np.array([[0, 0, 1, 1]], np.float32)
    black = np.zeros((9, 9, 3), np.uint8).copy
    partial = PersonPicture("a", "street", known, empty, False, black)
    other = PersonPicture("b", "street", known, empty, False, black)
    labels = {"street/a": {"boxes": [[2, 2, 3, 3]], "ignore": [[4, 4, 5, 5]]}}
    filled, same = add_second_round([partial, other], labels)
    assert filled.complete and len(filled.boxes_xyxy) == 2 and len(filled.ignore_xyxy) == 1
    assert same is other


def test_the_real_packs_have_the_counts_of_their_readme(shared_dir: Path) -> None:
    pictures = read_detect_pack(shared_dir / "data" / "detect")
    boxes = {
        source: sum(len(p.boxes_xyxy) for p in pictures if p.source == source)
        for source in ("street", "coco128", "empty")
    }
    assert len(pictures) == 2609 and boxes == {"street": 2770, "coco128": 527, "empty": 0}
    assert pictures[0].load().shape == (352, 440, 3)
