"""MPII and PoseTrack scores equal those of the public evaluations on every fixture."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpe.evaluation.pck.mpii import evaluate_mpii, mpii_truth
from rmpe.evaluation.posetrack.scores import PoseTrackScores, evaluate_posetrack
from rmpe.formats.posetrack.document import parse_posetrack, posetrack17_from_18

MPII_VARIANTS = ("perfect", "jitter", "swapped", "on_the_line")
POSETRACK_VARIANTS = [("posetrack_a", "id_switched")] + [
    (name, variant)
    for name in ("posetrack_a", "posetrack_sample")
    for variant in ("perfect", "jittered", "missing_and_false")
]


@pytest.fixture(scope="session")
def eval_dir(shared_dir: Path) -> Path:
    return shared_dir / "reference" / "algorithms" / "eval"


@pytest.mark.parametrize("name", ["mpii_a", "mpii_sample"])
@pytest.mark.parametrize("variant", MPII_VARIANTS)
def test_mpii_pckh_equals_the_public_evaluation(eval_dir: Path, name: str, variant: str) -> None:
    data = np.load(eval_dir / f"{name}.npz")
    expected = json.loads((eval_dir / f"{name}.expected.json").read_text())
    assert set(expected) == set(MPII_VARIANTS)
    truth = mpii_truth(data["pos_gt_src"], data["jnt_missing"], data["headboxes_src"])
    scores = evaluate_mpii(truth, data[f"preds_{variant}"])
    assert list(scores) == list(expected[variant])
    for figure, value in expected[variant].items():
        assert scores[figure] == pytest.approx(value, abs=1e-9), figure


def posetrack_scores(fixture: Any, variant: str, form: Any) -> PoseTrackScores:
    def frames(documents: Any) -> Any:
        return {name: parse_posetrack(form(item), name) for name, item in documents.items()}

    return evaluate_posetrack(
        frames(fixture["gt"]), frames(fixture["predictions"][variant]), fixture["tracking"]
    )


@pytest.mark.parametrize(("name", "variant"), POSETRACK_VARIANTS)
def test_posetrack_scores_equal_poseval(eval_dir: Path, name: str, variant: str) -> None:
    fixture = json.loads(gzip.decompress((eval_dir / f"{name}.json.gz").read_bytes()))
    assert {v for n, v in POSETRACK_VARIANTS if n == name} == set(fixture["expected"])
    expected = fixture["expected"][variant]
    scores = posetrack_scores(fixture, variant, lambda document: document)
    got = {"ap": scores.ap, "precision": scores.precision, "recall": scores.recall}
    if fixture["tracking"]:
        got["mot_mota"] = scores.tracking["mota"]
        got["mot_motp"] = scores.tracking["motp"]
        got["mot_pre"] = scores.tracking["precision"]
        got["mot_rec"] = scores.tracking["recall"]
    for figure, values in got.items():
        assert values == pytest.approx(expected[figure], abs=1e-6), figure


def test_posetrack_2017_form_scores_alike(eval_dir: Path) -> None:
    fixture = json.loads(gzip.decompress((eval_dir / "posetrack_a.json.gz").read_bytes()))
    new = posetrack_scores(fixture, "missing_and_false", lambda document: document)
    old = posetrack_scores(fixture, "missing_and_false", posetrack17_from_18)
    assert json.dumps(new.to_json()) == json.dumps(old.to_json())
