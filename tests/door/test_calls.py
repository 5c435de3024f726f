"""Calling an estimator as people write it, and what its results can do."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import rmpe
from rmpe.drawing import DrawingStyle, draw_poses
from rmpe.estimator import EstimatorOptions, PoseEstimator
from rmpe.geometry.crop import HRNET
from rmpe.records import Boxes
from rmpe.results import PictureResult, save_results
from rmpe.zoo.conventions import Conventions

CONVENTIONS = Conventions("coco17", 256, 192, "rgb", (0, 0, 0), (1, 1, 1), HRNET, "hrnet")
PICTURE = np.full((400, 600, 3), 90, np.uint8)
BOX = [102.0, 100.0, 150.0, 164.0]


def _same_answer(images_bgr: np.ndarray) -> tuple[torch.Tensor, ...]:
    """A network that puts joint k at cell (10 + k, 20 + k)."""
    maps = torch.zeros(len(images_bgr), 17, 64, 48)
    for joint in range(17):
        maps[:, joint, 20 + joint, 10 + joint] = 0.8
    return (maps,)


same_answer: Any = _same_answer
same_answer.usual_batch = 4


def one_box(images: Sequence[np.ndarray]) -> list[Boxes]:
    """A detector that finds the same box in every picture."""
    return [Boxes([BOX], [1.0]) for _ in images]


@pytest.fixture
def estimator() -> PoseEstimator:
    return PoseEstimator(one_box, same_answer, CONVENTIONS, EstimatorOptions())


def test_one_picture_gives_one_result_that_is_still_poses(estimator: PoseEstimator) -> None:
    result = estimator(PICTURE)
    assert isinstance(result, rmpe.Poses) and isinstance(result, PictureResult)
    assert len(result) == 1 and result.skeleton.name == "coco17"
    assert result.select([0]).skeleton is result.skeleton
    assert result.with_ids([4]).image_bgr is result.image_bgr


def test_paths_lists_folders_and_streams(estimator: PoseEstimator, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), PICTURE)
    expected = estimator(PICTURE).keypoints_xy
    single = estimator(tmp_path / "a.png")
    assert single.path == tmp_path / "a.png" and single.picture is None
    np.testing.assert_array_equal(single.image_bgr, PICTURE)
    for several in (
        estimator([PICTURE, str(tmp_path / "b.png")]),
        estimator(tmp_path),
        estimator(str(tmp_path)),
        estimator(picture for picture in (PICTURE, PICTURE)),
    ):
        assert [result.frame_index for result in several] == [0, 1]
        for result in several:
            np.testing.assert_array_equal(result.keypoints_xy, expected)
    assert estimator([]) == []


def test_own_boxes_are_plain_arrays_and_each_gets_its_pose(estimator: PoseEstimator) -> None:
    again = estimator(PICTURE, np.array([BOX]))
    np.testing.assert_array_equal(again.keypoints_xy, estimator(PICTURE).keypoints_xy)
    twice = estimator(PICTURE, [BOX, BOX])
    assert len(twice) == 2  # nothing is suppressed
    assert len(estimator(PICTURE, BOX)) == 1
    assert len(estimator(PICTURE, np.zeros((0, 4)))) == 0
    several = estimator([PICTURE, PICTURE], [[BOX], np.zeros((0, 4))])
    assert [len(result) for result in several] == [1, 0]
    assert len(estimator.estimate(PICTURE, np.array([BOX]))) == 1


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ([[1, 2, 3]], r"shape \(1, 3\)"),
        ([[100, 100, 48, 64]], "not x y w h"),
        ([[0, 0, np.nan, 5]], "not finite"),
    ],
)
def test_boxes_that_are_none_are_refused(
    estimator: PoseEstimator, boxes: list[list[float]], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        estimator(PICTURE, boxes)
    with pytest.raises(ValueError, match="boxes for 1 pictures, there are 2"):
        estimator([PICTURE, PICTURE], [[BOX]])


def test_a_result_draws_saves_and_shows_itself(estimator: PoseEstimator, tmp_path: Path) -> None:
    result = estimator(PICTURE)
    drawn = result.draw(DrawingStyle(boxes=False))
    np.testing.assert_array_equal(
        drawn, draw_poses(PICTURE, result, result.skeleton, DrawingStyle(boxes=False))
    )
    assert (drawn != PICTURE).any() and (PICTURE == 90).all()
    result.save(tmp_path / "new" / "drawn.png")
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "new" / "drawn.png")), result.draw())
    shown = cv2.imdecode(np.frombuffer(result._repr_png_() or b"", np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(shown, result.draw())
    with pytest.raises(ValueError, match=r"allowed are \.jpg"):
        result.save(tmp_path / "drawn.xyz")


def test_a_result_becomes_what_other_programs_take(
    estimator: PoseEstimator, tmp_path: Path
) -> None:
    pytest.importorskip("pandas")
    result = estimator(PICTURE)
    item = json.loads(json.dumps(result.to_dict()))
    assert item["skeleton"] == "coco17"
    np.testing.assert_allclose(
        np.array(item["people"][0]["keypoints"])[:, :2], result.keypoints_xy[0], rtol=1e-6
    )
    table = result.to_dataframe()
    assert table["nose_x"][0] == result.keypoints_xy[0, 0, 0] and len(table) == 1
    coco = result.to_coco(785)
    assert coco[0]["image_id"] == 785 and coco[0]["category_id"] == 1
    np.testing.assert_allclose(np.reshape(coco[0]["keypoints"], (17, 3))[:, 2], 0.8)
    np.testing.assert_allclose(coco[0]["bbox"], [102, 100, 48, 64])
    result.save(tmp_path / "poses.json")
    assert json.loads((tmp_path / "poses.json").read_text()) == item
    result.save(tmp_path / "poses.csv")
    assert (tmp_path / "poses.csv").read_text().startswith("frame,time_s,person")


def test_a_picture_of_nobody_becomes_what_other_programs_take_too(
    estimator: PoseEstimator, tmp_path: Path
) -> None:
    pytest.importorskip("pandas")
    nobody = estimator(PICTURE, np.zeros((0, 4)))
    assert len(nobody) == 0 and nobody.to_coco() == [] and nobody.to_dict()["people"] == []
    assert len(nobody.to_dataframe()) == 0
    np.testing.assert_array_equal(nobody.draw(), nobody.image_bgr)
    for name in ("p.png", "p.json", "p.csv"):
        assert nobody.save(tmp_path / name).is_file()


@pytest.mark.parametrize(
    ("given", "name"),
    [(b"JFIF", "bytes"), (bytearray(b"JFIF"), "bytearray"), (BytesIO(b"JFIF"), "BytesIO")]
    + [({}, "dict"), ({"a.jpg": 1}, "dict")],
)
def test_what_holds_a_picture_but_is_none_is_called_by_its_name(
    given: object, name: str, estimator: PoseEstimator
) -> None:
    with pytest.raises(TypeError, match=f"got {name} for a picture"):
        estimator(given)


def test_a_result_becomes_keypoints_of_supervision(estimator: PoseEstimator) -> None:
    pytest.importorskip("supervision")
    result = estimator(PICTURE)
    points = result.to_supervision()
    np.testing.assert_array_equal(points.xy, result.keypoints_xy)
    assert len(points) == 1


def test_several_results_are_saved_together(estimator: PoseEstimator, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "same.png"), PICTURE)
    results = estimator([tmp_path / "a" / "same.png", tmp_path / "b" / "same.png", PICTURE])
    written = save_results(results, tmp_path / "out")
    names = [path.name for path in written]
    assert names == ["same.png", "same_2.png", "000002.jpg", "poses.ndjson"]
    records = list(rmpe.read_records(tmp_path / "out" / "poses.ndjson"))
    assert len(records) == 3 and len(records[2].poses) == 1


def test_estimators_built_at_once_and_one_shared_by_threads_agree() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    boxes = [[40, 20, 120, 220]]
    answers: list[np.ndarray] = []
    failures: list[BaseException] = []

    def ask(shared: PoseEstimator | None = None) -> None:
        try:
            own = shared or PoseEstimator("compact")
            own(noise)
            answers.append(own(noise, boxes).keypoints_xy)
        except Exception as error:
            failures.append(error)

    for shared in (None, PoseEstimator("compact")):
        threads = [threading.Thread(target=ask, args=(shared,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
    assert len(answers) == 6
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer, answers[0])


def test_a_detector_alone_is_refused() -> None:
    with pytest.raises(TypeError, match="needs a network beside it"):
        PoseEstimator(one_box)
    with pytest.raises(ValueError, match="got preset 'nonsense'"):
        PoseEstimator("nonsense")


def test_a_clip_in_a_store_is_refused_with_the_way_to_go() -> None:
    with pytest.raises(ValueError, match=r"s3://bucket/a\.mp4 lies in a store: `rmpe"):
        rmpe.video("s3://user:secret@bucket/a.mp4?token=1")
