"""The estimator on a network and a detector whose answers are known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from rmpe.association import AssociationParameters
from rmpe.estimator import EstimatorOptions, PoseEstimator
from rmpe.geometry.crop import COMPACT, HRNET
from rmpe.records import Boxes
from rmpe.zoo.conventions import Conventions

CONVENTIONS = Conventions("coco17", 256, 192, "rgb", (0, 0, 0), (1, 1, 1), HRNET, "hrnet")
PICTURE = np.zeros((400, 600, 3), np.uint8)


class SameAnswer:
    """A network that puts joint k at cell (10 + k, 20 + k), with the crop's mean as score."""

    description = "a formula"
    usual_batch = 2

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, images_bgr: np.ndarray) -> tuple[torch.Tensor, ...]:
        self.batches.append(len(images_bgr))
        maps = torch.zeros(len(images_bgr), 17, 64, 48)
        for joint in range(17):
            maps[:, joint, 20 + joint, 10 + joint] = 0.8
        return (maps,)


def detector_of(*rows: Sequence[float]) -> object:
    """A detector that answers x1 y1 x2 y2 score rows for every picture."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    return lambda images: [Boxes(table[:, :4], table[:, 4]) for _ in images]


def estimator_of(*rows: Sequence[float], **options: object) -> PoseEstimator:
    return PoseEstimator(detector_of(*rows), SameAnswer(), CONVENTIONS, EstimatorOptions(**options))


def test_joints_land_where_the_cell_lies_in_the_frame() -> None:
    # 48 x 64 grown by 1.25 is a crop of 60 x 80 from (96, 92): a cell is 1.25 px.
    poses = estimator_of((102, 100, 150, 164, 1.0))(PICTURE)
    cells = np.stack([np.arange(10, 27), np.arange(20, 37)], -1)
    assert poses.keypoints_xy[0] == pytest.approx(np.array([96, 92]) + 1.25 * cells, abs=1e-3)


def test_the_score_is_box_times_mean_joint() -> None:
    poses = estimator_of((102, 100, 150, 164, 0.5))(PICTURE)
    assert poses.scores == pytest.approx([0.4])
    assert poses.box_scores == pytest.approx([0.5])


def test_people_below_the_lowest_score_go() -> None:
    assert len(estimator_of((102, 100, 150, 164, 0.5), min_score=0.41)(PICTURE)) == 0


def test_the_best_boxes_stay_when_there_are_too_many() -> None:
    rows = [(i * 90, 50, i * 90 + 40, 150, 0.3 + 0.1 * i) for i in range(5)]
    poses = estimator_of(*rows, max_people=2)(PICTURE)
    assert sorted(poses.box_scores.tolist()) == pytest.approx([0.6, 0.7])


def test_boxes_outside_the_picture_are_nobody() -> None:
    poses = estimator_of((700, 10, 800, 200, 0.9), (590, 10, 650, 200, 0.8))(PICTURE)
    assert poses.boxes_xyxy.tolist() == [[590, 10, 600, 200]]


def test_an_empty_picture_gives_no_poses_and_runs_no_network() -> None:
    estimator = estimator_of()
    poses = estimator(PICTURE)
    assert (len(poses), poses.joint_count) == (0, 17)
    assert vars(estimator.runtime)["batches"] == []


@pytest.mark.parametrize(
    ("batch_size", "batches"), [(3, [3, 3, 1]), (None, [2, 2, 2, 1])], ids=["asked", "engine's"]
)
def test_a_crowd_is_cut_into_batches(batch_size: int | None, batches: list[int]) -> None:
    rows = [(i * 20, 50, i * 20 + 40, 150, 0.9) for i in range(7)]
    estimator = estimator_of(*rows, batch_size=batch_size, nms=None)
    assert len(estimator(PICTURE)) == 7
    assert vars(estimator.runtime)["batches"] == batches


class WhereItLooks(SameAnswer):
    """A network that puts all joints in the middle of what it is given; it keeps the sizes."""

    usual_batch = 4

    def __call__(self, images_bgr: np.ndarray) -> tuple[torch.Tensor, ...]:
        self.batches.append((len(images_bgr), images_bgr.shape[2]))
        maps = torch.full((len(images_bgr), 17, 64, images_bgr.shape[2] // 4), -9.0)
        maps[:, :, 32, images_bgr.shape[2] // 8] = 9.0
        return (maps,)


@pytest.mark.parametrize("flip_test", [False, True])
def test_of_narrow_people_the_middle_is_looked_at_in_calls_of_its_own(flip_test: bool) -> None:
    looking = replace(CONVENTIONS, crop_style=COMPACT, codec="compact", narrow_width=128)
    options = EstimatorOptions(nms=None, flip_test=flip_test, min_score=0)
    estimator = PoseEstimator(detector_of(), WhereItLooks(), looking, options)
    boxes = np.array(
        [(10, 0, 50, 100), (210, 0, 310, 100), (410, 0, 450, 100), (100, 200, 200, 300)],
        np.float32,
    )
    assert estimator.batch_size == 8
    picture = np.full((400, 600, 3), 90, np.uint8)
    poses = estimator.estimate(picture, Boxes(boxes, np.linspace(0.9, 0.6, 4)))
    sizes = vars(estimator.runtime)["batches"]
    assert sizes == [(2, 192)] * (1 + flip_test) + [(2, 128)] * (1 + flip_test)
    assert poses.boxes_xyxy.tolist() == boxes.tolist()
    middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    # Half a cell beside the middle, at 115 / 256 or 133 / 256 px of the picture to one of the crop.
    assert np.abs(poses.keypoints_xy - middles).max() < 2


def test_the_flip_test_averages_two_views() -> None:
    estimator = estimator_of((102, 100, 150, 164, 1.0), flip_test=True)
    crops, _ = estimator.crop(PICTURE, Boxes(np.array([[102, 100, 150, 164]]), np.ones(1)))
    assert estimator.infer(crops).shape == (1, 2, 17, 64, 48)
    # Half of the height stays at the joint's own cell; the mirrored half lies elsewhere.
    assert estimator(PICTURE).keypoint_scores == pytest.approx(np.full((1, 17), 0.4))


def test_twice_the_same_person_is_one() -> None:
    poses = estimator_of((102, 100, 150, 164, 0.9), (102, 100, 150, 165, 0.8))(PICTURE)
    assert poses.box_scores == pytest.approx([0.9])


def test_association_reads_all_maps_together() -> None:
    rows = [(102, 100, 150, 164, 0.9), (102, 100, 150, 164, 0.8), (302, 100, 350, 164, 0.7)]
    poses = estimator_of(*rows, association=AssociationParameters(), nms=None)(PICTURE)
    assert sorted(poses.box_scores.tolist()) == pytest.approx([0.7, 0.9])


def test_infer_needs_a_crop() -> None:
    with pytest.raises(ValueError, match="at least one crop"):
        estimator_of().infer(np.zeros((0, 256, 192, 3), np.uint8))


@pytest.mark.parametrize(
    "options", [{"min_score": 1.5}, {"max_people": -1}, {"batch_size": 0}], ids=str
)
def test_options_out_of_range_are_named(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        EstimatorOptions(**options)


def test_the_bundled_estimator_finds_a_drawn_person() -> None:
    from rmpe.synthetic.world.clips import walkers_scene

    frame = walkers_scene(1, 640, 360, seed=3).frame_at(10)
    estimator = PoseEstimator.from_preset("compact", device="cpu", precision="fp32")
    boxes = Boxes(frame.boxes_xyxy, np.ones(len(frame)))
    poses = estimator.estimate(frame.image_bgr, boxes)
    height = frame.boxes_xyxy[0, 3] - frame.boxes_xyxy[0, 1]
    errors = np.linalg.norm(poses.keypoints_xy[0] - frame.keypoints_xy[0], axis=-1)[
        frame.visible[0]
    ]
    assert np.median(errors) < 0.05 * height
