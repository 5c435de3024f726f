"""COCO and CrowdPose scores equal those of the public evaluations on every fixture."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from rmpe.evaluation.oks.coco import evaluate_coco
from rmpe.evaluation.oks.crowdpose import evaluate_crowdpose

CASES = [
    ("coco_sample", variant)
    for variant in (
        "perfect",
        "jittered",
        "missing_and_false",
        "sides_swapped",
        "duplicates_over_20",
    )
] + [("crowdpose_sample", "jittered")]
CASES += [("crowdpose_val_part", variant) for name, variant in CASES if name == "coco_sample"]


@pytest.mark.parametrize(("name", "variant"), CASES)
def test_scores_equal_the_public_evaluation(shared_dir: Path, name: str, variant: str) -> None:
    path = shared_dir / "reference" / "algorithms" / "eval" / f"{name}.json.gz"
    fixture = json.loads(gzip.decompress(path.read_bytes()))
    expected = fixture["expected"][variant]
    evaluate = evaluate_coco if fixture["kind"] == "coco" else evaluate_crowdpose
    scores = evaluate(fixture["gt"], fixture["predictions"][variant])
    assert scores.stats.keys() == expected["stats"].keys()
    for figure, value in expected["stats"].items():
        assert scores.stats[figure] == pytest.approx(value, abs=1e-9), figure
    np.testing.assert_allclose(scores.ap_per_threshold, expected["ap_per_threshold"], atol=1e-9)
    np.testing.assert_allclose(
        scores.recall_per_threshold, expected["recall_per_threshold"], atol=1e-9
    )
    official = [
        line.replace("Recall     (AR)", "Precision  (AP)") if "type=" in line else line
        for line in expected["printed"]
    ]
    assert list(scores.table) == official


def test_every_variant_of_the_fixtures_is_tested(shared_dir: Path) -> None:
    folder = shared_dir / "reference" / "algorithms" / "eval"
    for name in ("coco_sample", "crowdpose_sample", "crowdpose_val_part"):
        fixture = json.loads(gzip.decompress((folder / f"{name}.json.gz").read_bytes()))
        assert {v for n, v in CASES if n == name} == set(fixture["expected"])
