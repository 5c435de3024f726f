"""PoseTrack's rules on hand-worked sequences: frames, ignore regions, identities, errors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rmpe.evaluation.posetrack.matching import strictly_inside
from rmpe.evaluation.posetrack.scores import (
    PoseTrackScores,
    evaluate_posetrack,
    evaluate_posetrack_folders,
)
from rmpe.formats import FORMATS, ClipHeader
from rmpe.formats.posetrack.document import PoseTrackFrame, PoseTrackPerson, parse_posetrack
from rmpe.records import Poses
from rmpe.skeletons import POSETRACK_15


def person(track_id: int, x: float, score: float = 0.9) -> PoseTrackPerson:
    points = np.stack([np.full(15, x), np.linspace(0, 280, 15)], 1)
    return PoseTrackPerson(
        track_id=track_id,
        points_xy=points,
        present=np.ones(15, bool),
        scores=np.full(15, score),
        head_xyxy=np.array([x, 0, x + 30, 40.0]),  # a head of 30 pixels
        box_xywh=None,
    )


def frame(index: int, *people: PoseTrackPerson) -> PoseTrackFrame:
    return PoseTrackFrame(f"images/val/s/{index:06d}.jpg", True, people)


def sequence(ids: list[tuple[int, int]]) -> list[PoseTrackFrame]:
    """Two people, 500 px apart, under the given identities."""
    return [frame(i, person(a, 0), person(b, 500)) for i, (a, b) in enumerate(ids)]


def score(
    truth: list[PoseTrackFrame], predicted: list[PoseTrackFrame], tracking: bool = True
) -> PoseTrackScores:
    return evaluate_posetrack({"s": truth}, {"s": predicted}, tracking)


def test_exchanged_identities_cost_one_switch_each_and_half_of_idf1() -> None:
    truth = sequence([(1, 2)] * 11)
    scores = score(truth, sequence([(1, 2)] * 5 + [(2, 1)] * 6))
    assert scores.ap["total"] == pytest.approx(100)
    # Ten frames count: 20 true joints of a kind, 2 switches.
    assert scores.tracking["mota"]["nose"] == pytest.approx(90)
    assert scores.tracking["switches"]["nose"] == 2
    assert scores.tracking["switches"]["total"] == 30
    assert scores.tracking["idf1"]["total"] == pytest.approx(50)
    assert scores.tracking["motp"]["total"] == pytest.approx(100)


def test_last_frame_is_in_ap_but_not_in_tracking() -> None:
    truth = sequence([(1, 2)] * 4)
    predicted = [*sequence([(1, 2)] * 3), frame(3)]
    scores = score(truth, predicted)
    assert scores.tracking["mota"]["total"] == pytest.approx(100)
    assert scores.ap["total"] == pytest.approx(75)


def test_frame_without_predictions_counts_one_miss_and_one_false_joint() -> None:
    truth = sequence([(1, 2)] * 4)
    predicted = sequence([(1, 2)] * 4)
    predicted[1] = frame(1)
    scores = score(truth, predicted)
    # Three frames count: 2 + 1 + 2 truths, one miss, one false.
    assert scores.tracking["mota"]["total"] == pytest.approx(100 * (1 - 2 / 5))


def test_frames_without_annotation_are_left_out_with_their_predictions() -> None:
    truth = [frame(0), *sequence([(1, 2)] * 3), frame(4)]
    predicted = [frame(0, person(5, 900)), *sequence([(1, 2)] * 3), frame(4, person(6, 900))]
    scores = score(truth, predicted)
    assert scores.precision["total"] == pytest.approx(100)
    assert scores.tracking["mota"]["total"] == pytest.approx(100)


def test_people_in_ignore_regions_do_not_count_on_either_side() -> None:
    region = (np.array([[400, -10], [600, -10], [600, 400], [400, 400.0]]),)
    truth = [replace(f, ignore_polygons=region) for f in sequence([(1, 2)] * 3)]
    predicted = [frame(i, person(1, 0), person(9, 450)) for i in range(3)]
    scores = score(truth, predicted)
    assert scores.precision["total"] == scores.recall["total"] == pytest.approx(100)
    assert scores.tracking["recall"]["total"] == pytest.approx(100)


def test_match_is_within_half_a_head_and_a_false_person_costs_precision() -> None:
    truth = [frame(0, person(1, 0)), frame(1, person(1, 0))]
    near = [frame(0, person(1, 14.9)), frame(1, person(1, 14.9))]
    far = [frame(0, person(1, 15.1)), frame(1, person(1, 15.1))]
    assert score(truth, near).ap["total"] == pytest.approx(100)
    assert score(truth, near).tracking["motp"]["total"] == pytest.approx(100 * (1 - 14.9 / 30))
    assert score(truth, far).ap["total"] == 0
    extra = [frame(i, person(1, 0, 0.9), person(2, 700, 0.5)) for i in range(2)]
    scores = score(truth, extra)
    assert scores.ap["total"] == pytest.approx(100)
    assert scores.precision["total"] == pytest.approx(50)


def test_border_of_a_region_is_outside_and_double_vertices_do_no_harm() -> None:
    square = np.array([[0, 0], [10, 0], [10, 0], [10, 10], [0, 10.0]])
    points = np.array([[5, 5], [0, 5], [10, 10], [11, 5], [5, 10], [9.99, 0.01], [-5, 0]])
    assert strictly_inside(points, square).tolist() == [
        True,
        False,
        False,
        False,
        False,
        True,
        False,
    ]


def test_figures_with_nothing_to_count_are_undefined_not_perfect() -> None:
    single = score(sequence([(1, 2)]), sequence([(1, 2)]))
    assert single.ap["total"] == pytest.approx(100)
    assert np.isnan(single.tracking["mota"]["total"])
    earless = person(1, 0)
    earless.present[POSETRACK_15.index("nose")] = False
    scores = score([frame(0, earless)], [frame(0, person(1, 0))], tracking=False)
    assert np.isnan(scores.ap["nose"]) and scores.precision["nose"] == 0
    assert scores.ap["total"] == pytest.approx(100)
    nobody = score([frame(0)], [frame(0)], tracking=False)
    assert np.isnan(nobody.ap["total"])


def test_what_does_not_fit_is_refused() -> None:
    truth = sequence([(1, 2)] * 2)
    with pytest.raises(ValueError, match="2 frames, the prediction 1"):
        score(truth, truth[:1])
    with pytest.raises(ValueError, match="share a track_id"):
        score(truth, sequence([(1, 1)] * 2))
    nobody = [frame(i, replace(person(1, 0), track_id=None)) for i in range(2)]
    with pytest.raises(ValueError, match="no track_id"):
        score(truth, nobody)
    assert score(truth, nobody, tracking=False).tracking == {}
    headless = [frame(i, replace(person(1, 0), head_xyxy=None)) for i in range(2)]
    with pytest.raises(ValueError, match="no head box"):
        score(headless, truth)


def test_folder_of_our_own_writer_scores_against_annotations(tmp_path: Path) -> None:
    (tmp_path / "gt").mkdir()
    (tmp_path / "pr").mkdir()
    writer = FORMATS["posetrack"].writer(
        tmp_path / "pr" / "s.json", ClipHeader(POSETRACK_15, "s.mp4")
    )
    people = [person(0, 100), person(1, 600)]
    for index in range(3):
        points = np.stack([p.points_xy for p in people])
        writer.write(
            index,
            0.0,
            Poses(
                boxes_xyxy=[[100, 0, 130, 280], [600, 0, 630, 280]],
                box_scores=[1, 1],
                keypoints_xy=points,
                keypoint_scores=np.full((2, 15), 0.8),
                scores=[0.8, 0.8],
                ids=[1, 2],
            ),
        )
    writer.close()
    document = json.loads((tmp_path / "pr" / "s.json").read_text())
    for item in document["annotations"]:
        item["bbox_head"] = [item["keypoints"][0], 0, 30, 40]
    (tmp_path / "gt" / "s.json").write_text(json.dumps(document))
    scores = evaluate_posetrack_folders(tmp_path / "gt", tmp_path / "pr")
    assert scores.ap["total"] == pytest.approx(100)
    assert scores.tracking["mota"]["total"] == pytest.approx(100)
    assert any(line.startswith("MOTA") for line in scores.table())
    (tmp_path / "gt" / "t.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=r"no file t\.json"):
        evaluate_posetrack_folders(tmp_path / "gt", tmp_path / "pr")
    (tmp_path / "pr" / "t_rmpe").mkdir()
    (tmp_path / "pr" / "s.json").rename(tmp_path / "pr" / "t_rmpe" / "posetrack.json")
    (tmp_path / "gt" / "s.json").unlink()
    again = evaluate_posetrack_folders(tmp_path / "gt", tmp_path / "pr", tracking=False)
    assert again.ap == scores.ap
    pair = (tmp_path / "gt" / "t.json", tmp_path / "pr" / "t_rmpe" / "posetrack.json")
    assert evaluate_posetrack_folders(*pair, tracking=False).ap == scores.ap


def test_joints_of_another_number_are_told_with_their_file() -> None:
    image = {"id": 1, "file_name": "a.jpg"}
    broken = {"images": [image], "annotations": [{"image_id": 1, "keypoints": [1, 2, 3]}]}
    with pytest.raises(ValueError, match=r"^p\.json is no valid PoseTrack file: .*has 3 keypoint"):
        parse_posetrack(broken, "p.json")


def test_a_file_alone_is_called_the_sequence() -> None:
    image = {"id": 1, "file_name": "a.jpg"}
    truth = parse_posetrack({"images": [image], "annotations": []}, "t.json")
    with pytest.raises(ValueError, match=r"^the sequence: the annotation has 1 frames"):
        evaluate_posetrack({"": truth}, {"": []})
