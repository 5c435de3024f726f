"""Pages of scores: one file, curves and histograms, the worst pictures first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from rmpe.datasets.keypoint_set import AnnotatedPerson, Picture
from rmpe.evaluation.page._charts import histogram_svg, precision_svg
from rmpe.evaluation.page._parts import PREDICTION_COLOUR, TRUTH_COLOUR, draw_failure
from rmpe.evaluation.page.report import worst_pictures, write_report
from rmpe.evaluation.runs import evaluate_images, evaluate_predictions
from rmpe.skeletons import MPII_16
from tests.helpers.box_estimator import BoxEstimator, places


def test_report_is_one_file_with_curves_and_the_worst_pictures(coco: Path) -> None:
    result = evaluate_images(
        "coco", coco / "truth.json", coco, BoxEstimator(), annotated_boxes=False
    )
    write_report(coco / "r.html", result, coco / "truth.json", coco)
    page = (coco / "r.html").read_text()
    assert page.count("<svg") == 2
    assert page.count("data:image/jpeg;base64,") == 2  # the third picture has nobody
    assert page.index("2.png") < page.index("1.png")  # nobody found there
    assert "http" not in page and "<script" not in page
    assert 'name="viewport"' in page and "prefers-color-scheme:dark" in page
    assert "1 person" in page
    write_report(coco / "r.html", result, coco / "truth.json")
    assert "data:image" not in (coco / "r.html").read_text()


def test_worst_pictures_have_the_lowest_mean_oks(coco: Path) -> None:
    result = evaluate_images(
        "coco", coco / "truth.json", coco, BoxEstimator(), annotated_boxes=False
    )
    ((first, low, count), (second, high, _)) = worst_pictures(result.oks.people, 5)
    assert (first, count, second) == (2, 1, 1)
    assert low < 0.1 and high == pytest.approx(0.5, abs=0.05)
    assert len(worst_pictures(result.oks.people, 1)) == 1


def test_charts_place_values_by_their_size() -> None:
    chart = histogram_svg([0.02, 0.03, 0.99, 1.0])
    assert "<title>0.00 to 0.05: 2</title>" in chart and "<title>0.95 to 1.00: 2</title>" in chart
    assert "<svg" in histogram_svg([])
    curve = precision_svg([0.5, 0.95], np.stack([np.ones(101), np.full(101, -1)]))
    assert curve.count("<polyline") == 1
    assert curve.count("<li><i ") == 1 and "0.50</li>" in curve  # a key for every line drawn


def test_a_failure_shows_truth_prediction_and_their_scores() -> None:
    limbs = ((0, 1),)
    person = AnnotatedPerson(
        Picture(1, Path("a.png")),
        1,
        np.float32([40, 40, 200, 160]),
        np.float32([[60, 60], [180, 60]]),
        np.uint8([2, 2]),
        1.0,
    )
    found = np.array([[60.0, 140.0, 1.0], [180.0, 140.0, 1.0]])
    plain = draw_failure(np.zeros((200, 240, 3), np.uint8), [person], [found], limbs)
    told = draw_failure(np.zeros((200, 240, 3), np.uint8), [person], [found], limbs, [0.25], [0.75])
    green, orange = np.array(TRUTH_COLOUR), np.array(PREDICTION_COLOUR)
    assert (plain[60, 120] == green).all() and (plain[140, 120] == orange).all()
    changed = (plain != told).any(-1)
    assert changed[30:58].any() and changed[145:165].any() and not changed[75:125].any()


def test_the_page_of_pckh_draws_the_worst_pictures_first(mpii: Path) -> None:
    found = np.tile(places(MPII_16) * 200, (3, 1, 1))
    found[2, 10:] += 40  # four thirds of a head
    np.save(mpii / "p.npy", found)
    result = evaluate_predictions(
        "mpii", mpii / "valid.json", mpii / "p.npy", head_boxes=mpii / "gt.npz"
    )
    assert result.errors.right.tolist() == pytest.approx([1, 1, 8 / 14])
    assert result.errors.shares(range(14), [0.5, 2]).tolist() == pytest.approx([36 / 42, 1])
    write_report(mpii / "r.html", result, mpii / "valid.json", mpii)
    page = (mpii / "r.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 2
    assert page.index("b.png: PCKh@0.5 57 %, 1 person") < page.index("a.png: PCKh@0.5 100 %")
    np.save(mpii / "p.npy", found[:2])
    with pytest.raises(ValueError, match=r"p\.npy has 2 people, .*valid\.json has more"):
        evaluate_predictions("mpii", mpii / "valid.json", mpii / "p.npy")


def test_posetrack_has_no_page(coco: Path) -> None:
    from cli import rmpe_command

    arguments = ["evaluate", "posetrack", "--report", "r.html", "--annotations", str(coco)]
    run = CliRunner().invoke(rmpe_command, [*arguments, "--predictions", str(coco)])
    assert run.exit_code == 2 and "draws coco, crowdpose, mpii and lsp scores" in run.output
