"""Scores of own annotations are those of the same people under official ids and names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cli
from rmpe.datasets.coco_document import AnnotationChoices
from rmpe.detectors.precomputed import read_boxes
from rmpe.estimator import EstimatorOptions
from rmpe.evaluation import Evaluation, evaluate_images, evaluate_predictions, write_json
from rmpe.formats import ClipHeader, NativeWriter, read_records
from rmpe.skeletons import COCO_17, get_skeleton
from tests.helpers.box_estimator import BoxEstimator
from tests.helpers.foreign import one_person

Change = dict[str, Any]


@pytest.fixture
def found(coco: Path) -> Path:
    """COCO results of the three people of which one is wrong: AP is that of the plain file."""
    results = list(evaluate_images("coco", coco / "truth.json", coco, BoxEstimator()).predictions)
    results[1] = {**results[1], "keypoints": [value + 300 for value in results[1]["keypoints"]]}
    (coco / "found.json").write_text(json.dumps(results))
    return coco / "found.json"


def changed(coco: Path, **parts: Any) -> Path:
    """Write the annotation with other categories or other keys of its entries."""
    content = json.loads((coco / "truth.json").read_text())
    for number, annotation in enumerate(content["annotations"]):
        for key, values in parts.get("annotations", {}).items():
            annotation[key] = values[number]
    for number, image in enumerate(content["images"]):
        for key, values in parts.get("images", {}).items():
            image[key] = values[number]
    content["categories"] = parts.get("categories", content["categories"])
    (coco / "own.json").write_text(json.dumps(content))
    return coco / "own.json"


def ap(evaluation: Evaluation) -> float:
    assert evaluation.oks is not None
    return evaluation.oks.stats["AP"]


CATEGORY = {"name": "person", "keypoints": list(COCO_17.joints)}


@pytest.mark.parametrize("identity", [0, 7, "human"])
def test_any_category_id_gives_the_same_score(coco: Path, found: Path, identity: Any) -> None:
    parts = {"categories": [{"id": identity, **CATEGORY}]}
    own = changed(coco, annotations={"category_id": [identity] * 3}, **parts)
    plain = ap(evaluate_predictions("coco", coco / "truth.json", found))
    assert 0 < plain < 1
    assert ap(evaluate_predictions("coco", own, found)) == plain
    assert ap(evaluate_images("coco", own, coco, BoxEstimator())) == pytest.approx(1)


@pytest.mark.parametrize("ids", [(0, 1, 2), (1, 1, 1), (5, 0, 5), ("a", "b", "a"), (None,) * 3])
def test_any_annotation_ids_give_the_same_score(coco: Path, found: Path, ids: Any) -> None:
    own = changed(coco, annotations={"id": ids})
    result = evaluate_predictions("coco", own, found)
    assert ap(result) == ap(evaluate_predictions("coco", coco / "truth.json", found))
    assert result.oks is not None
    assert sum(joint.count for joint in result.oks.by_joint) == 17 * 3
    assert ap(evaluate_images("coco", own, coco, BoxEstimator())) == pytest.approx(1)


def test_pictures_named_by_words_are_scored_with_results_and_with_pictures(
    coco: Path, found: Path
) -> None:
    words = ["one", "two", "3"]
    own = changed(coco, images={"id": words}, annotations={"image_id": [*words[:1], *words[:2]]})
    content = json.loads(own.read_text())
    plain = json.loads((coco / "truth.json").read_text())["annotations"]
    for annotation, before in zip(content["annotations"], plain, strict=True):
        annotation["image_id"] = words[before["image_id"] - 1]
    own.write_text(json.dumps(content))
    assert ap(evaluate_images("coco", own, coco, BoxEstimator())) == pytest.approx(1)
    results = json.loads(found.read_text())
    for item in results:
        item["image_id"] = words[item["image_id"] - 1]
    (coco / "words.json").write_text(json.dumps(results))
    scored = evaluate_predictions("coco", own, coco / "words.json")
    assert ap(scored) == ap(evaluate_predictions("coco", coco / "truth.json", found))


def test_a_dog_before_the_person_changes_nothing(coco: Path, found: Path) -> None:
    dog = {"id": 2, "name": "dog", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}
    own = changed(coco, categories=[dog, {"id": 1, **CATEGORY}])
    result = evaluate_predictions("coco", own, found)
    assert ap(result) == ap(evaluate_predictions("coco", coco / "truth.json", found))
    assert result.notes == ("of the categories dog (2), person (1), person is taken",)
    assert result.skipped == ()


def test_people_without_boxes_are_counted_by_the_extent_of_their_joints(coco: Path) -> None:
    content = json.loads((coco / "truth.json").read_text())
    for annotation in content["annotations"]:
        annotation["area"] = annotation["bbox"][2] * annotation["bbox"][3]
        del annotation["bbox"]
    (coco / "own.json").write_text(json.dumps(content))
    plain = evaluate_images("coco", coco / "truth.json", coco, BoxEstimator()).predictions
    (coco / "found.json").write_text(json.dumps(list(plain)))
    result = evaluate_predictions("coco", coco / "own.json", coco / "found.json")
    assert ap(result) == pytest.approx(1)
    assert result.notes == ("3 people have no box: the extent of their joints is taken",)
    # Pictures too: the estimator puts joints into the boxes it is given.
    assert evaluate_images("coco", coco / "own.json", coco, BoxEstimator()).oks is not None


@pytest.mark.parametrize("spelling", [("l_", "r_"), ("L ", "R ")])
def test_joints_in_other_spellings_are_matched(
    coco: Path, found: Path, spelling: tuple[str, str]
) -> None:
    names = [
        joint.replace("left_", spelling[0]).replace("right_", spelling[1])
        for joint in COCO_17.joints
    ]
    own = changed(coco, categories=[{**CATEGORY, "id": 1, "keypoints": names}])
    assert ap(evaluate_images("coco", own, coco, BoxEstimator())) == pytest.approx(1)
    plain = ap(evaluate_predictions("coco", coco / "truth.json", found))
    assert ap(evaluate_predictions("coco", own, found)) == plain


def test_joints_that_no_name_matches_are_refused_until_they_are_named(coco: Path) -> None:
    names = [str(n) for n in range(17)]
    own = changed(coco, categories=[{**CATEGORY, "id": 1, "keypoints": names}])
    with pytest.raises(ValueError, match=r"the network gives 0 of the 17 annotated joints"):
        evaluate_images("coco", own, coco, BoxEstimator())
    by_skeleton = AnnotationChoices(skeleton=COCO_17)
    result = evaluate_images("coco", own, coco, BoxEstimator(), choices=by_skeleton)
    assert ap(result) == pytest.approx(1)
    by_hand = AnnotationChoices(joints=dict(zip(names, COCO_17.joints)))
    result = evaluate_images("coco", own, coco, BoxEstimator(), choices=by_hand)
    assert ap(result) == pytest.approx(1)
    unknown = AnnotationChoices(joints={"x": "nose"})
    with pytest.raises(ValueError, match="has no joint 'x'; it has 0, 1"):
        evaluate_images("coco", own, coco, BoxEstimator(), choices=unknown)


def test_stored_poses_of_other_joints_are_refused_too(coco: Path) -> None:
    names = ("1.png", "2.png", "3.png")
    hand = get_skeleton("hand21")
    writer = NativeWriter(coco / "hands.ndjson", ClipHeader(hand, image_names=names))
    writer.write(0, 0.0, one_person(5, hand))
    writer.close()
    with pytest.raises(ValueError, match=r"hands\.ndjson gives 0 of the 17 annotated joints"):
        evaluate_predictions("coco", coco / "truth.json", coco / "hands.ndjson")


def test_joints_that_are_missing_and_sigmas_that_are_taken_are_said(coco: Path) -> None:
    names = [*COCO_17.joints[:16], "tail"]
    own = changed(coco, categories=[{**CATEGORY, "id": 1, "keypoints": names}])
    result = evaluate_images("coco", own, coco, BoxEstimator())
    assert result.notes == (
        "the network does not give tail: these joints count as missed",
        "no sigma is known for tail of person: 0.079, the shoulder's, is taken",
    )
    write_json(result, coco / "out.json")
    figures = json.loads((coco / "out.json").read_text())
    assert figures["notes"] == list(result.notes)
    assert figures["sigmas"]["tail"] == 0.079
    assert figures["sigmas"]["left_ankle"] == COCO_17.sigmas[15]


def test_results_of_another_category_than_the_people_are_refused_or_left_out(
    coco: Path, found: Path
) -> None:
    results = json.loads(found.read_text())
    plain = ap(evaluate_predictions("coco", coco / "truth.json", found))
    dog = {**results[0], "category_id": 2, "score": 0.99}
    (coco / "dogs.json").write_text(json.dumps([dog, *results]))
    scored = evaluate_predictions("coco", coco / "truth.json", coco / "dogs.json")
    assert ap(scored) == plain
    assert "1 results of other categories than the people's are left out" in scored.notes
    (coco / "dogs.json").write_text(json.dumps([{**item, "category_id": 2} for item in results]))
    with pytest.raises(ValueError, match="results are of category 2, the annotation's people are"):
        evaluate_predictions("coco", coco / "truth.json", coco / "dogs.json")


class _Engine(BoxEstimator):
    """A box estimator that says what it is, as a real one does."""

    def __init__(self, engine: str, options: EstimatorOptions) -> None:
        super().__init__()
        self.engine, self.options = engine, options


def test_a_run_goes_on_only_with_the_same_network_options_and_annotations(coco: Path) -> None:
    progress, truth = coco / "progress.ndjson", coco / "truth.json"
    plain = EstimatorOptions()

    def run(estimator: BoxEstimator, annotations: Path = truth, **more: Any) -> int:
        evaluate_images("coco", annotations, coco, estimator, progress_file=progress, **more)
        return estimator.calls

    assert run(_Engine("w32 abc", plain)) == 3
    assert run(_Engine("w32 abc", plain)) == 0
    for other in (_Engine("w32 def", plain), _Engine("w32 abc", EstimatorOptions(flip_test=True))):
        with pytest.raises(ValueError, match=r"results of another run: (network|options) differ"):
            run(other)
    with pytest.raises(ValueError, match="options differ"):
        run(_Engine("w32 abc", plain), annotated_boxes=False)
    moved = json.loads(truth.read_text())
    moved["annotations"][0]["keypoints"][0] += 1
    (coco / "moved.json").write_text(json.dumps(moved))
    with pytest.raises(ValueError, match="annotations differ"):
        run(_Engine("w32 abc", plain), coco / "moved.json")
    progress.write_text('{"image_id": 1, "people": []}\n')
    with pytest.raises(ValueError, match="line 1: no results of an evaluation"):
        run(_Engine("w32 abc", plain))


def test_boxes_are_found_by_picture_id_or_file_name(coco: Path) -> None:
    for key in ({"image_id": 2}, {"image_id": "2.png"}, {"file_name": "x/2.jpg"}):
        item = {**key, "category_id": 1, "bbox": [30, 30, 80, 160], "score": 0.5}
        (coco / "boxes.json").write_text(json.dumps([item]))
        boxes = read_boxes(coco / "boxes.json")
        result = evaluate_images("coco", coco / "truth.json", coco, BoxEstimator(), boxes=boxes)
        assert [found["image_id"] for found in result.predictions] == [2]
    (coco / "boxes.json").write_text(json.dumps([{**item, "file_name": "other.png"}]))
    boxes = read_boxes(coco / "boxes.json")
    with pytest.raises(ValueError, match="boxes of none of the pictures"):
        evaluate_images("coco", coco / "truth.json", coco, BoxEstimator(), boxes=boxes)


def test_the_command_says_what_is_guessed_and_takes_joints_by_hand(coco: Path, found: Path) -> None:
    names = ["tip", *COCO_17.joints[1:]]
    own = changed(coco, categories=[{**CATEGORY, "id": 1, "keypoints": names}])
    command = ["evaluate", "coco", "--annotations", str(own), "--predictions", str(found)]
    run = CliRunner().invoke(cli.rmpe_command, command)
    assert run.exit_code == 0
    assert "note: no sigma is known for tip" in run.output
    run = CliRunner().invoke(cli.rmpe_command, [*command, "--joints", "tip=nose"])
    assert run.exit_code == 0
    assert "note:" not in run.output
    assert CliRunner().invoke(cli.rmpe_command, [*command, "--joints", "tip"]).exit_code == 2
    assert CliRunner().invoke(cli.rmpe_command, [*command, "--skeleton", "x"]).exit_code == 2
    wrong = ["evaluate", "mpii", *command[2:], "--category", "person"]
    assert CliRunner().invoke(cli.rmpe_command, wrong).exit_code == 2


def in_threes(values: list[float]) -> list[list[float]]:
    return [values[place : place + 3] for place in range(0, len(values), 3)]


def as_shares(values: list[float]) -> list[float]:
    return [value if place % 3 == 2 else value / 4096 for place, value in enumerate(values)]


def test_keypoints_in_threes_are_those_in_a_row(coco: Path, found: Path) -> None:
    truth = json.loads((coco / "truth.json").read_text())["annotations"]
    own = changed(coco, annotations={"keypoints": [in_threes(p["keypoints"]) for p in truth]})
    plain = ap(evaluate_predictions("coco", coco / "truth.json", found))
    assert ap(evaluate_predictions("coco", own, found)) == plain


def test_shares_of_a_picture_are_not_taken_for_pixels(coco: Path, found: Path) -> None:
    truth = json.loads((coco / "truth.json").read_text())["annotations"]
    own = changed(coco, annotations={"keypoints": [as_shares(p["keypoints"]) for p in truth]})
    with pytest.raises(ValueError, match=r"own\.json: all joints lie between -1 and 1"):
        evaluate_predictions("coco", own, found)
    results = json.loads(found.read_text())
    for result in results:
        result["keypoints"] = as_shares(result["keypoints"])
    (coco / "shares.json").write_text(json.dumps(results))
    with pytest.raises(ValueError, match="all joints lie between -1 and 1"):
        evaluate_predictions("coco", coco / "truth.json", coco / "shares.json")
    with pytest.raises(ValueError, match=r"shares\.json: all joints lie between -1 and 1"):
        read_records(coco / "shares.json")


@pytest.mark.parametrize("dataset", ["mpii", "lsp"])
def test_results_of_coco_are_no_list_of_joints_of_another_set(
    coco: Path, found: Path, dataset: str
) -> None:
    given = ["evaluate", dataset, "--annotations", found, "--predictions", found]
    result = CliRunner().invoke(cli.rmpe_command, [*map(str, given)])
    assert isinstance(result.exception, ValueError)
    assert "found.json" in str(result.exception)
