"""The parts of the commands that say what each choice of the bundled networks is worth."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from rmpe.datasets.keypoint_set import AnnotatedPerson, Picture
from rmpe.records import Boxes, Poses
from rmpe.training.bundled.person_boxes import PersonPicture

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools" / "scores")]

from tools.scores import (  # noqa: E402
    ablate_detector,
    ablate_pipeline,
    ablate_pose,
    detector_curves,
    people_shown,
)
from tools.scores.detection_scores import BoxTruth, owners_of  # noqa: E402

NONE = np.zeros((0, 4), np.float32)


def rows(*boxes: tuple[float, float, float, float]) -> np.ndarray:
    """Return boxes (N, 4)."""
    return np.array(boxes, np.float32)


def test_each_person_is_found_once_by_the_best_score() -> None:
    truth = BoxTruth(rows((0, 0, 10, 10), (20, 0, 30, 10)), NONE, True)
    found = Boxes(rows((0, 0, 10, 9), (0, 0, 10, 10), (50, 0, 60, 10)), np.array([0.9, 0.8, 0.7]))
    assert owners_of(found, truth, np.ones(2, bool)).tolist() == [0, -1, -1]


def test_who_is_shown_is_counted_by_the_poses_own_scores() -> None:
    boxes = rows((0, 0, 50, 120), (100, 0, 150, 120), (200, 0, 220, 60))
    joints = np.zeros((3, 17, 2), np.float32)
    scores = np.array([0.3, 0.12, 0.12], np.float32)
    poses = Poses(boxes, np.ones(3, np.float32), joints, joints[..., 0], scores, np.zeros(3, int))
    people = rows((0, 0, 50, 120), (200, 0, 220, 60))
    picture = PersonPicture("a", "coco128", people, NONE, True, lambda: np.zeros((1, 1, 3), "u1"))
    assert people_shown.figures([poses], [picture], 0.1) == ["1.000", "0.500", "1.000", "0.667"]
    assert people_shown.figures([poses], [picture], 0.2) == ["1.000", "1.000", "0.500", "1.000"]


def test_a_box_of_the_mirror_image_comes_back_to_its_place() -> None:
    back = ablate_detector.mirrored(Boxes(rows((0, 5, 9, 20)), np.ones(1, np.float32)), 100)
    assert back.boxes_xyxy.tolist() == [[90, 5, 99, 20]]


def test_boxes_are_off_by_no_more_than_was_asked() -> None:
    joints = np.zeros((19, 2), np.float32)
    box = rows((100, 100, 200, 300))[0]
    person = AnnotatedPerson(
        Picture(1, Path("a.jpg")), 1, box, joints, np.zeros(19, np.uint8), 20_000.0
    )
    moved = np.stack([p.box_xyxy for p in ablate_pose.boxes_off([person] * 200, 0.1, 0)])
    sides, middles = moved[:, 2:] - moved[:, :2], (moved[:, :2] + moved[:, 2:]) / 2
    assert np.abs(sides / [100, 200] - 1).max() == pytest.approx(0.1, abs=0.01)
    assert np.abs((middles - [150, 200]) / [100, 200]).max() == pytest.approx(0.1, abs=0.01)
    same = ablate_pose.boxes_off([person], 0.0, 0)[0]
    assert same.box_xyxy.tolist() == box.tolist()


def test_a_teacher_with_another_reading_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["x", "compact", "--data", "DATA", "--look", "teacher", "--crop", "1.2"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):
        ablate_pose.command_line()
    assert "of its own" in capsys.readouterr().err


def test_people_are_told_by_height_cover_and_border() -> None:
    truth = BoxTruth(
        rows((10, 10, 60, 130), (30, 10, 80, 140), (150, 10, 200, 115), (0, 10, 20, 50)), NONE, True
    )
    groups = detector_curves.traits(truth, 480, 640)
    assert groups["32 to 64 px"].tolist() == [False, False, False, True]
    assert groups["100 to 200 px"].tolist() == [True, True, True, False]
    assert groups["100 px and more, behind or before somebody"].tolist() == [
        True,
        True,
        False,
        False,
    ]
    assert groups["100 px and more, alone and whole"].tolist() == [False, False, True, False]


def test_people_without_enough_joints_are_ignored_and_not_lost() -> None:
    people = {"images": [], "annotations": [{"id": 1, "num_keypoints": 9, "keypoints": [1] * 51}]}
    other = {"id": 2, "num_keypoints": 3, "keypoints": [1] * 51}
    whole = ablate_pipeline.with_ignored(people, {"annotations": [{"id": 1}, other]})
    assert [entry["num_keypoints"] for entry in whole["annotations"]] == [9, 0]
    assert other["num_keypoints"] == 3
