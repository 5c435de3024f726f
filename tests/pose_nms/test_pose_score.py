"""The score that predicts a pose's OKS: its features, its fitting, its files, its command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cli import rmpe_command
from pipeline.sources import find_nobody
from rmpe.estimator import EstimatorOptions, PoseEstimator
from rmpe.evaluation.learn_score import (
    fit_weights,
    learn_pose_score,
    reached_oks,
    reliability_table,
    rescored,
)
from rmpe.formats.clip import ClipHeader
from rmpe.formats.native import NativeWriter
from rmpe.pose_nms.learn import ValidationFrame, average_precision
from rmpe.pose_nms.pose_score import (
    LEARNED,
    PoseScore,
    choose_pose_score,
    load_pose_score,
    pose_features,
    save_pose_score,
)
from rmpe.records import Poses
from rmpe.skeletons import COCO_17
from rmpe.zoo.conventions import CONVENTIONS
from rmpe_cli.options import EstimatorChoices
from tests.pose_nms.test_learn import coco_documents

JOINTS = 17
SIGMAS = COCO_17.sigmas


def poses_of(xy: np.ndarray, box_scores: list[float], joint_score: float = 0.5) -> Poses:
    """Poses whose boxes are 50 px wide and 100 px high, all joints equally sure."""
    count = len(xy)
    return Poses(
        boxes_xyxy=np.tile([0.0, 0.0, 50.0, 100.0], (count, 1)),
        box_scores=box_scores,
        keypoints_xy=xy,
        keypoint_scores=np.full((count, JOINTS), joint_score),
        scores=np.array(box_scores) * joint_score,
        ids=np.zeros(count),
    )


def person(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 50, (1, JOINTS, 2))


def test_even_chances_at_a_hundred_pixels_are_zeros() -> None:
    assert pose_features(poses_of(person(), [0.5])) == pytest.approx(np.zeros((1, 3)))


def test_features_by_hand() -> None:
    # logit(0.75) = log 3.
    twice = poses_of(np.repeat(person(), 2, 0), [0.5, 0.75], joint_score=0.75)
    tall = replace(twice, boxes_xyxy=np.tile([0.0, 0.0, 50.0, 200.0], (2, 1)))
    expected = [[0.0, np.log(3), np.log(2)], [np.log(3), np.log(3), np.log(2)]]
    assert pose_features(tall) == pytest.approx(np.array(expected), abs=1e-6)


def test_nobody_has_no_features_and_no_score() -> None:
    nobody = Poses.empty(JOINTS)
    assert pose_features(nobody).shape == (0, 3)
    assert LEARNED(nobody).shape == (0,)


def test_the_score_is_the_logistic_of_the_weighted_sum() -> None:
    score = PoseScore((2.0, 0.0, 0.0), -1.0)
    found = score(poses_of(person(), [0.75]))
    assert found == pytest.approx([1 / (1 + np.exp(-(2 * np.log(3) - 1)))])


def test_the_fit_finds_the_weights_that_made_the_targets() -> None:
    features = np.random.default_rng(0).normal(size=(4000, 2)) * [1, 3] + [0, 2]
    targets = 1 / (1 + np.exp(-(features @ [1.5, -0.5] + 0.25)))
    weights, offset = fit_weights(features, targets)
    assert [*weights, offset] == pytest.approx([1.5, -0.5, 0.25], abs=0.02)


def frame_of(poses: Poses, truth_xy: np.ndarray, ignored: list[list[float]]) -> ValidationFrame:
    count = len(truth_xy)
    return ValidationFrame(
        poses,
        truth_xy.astype(np.float32),
        np.ones((count, JOINTS), bool),
        np.full(count, 2500.0, np.float32),
        np.array(ignored, np.float32).reshape(-1, 4),
    )


def test_one_person_is_reached_once_by_the_better_pose() -> None:
    poses = poses_of(np.repeat(person(), 2, 0), [0.4, 0.8])
    assert reached_oks(frame_of(poses, person(), []), SIGMAS) == pytest.approx([0.0, 1.0])


def test_a_pose_inside_an_ignored_person_is_not_judged() -> None:
    poses = poses_of(np.concatenate([person(), person() + 1000]), [0.4, 0.8])
    found = reached_oks(frame_of(poses, person(), [[900, 900, 1200, 1200]]), SIGMAS)
    assert found[0] == pytest.approx(1.0) and np.isnan(found[1])


def frames_where_small_people_are_wrong(count: int = 40) -> list[ValidationFrame]:
    """Of two poses of the same usual score the one of the higher box is right."""
    frames = []
    for seed in range(count):
        right, wrong = person(seed), person(seed + 1000) + 500
        poses = poses_of(np.concatenate([right, wrong]), [0.6, 0.6])
        boxes = np.array([[0, 0, 50, 100], [500, 500, 520, 540]], np.float32)
        poses = replace(poses, boxes_xyxy=boxes, scores=np.array([0.3, 0.31]))
        frames.append(frame_of(poses, right, []))
    return frames


def test_the_learned_score_orders_better_than_the_usual_one() -> None:
    frames = frames_where_small_people_are_wrong()
    score = learn_pose_score(frames, SIGMAS)
    assert average_precision(frames, SIGMAS, None) == pytest.approx(0.5, abs=0.01)
    assert average_precision(rescored(frames, score), SIGMAS, None) == pytest.approx(1.0)
    right, wrong = score(frames[0].candidates)
    assert right > 0.9 and wrong < 0.1
    assert len(reliability_table(frames, SIGMAS, score)) == 3  # a heading and two ranges


def test_too_few_poses_are_refused() -> None:
    with pytest.raises(ValueError, match="got 2 poses"):
        learn_pose_score(frames_where_small_people_are_wrong(1), SIGMAS)


def test_a_score_comes_back_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "score.json"
    save_pose_score(file, LEARNED, {"why": "a test"})
    assert choose_pose_score(str(file)) == LEARNED
    assert choose_pose_score("usual") is None
    assert choose_pose_score("learned") is LEARNED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no json", "not JSON"),
        ("[]", "not a file of learn-score"),
        ('{"schema": "rmpe-pose-score/1", "weights": {"box": 1}, "offset": 0}', "needed is one"),
        (
            '{"schema": "rmpe-pose-score/1", "offset": "x",'
            ' "weights": {"box": 1, "joints": 1, "height": 1}}',
            "no number",
        ),
    ],
)
def test_what_is_no_score_is_refused(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "score.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=words):
        load_pose_score(file)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="supported are usual, learned"):
        choose_pose_score("best")


def written(frames: list[ValidationFrame], folder: Path) -> list[str]:
    """Write native records and COCO annotations; return the command's arguments."""
    names = tuple(f"{n}.jpg" for n in range(len(frames)))
    writer = NativeWriter(folder / "poses.ndjson", ClipHeader(COCO_17, image_names=names))
    for n, frame in enumerate(frames):
        writer.write(n, 0.0, frame.candidates)
    writer.close()
    truth, _ = coco_documents(frames)
    (folder / "truth.json").write_text(json.dumps(truth))
    return [
        "learn-score",
        str(folder / "poses.ndjson"),
        "--annotations",
        str(folder / "truth.json"),
    ]


def test_the_command_writes_a_file_that_the_estimator_takes(tmp_path: Path) -> None:
    arguments = written(frames_where_small_people_are_wrong(), tmp_path)
    output = tmp_path / "score.json"
    done = CliRunner().invoke(rmpe_command, [*arguments, "-o", str(output)])
    assert done.exit_code == 0, done.output
    assert "ap held out" in done.output and "mean OKS" in done.output
    notes = json.loads(output.read_text())["notes"]
    assert notes["ap_held_out"] > notes["ap_held_out_usual_score"] + 0.3
    choices = EstimatorChoices(pose_score=str(output))
    assert output in choices.files()


def test_poses_without_box_scores_are_refused_by_the_command(tmp_path: Path) -> None:
    frames = frames_where_small_people_are_wrong()
    arguments = written(frames, tmp_path)
    _, results = coco_documents(frames)
    (tmp_path / "results.json").write_text(json.dumps(results))
    arguments[1] = str(tmp_path / "results.json")
    done = CliRunner().invoke(rmpe_command, [*arguments, "-o", str(tmp_path / "score.json")])
    assert done.exit_code == 2
    assert "box scores" in done.output


def test_the_estimator_scores_its_poses_by_the_option() -> None:
    options = EstimatorOptions(min_score=0.0, nms=None, pose_score=LEARNED)
    conventions = CONVENTIONS["compact"]
    estimator = PoseEstimator(find_nobody, lambda _: (), conventions, options)
    poses = poses_of(np.concatenate([person(), person(1)]), [0.4, 0.8])
    poses = replace(
        poses,
        keypoints_xy=np.pad(poses.keypoints_xy, ((0, 0), (0, 2), (0, 0))),
        keypoint_scores=np.pad(poses.keypoint_scores, ((0, 0), (0, 2)), constant_values=0.5),
    )
    kept = estimator.suppress(poses)
    assert kept.scores == pytest.approx(LEARNED(poses))
