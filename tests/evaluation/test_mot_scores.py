"""MOTChallenge's scores: equal to TrackEval's, and right on cases that are worked by hand.

``mot_cases`` is a made scene of five people (misses, two who exchange identities, one who is away,
rows that are not to be scored, frames without anybody); ``expected.json`` is what the package
trackeval 1.3.0 gives for it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cli import rmpe_command
from rmpe.evaluation.mot import MotBoxes, evaluate_mot, read_mot_boxes, read_people, score_mot

CASES = Path(__file__).parent / "mot_cases"


def walkers(ids: list[list[int]], shift: float = 0.0) -> MotBoxes:
    """Boxes of people who stand 100 px apart, 40 px wide; 0: not there in that frame."""
    rows = [(t, i, 100 * p + shift) for t, row in enumerate(ids) for p, i in enumerate(row) if i]
    frames, names, lefts = np.array(rows, np.float64).reshape(-1, 3).T
    boxes = np.stack([lefts, 0 * lefts, 0 * lefts + 40, 0 * lefts + 80], 1)
    return MotBoxes(frames.astype(np.int64), names.astype(np.int64), boxes)


def test_figures_are_those_of_trackeval() -> None:
    expected = json.loads((CASES / "expected.json").read_text())["plain"]
    got = evaluate_mot(CASES / "gt.txt", CASES / "found.txt").to_json()
    assert {name: got[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def test_the_truth_itself_is_perfect() -> None:
    truth = walkers([[1, 2]] * 5)
    scores = score_mot(truth, truth)
    assert (scores.hota, scores.deta, scores.assa, scores.idf1, scores.mota) == (1, 1, 1, 1, 1)
    assert (scores.switches, scores.fragments, scores.misses, scores.false) == (0, 0, 0, 0)


def test_two_who_exchange_identities_halfway_switch_twice() -> None:
    scores = score_mot(walkers([[1, 2]] * 6), walkers([[1, 2]] * 3 + [[2, 1]] * 3))
    assert scores.switches == 2
    assert scores.mota == pytest.approx(1 - 2 / 12)
    assert scores.idf1 == pytest.approx(0.5)
    # every match has 3 frames in common with its identity: 3 / (6 + 6 - 3)
    assert scores.assa == pytest.approx(1 / 3)


def test_a_switch_after_an_absence_counts_and_a_miss_is_a_fragment() -> None:
    scores = score_mot(walkers([[1, 2]] * 5), walkers([[1, 2], [0, 2], [0, 2], [3, 2], [3, 2]]))
    assert (scores.switches, scores.fragments, scores.misses) == (1, 1, 2)


def test_boxes_match_from_the_threshold_on() -> None:
    # 40 px wide boxes shifted by 10: IoU 30 / 50 = 0.6
    truth, shifted = walkers([[1]] * 4), walkers([[1]] * 4, shift=10.0)
    assert score_mot(truth, shifted, threshold=0.6).misses == 0
    assert score_mot(truth, shifted, threshold=0.61).misses == 4
    # overlaps from 0.05 to 0.60: 12 of 19
    assert score_mot(truth, shifted).hota == pytest.approx(12 / 19)


def test_nobody_found_and_nobody_there_are_scored() -> None:
    nobody, truth = walkers([[0]]), walkers([[1]] * 3)
    missed, false = score_mot(truth, nobody), score_mot(nobody, truth)
    assert (missed.misses, missed.hota, missed.idf1, missed.mota) == (3, 0, 0, 0)
    assert (false.false, false.hota, false.idf1, false.mota) == (3, 0, 0, 0)
    assert score_mot(nobody, nobody).truths == 0


def test_people_who_return_may_count_as_the_same(tmp_path: Path) -> None:
    people = tmp_path / "people.txt"
    people.write_text("1 7\n\n2\n")
    assert read_people(people) == {1: 1, 7: 1, 2: 2}
    truth = walkers([[1, 2]] * 2 + [[0, 2]] * 2 + [[7, 2]] * 2)
    found = walkers([[1, 2]] * 2 + [[0, 2]] * 2 + [[1, 2]] * 2)
    assert score_mot(truth, found).hota < 1
    assert score_mot(truth.with_people(read_people(people)), found).hota == 1


@pytest.mark.parametrize("text", ["1 x\n", "1 2\n3 1\n", "0\n"])
def test_files_of_people_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "people.txt").write_text(text)
    with pytest.raises(ValueError, match=r"people\.txt, line"):
        read_people(tmp_path / "people.txt")


def test_rows_of_a_truth_that_are_not_to_be_scored_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "gt.txt"
    path.write_text("1,1,11,21,5,9,1,1,0.8\n1,2,11,21,5,9,0,1,0.8\n1,3,11,21,5,9,1,7,0.8\n")
    truth = read_mot_boxes(path, truth=True)
    assert truth.ids.tolist() == [1]
    assert truth.boxes_xywh.tolist() == [[10, 20, 5, 9]]
    assert len(read_mot_boxes(path)) == 3


def test_an_identity_twice_in_a_frame_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "found.txt"
    path.write_text("1,4,1,1,5,9,1\n1,4,50,1,5,9,1\n")
    with pytest.raises(ValueError, match=r"found\.txt: frame 0 has identity 4 twice"):
        read_mot_boxes(path)


def test_the_command_prints_and_writes_the_figures(tmp_path: Path) -> None:
    arguments = ["evaluate", "mot", "--truth", str(CASES / "gt.txt")]
    wrong = CliRunner().invoke(rmpe_command, arguments)
    assert wrong.exit_code == 2
    assert "--predictions" in wrong.output
    out = tmp_path / "scores.json"
    arguments += ["--predictions", str(CASES / "found.txt"), "--json", str(out)]
    done = CliRunner().invoke(rmpe_command, arguments)
    assert done.exit_code == 0, done.output
    assert done.output.split()[:4] == ["HOTA", "DETA", "ASSA", "IDF1"]
    assert json.loads(out.read_text())["hota"] == pytest.approx(44.06263584330666)


def test_stored_poses_without_identities_are_refused(tmp_path: Path) -> None:
    person = {"image_id": 0, "category_id": 1, "score": 0.5, "keypoints": [9.0] * 51}
    path = tmp_path / "found.json"
    path.write_text(json.dumps([person | {"bbox": [1, 2, 3, 4]}]))
    with pytest.raises(ValueError, match=r"found\.json: nobody has an identity"):
        read_mot_boxes(path)
    path.write_text(json.dumps([person | {"bbox": [1, 2, 3, 4], "track_id": 5}]))
    assert read_mot_boxes(path).ids.tolist() == [5]
