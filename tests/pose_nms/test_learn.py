"""Fitting the parameters: average precision, and the search."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from rmpe.pose_nms import ALPHAPOSE, pose_nms
from rmpe.pose_nms.learn import ValidationFrame, average_precision, learn_parameters
from rmpe.pose_nms.parameters import PAPER, RMPE, load_parameters
from rmpe.records import Poses
from rmpe.skeletons import COCO_17

JOINTS = 17


def people_frame(
    seed: int, people: int = 3, copies: int = 2, shift: float = 9.0
) -> ValidationFrame:
    """People of 300 px; each proposed ``copies`` times, ``shift`` px apart, the first surest."""
    random = np.random.default_rng(seed)
    truth = random.uniform(0, 300, (people, JOINTS, 2)) + np.arange(people)[:, None, None] * 400
    owner = np.repeat(np.arange(people), copies)
    offsets = np.tile(np.arange(copies) * shift, people)[:, None, None]
    xy = truth[owner] + random.normal(0, 2, (len(owner), JOINTS, 2)) + offsets * [1, 0]
    candidates = Poses(
        boxes_xyxy=np.concatenate([xy.min(1), xy.max(1)], 1),
        box_scores=random.uniform(0.5, 1, len(owner)),
        keypoints_xy=xy,
        keypoint_scores=random.uniform(0.7, 1, xy.shape[:2]) - 0.01 * offsets[..., 0],
        scores=random.uniform(0.5, 1, len(owner)),
        ids=np.zeros(len(owner)),
    )
    return ValidationFrame(
        candidates,
        truth.astype(np.float32),
        np.ones((people, JOINTS), bool),
        np.full(people, 40_000.0, np.float32),
        np.zeros((0, 4), np.float32),
    )


def test_perfect_and_empty_predictions() -> None:
    frame = people_frame(0, copies=1)
    exact = replace(frame, candidates=replace(frame.candidates, keypoints_xy=frame.truth_xy))
    assert average_precision([exact], COCO_17.sigmas, None) == pytest.approx(1.0)
    nobody = replace(frame, candidates=Poses.empty(JOINTS))
    assert average_precision([nobody], COCO_17.sigmas, ALPHAPOSE) == 0
    unseen = replace(exact, truth_visible=np.zeros((3, JOINTS), bool))
    assert average_precision([unseen], COCO_17.sigmas, None) == 0
    with pytest.raises(ValueError, match="annotated"):
        learn_parameters([unseen], COCO_17.sigmas)


def test_precision_by_hand() -> None:
    # A false pose above the only true one: precision 1/2 at every recall and threshold.
    frame = people_frame(1, people=1, copies=1)
    true = replace(frame.candidates, keypoints_xy=frame.truth_xy, scores=[0.5])
    false = replace(true, keypoints_xy=frame.truth_xy + 5000, scores=[0.9])
    both = Poses(*(np.concatenate([getattr(p, n) for p in (true, false)]) for n in vars(true)))
    wrong = replace(frame, candidates=both)
    assert average_precision([wrong], COCO_17.sigmas, None) == pytest.approx(0.5)
    ignored = np.array([[4000, 4000, 7000, 7000]], np.float32)
    forgiven = replace(wrong, ignored_boxes_xyxy=ignored)
    assert average_precision([forgiven], COCO_17.sigmas, None) == pytest.approx(1.0)


def coco_documents(frames: list[ValidationFrame]) -> Any:
    """Return annotations and results of frames as COCO writes them."""
    annotations, results = [], []
    for n, frame in enumerate(frames):
        for xy, area in zip(frame.truth_xy, frame.truth_areas):
            joints = np.concatenate([xy, np.full((JOINTS, 1), 2)], 1)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": n,
                    "category_id": 1,
                    "iscrowd": 0,
                    "num_keypoints": JOINTS,
                    "keypoints": joints.ravel().tolist(),
                    "area": float(area),
                    "bbox": [*xy.min(0).tolist(), *np.ptp(xy, axis=0).tolist()],
                }
            )
        poses = frame.candidates
        for row in range(len(poses)):
            joints = np.column_stack([poses.keypoints_xy[row], poses.keypoint_scores[row]])
            results.append(
                {
                    "image_id": n,
                    "category_id": 1,
                    "keypoints": joints.ravel().tolist(),
                    "score": float(poses.scores[row]),
                }
            )
    images = [
        {"id": n, "file_name": f"{n}.jpg", "width": 1, "height": 1} for n in range(len(frames))
    ]
    categories = [{"id": 1, "name": "person"}]
    return {"images": images, "annotations": annotations, "categories": categories}, results


def test_precision_is_pycocotools() -> None:
    pytest.importorskip("pycocotools")
    from rmpe.evaluation.oks.coco import evaluate_coco

    frames = [people_frame(seed, people=4, copies=3, shift=14.0) for seed in range(6)]
    expected = evaluate_coco(*coco_documents(frames)).stats["AP"]
    assert 0.1 < expected < 0.9
    assert average_precision(frames, COCO_17.sigmas, None) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("start", [ALPHAPOSE, RMPE, PAPER])
def test_the_search_finds_what_removes_duplicates(start: Any) -> None:
    frames = [people_frame(seed, shift=24.0) for seed in range(3)]
    before = average_precision(frames, COCO_17.sigmas, start)
    found = learn_parameters(frames, COCO_17.sigmas, start)
    assert found.start_average_precision == pytest.approx(before)
    assert found.average_precision == pytest.approx(
        average_precision(frames, COCO_17.sigmas, found.parameters)
    )
    assert found.average_precision >= before
    assert found.evaluations > 20
    if start is PAPER:
        assert found.average_precision > before + 0.05
        kept = [len(pose_nms(f.candidates, found.parameters)) for f in frames]
        assert kept == [3, 3, 3]


def test_the_command_writes_a_file(tmp_path: Path) -> None:
    from cli import rmpe_command

    frames = [people_frame(seed, people=2, shift=20.0) for seed in range(4)]
    truth, results = coco_documents(frames)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "candidates.json").write_text(json.dumps(results))
    output = tmp_path / "fitted.json"
    arguments = ["learn-nms", str(tmp_path / "candidates.json"), "-o", str(output)]
    arguments += ["--annotations", str(tmp_path / "truth.json"), "--start", "paper"]
    done = CliRunner().invoke(rmpe_command, arguments)
    assert done.exit_code == 0, done.output
    assert "ap held out" in done.output
    fitted = load_parameters(output)
    assert fitted.rule == "paper"
    notes = json.loads(output.read_text())["notes"]
    assert notes["ap_fitted"] >= notes["ap_fitted_start"]
    assert notes["pictures_held_out"] == 1

    wrong = CliRunner().invoke(rmpe_command, [*arguments, "--held-out", "1"])
    assert wrong.exit_code == 2
