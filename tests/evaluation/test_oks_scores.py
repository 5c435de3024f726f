"""OKS scores on hand-worked cases: what is undefined, what is refused, sizes, joints, people."""

from __future__ import annotations

import math
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpe.evaluation.oks.coco import evaluate_coco
from rmpe.evaluation.oks.crowdpose import evaluate_crowdpose
from rmpe.skeletons import CROWDPOSE_14, Skeleton, convert_joints

TWO = Skeleton("two", ("nose", "tail"), ((0, 1),), (0.05, 0.05))


def document(people: Any, images: Any = None) -> dict[str, Any]:
    """People as (image_id, [(x, y, flag), …], box), area the box's."""
    images = images or sorted({person[0] for person in people})
    return {
        "images": [{"id": i, "file_name": f"{i}.jpg"} for i in images],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "keypoints": [float(v) for joint in joints for v in joint],
                "bbox": list(box),
            }
            for number, (image, joints, box) in enumerate(people, start=1)
        ],
    }


def result(
    image: int,
    points: list[tuple[float, float]] | list[tuple[float, int]] | list[tuple[int, int]],
    score: float,
) -> dict[str, Any]:
    return {"image_id": image, "score": score, "keypoints": [v for p in points for v in (*p, 1.0)]}


BOX = (0, 0, 100, 100)
PERSON = (1, [(10, 10, 2), (50, 50, 2)], BOX)


def offset_for(oks: float) -> float:
    """Distance in pixels of both joints that gives this OKS: exp(−d² / (2 · 100² · (2σ)²))."""
    return math.sqrt(-2 * 100**2 * 0.1**2 * math.log(oks))


def test_one_person_at_a_known_oks_passes_the_thresholds_below_it() -> None:
    d = offset_for(0.72)
    scores = evaluate_coco(document([PERSON]), [result(1, [(10 + d, 10), (50 + d, 50)], 0.5)], TWO)
    assert scores.stats["AP"] == pytest.approx(0.5)
    assert scores.ap_per_threshold == pytest.approx([1] * 5 + [0] * 5)
    assert scores.people[0].oks == pytest.approx(0.72)
    assert scores.mean_oks == pytest.approx(0.72)
    assert [joint.similarity for joint in scores.by_joint] == pytest.approx([0.72, 0.72])
    assert scores.by_joint[0].good == 0 and scores.by_joint[0].missed == 0
    assert scores.by_size["large"] == pytest.approx({"AP": 0.5, "AR": 0.5, "people": 1})
    assert scores.by_size["medium"] == {"AP": -1, "AR": -1, "people": 0}


def test_only_annotated_joints_count() -> None:
    truth = document([(1, [(10, 10, 2), (0, 0, 0)], BOX)])
    scores = evaluate_coco(truth, [result(1, [(10, 10), (900, 900)], 0.5)], TWO)
    assert scores.stats["AP"] == pytest.approx(1.0)
    assert [joint.count for joint in scores.by_joint] == [1, 0]
    assert math.isnan(scores.by_joint[1].similarity)


def test_each_prediction_takes_one_person_and_the_rest_are_false() -> None:
    truth = document([PERSON, (1, [(300, 300, 2), (350, 350, 2)], (290, 290, 100, 100))])
    found = [result(1, [(10, 10), (50, 50)], 0.9), result(1, [(11, 10), (50, 50)], 0.8)]
    scores = evaluate_coco(truth, found, TWO)
    assert [person.oks for person in scores.people] == pytest.approx([1.0, 0.0])
    assert [person.prediction for person in scores.people] == [0, None]
    assert scores.stats["AR"] == pytest.approx(0.5)
    # Recall 0.5 at precision 1: 51 of the 101 recall points.
    assert scores.stats["AP"] == pytest.approx(51 / 101)


def test_crowds_and_people_without_joints_are_neither_truth_nor_false() -> None:
    crowd = {"id": 9, "image_id": 1, "keypoints": [0] * 6, "bbox": [300, 300, 50, 50]}
    truth = document([PERSON])
    truth["annotations"].append({**crowd, "iscrowd": 1})
    found = [result(1, [(10, 10), (50, 50)], 0.5), result(1, [(310, 310), (320, 320)], 0.9)]
    scores = evaluate_coco(truth, found, TWO)
    assert scores.stats["AP"] == pytest.approx(1.0)
    assert len(scores.people) == 1


def test_nobody_predicted_and_nobody_annotated_are_normal() -> None:
    scores = evaluate_coco(document([PERSON]), [], TWO)
    assert scores.stats["AP"] == 0 and scores.stats["AP_M"] == -1
    empty = evaluate_coco(document([], images=[1]), [], TWO)
    assert empty.stats["AP"] == -1 and empty.people == () and math.isnan(empty.mean_oks)
    false_only = evaluate_coco(document([], images=[1]), [result(1, [(1, 1), (2, 2)], 0.5)], TWO)
    assert false_only.stats["AP"] == -1


def test_scores_do_not_change_what_they_are_given() -> None:
    truth, found = document([PERSON]), [result(1, [(10, 10), (50, 50)], 0.5)]
    before = repr((truth, found))
    evaluate_coco(truth, found, TWO)
    assert repr((truth, found)) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 7}, "picture 7, which is not annotated"),
        ({"keypoints": [1, 2, 3]}, "3 keypoint numbers, needed are 6"),
    ],
)
def test_results_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_coco(document([PERSON]), [{**result(1, [(1, 1), (2, 2)], 1.0), **change}], TWO)


def test_malformed_documents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs images and annotations"):
        evaluate_coco({"images": []}, [])
    truth = document([PERSON])
    del truth["annotations"][0]["keypoints"]
    with pytest.raises(
        ValueError, match=r"none of its annotations can be counted; annotation \d+ has no keypoints"
    ):
        evaluate_coco(truth, [], TWO)
    with pytest.raises(ValueError, match="result 0 has no score"):
        evaluate_coco(document([PERSON]), [{"image_id": 1, "keypoints": [0] * 6}], TWO)
    with pytest.raises(ValueError, match="no crowdIndex"):
        evaluate_crowdpose(document([], [1]), [])
    with pytest.raises(OSError, match=r"none\.json"):
        evaluate_coco(tmp_path / "none.json", [])


BROKEN = [
    ({"keypoints": [1.0, 2.0, 2.0]}, "has 3 keypoint numbers, needed are 6"),
    ({"keypoints": None}, "has no list of numbers as its keypoints"),
    ({"bbox": "1 2 3 4"}, "has no list of numbers as its bbox"),
    ({"bbox": [1, 2, 3]}, "has the box [1, 2, 3], needed are x, y, width, height"),
    ({"area": "large"}, "has the area 'large'"),
    ({"image_id": 9}, "names picture 9, which the file does not list"),
]


@pytest.mark.parametrize(("changes", "reason"), BROKEN)
def test_broken_annotations_are_left_out_and_named(changes: dict[str, Any], reason: str) -> None:
    truth = document([PERSON, PERSON])
    truth["annotations"][1].update(changes)
    scores = evaluate_coco(truth, [result(1, [(10, 10), (50, 50)], 0.5)], TWO)
    assert scores.stats["AP"] == pytest.approx(1)
    assert len(scores.people) == 1
    assert scores.skipped == (f"annotation 2 {reason}",)


def test_what_a_crowd_and_other_categories_lack_is_no_fault() -> None:
    truth = document([PERSON])
    crowd = {"id": 5, "image_id": 1, "bbox": [200, 200, 50, 50], "iscrowd": 1, "area": None}
    truth["annotations"] += [
        crowd,
        {"id": 6, "image_id": 1, "category_id": 2, "bbox": [1, 1, 1, 1]},
    ]
    truth["categories"] = [{"id": 1, "keypoints": ["nose", "tail"]}, {"id": 2, "name": "dog"}]
    right = result(1, [(10, 10), (50, 50)], 0.5)
    inside_crowd = result(1, [(210, 210), (240, 240)], 0.9)
    scores = evaluate_coco(truth, [inside_crowd, right], TWO)
    assert scores.skipped == ()
    assert scores.stats["AP"] == pytest.approx(1)
    outside = result(1, [(410, 410), (440, 440)], 0.9)
    assert evaluate_coco(truth, [outside, right], TWO).stats["AP"] == pytest.approx(0.5)


@pytest.mark.parametrize("change", [float, str])
def test_ids_may_be_numbers_with_a_point_or_words(change: Any) -> None:
    truth, found = document([PERSON]), result(1, [(10, 10), (50, 50)], 1)
    truth["images"][0]["id"] = truth["annotations"][0]["image_id"] = change(1)
    scores = evaluate_coco(truth, [{**found, "image_id": change(1)}], TWO)
    assert scores.stats["AP"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"score": "high"}, "has the score 'high', needed is a number"),
        ({"score": None}, "has the score None, needed is a number"),
        ({"score": float("nan")}, "has the score nan, needed is a number"),
        ({"keypoints": [1.0]}, "has 1 keypoint numbers, needed are 6"),
        ({"keypoints": [None] * 6}, "has no list of numbers as its keypoints"),
        ({"image_id": 4}, "is for picture 4, which is not annotated"),
    ],
)
def test_results_that_cannot_be_counted_are_refused_by_number(
    changes: dict[str, Any], reason: str
) -> None:
    right = result(1, [(10, 10), (50, 50)], 0.5)
    with pytest.raises(ValueError, match=re.escape(f"the predictions: result 1 {reason}")):
        evaluate_coco(document([PERSON]), [right, {**right, **changes}], TWO)


def test_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "rmpe.evaluation.oks._engine", raising=False)
    for name in [name for name in sys.modules if name.startswith("pycocotools")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(ValueError, match=r"pip install 'rmpe\[eval\]'"):
        evaluate_coco(document([PERSON]), [], TWO)


def test_crowdpose_area_is_a_share_of_the_box_whatever_the_file_says() -> None:
    joints = [(20.0 + 3 * k, 30.0 + 5 * k, 2) for k in range(14)]
    truth = document([(1, joints, (0, 0, 100, 200))])
    truth["images"][0]["crowdIndex"] = 0.1
    truth["annotations"][0]["area"] = 1.0
    shifted = [(x + 10, y) for x, y, _ in joints]
    scores = evaluate_crowdpose(truth, [result(1, shifted, 0.9)])
    variances = (2 * np.array(CROWDPOSE_14.sigmas)) ** 2
    expected = np.exp(-(10**2) / (2 * variances * 0.53 * 100 * 200)).mean()
    assert scores.people[0].oks == pytest.approx(expected)
    assert scores.stats["AP_medium"] == scores.stats["AP_hard"] == -1


def synthetic_predictions(images: int, per_image: int, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    people, found = [], []
    for image in range(images):
        for _ in range(2):
            x, y, width, height = *random.uniform(0, 400, 2), *random.uniform(40, 200, 2)
            points = random.uniform((x, y), (x + width, y + height), (17, 2))
            joints = [(*point, 2) for point in points]
            people.append((image, joints, (x, y, width, height)))
            for _ in range(per_image // 2):
                noisy = points + random.normal(0, random.uniform(1, 30), (17, 2))
                found.append(result(image, noisy.tolist(), float(random.random())))
    return document(people, list(range(images))), found


@pytest.mark.slow
def test_fifty_thousand_predictions_take_less_than_a_minute() -> None:
    truth, found = synthetic_predictions(5000, 10)
    assert len(found) == 50_000
    start = time.process_time()
    scores = evaluate_coco(truth, found)
    assert time.process_time() - start < 60
    assert 0 < scores.stats["AP"] < 1


def test_own_oks_arithmetic_equals_pycocotools(monkeypatch: pytest.MonkeyPatch) -> None:
    from pycocotools.cocoeval import COCOeval

    from rmpe.evaluation.oks import _engine as engine

    truth, found = synthetic_predictions(30, 12)
    truth["annotations"][3]["keypoints"] = [0] * 51
    ours = evaluate_coco(truth, found)
    monkeypatch.setattr(engine.OksEvaluation, "computeOks", COCOeval.computeOks)
    theirs = evaluate_coco(truth, found)
    assert ours.stats == pytest.approx(theirs.stats, abs=1e-12)
    assert [p.oks for p in ours.people] == pytest.approx([p.oks for p in theirs.people])


def test_conversion_to_crowdpose_keeps_every_joint_of_the_body() -> None:
    points = np.arange(34, dtype=np.float32).reshape(1, 17, 2)
    from rmpe.skeletons import COCO_17

    _, scores = convert_joints(points, np.ones((1, 17)), COCO_17, CROWDPOSE_14)
    assert (scores > 0).all()
