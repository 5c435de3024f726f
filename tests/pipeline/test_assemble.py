"""The whole run: equal to the plain loop, in order, with and without detection in every frame."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from pipeline.assemble import assemble, clip_limits, run_plain, run_video
from pipeline.engine.stage import StageError
from pipeline.items import PosedFrame
from pipeline.options import RunOptions
from pipeline.sources import NetworkPoses, find_nobody
from pipeline.stages.following import FollowParameters
from rmpe.detectors.precomputed import PrecomputedBoxes
from rmpe.records import Boxes, Frame, Poses
from tests.helpers.squares import ListReader, MakeFrames, SquaresEstimator
from tracking import OnlineTracker

COUNTS = [3, 0, 5, 1, 0, 0, 7, 2, 6, 4] * 3
FIELDS = ("boxes_xyxy", "box_scores", "keypoints_xy", "keypoint_scores", "scores", "ids")


def assert_equal(first: Iterable[Any], second: Iterable[Any]) -> None:
    """Check that two runs gave the same frames and the same poses, to the last bit."""
    first, second = [*first], [*second]
    assert [frame.index for frame, _ in first] == [frame.index for frame, _ in second]
    for (frame, one), (_, other) in zip(first, second):
        for name in FIELDS:
            message = f"frame {frame.index}, {name}"
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), message)


@pytest.mark.parametrize(("detect_every", "detect_batch"), [(1, 1), (1, 7), (3, 1)])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_pipeline_and_plain_loop_give_equal_output(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
    detect_every: int,
    detect_batch: int,
    batch_size: int,
) -> None:
    options = RunOptions(detect_every=detect_every, detect_batch=detect_batch)
    plain = run_plain(people(COUNTS), squares(), options, OnlineTracker())
    frames = reader(list(people(COUNTS)))
    piped = assemble(frames, NetworkPoses(squares(batch_size=batch_size)), options, OnlineTracker())
    assert_equal(plain, piped)
    assert frames.closed == 1


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_run_gives_what_the_estimator_gives_frame_by_frame(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
    batch_size: int,
) -> None:
    estimator = squares(batch_size=batch_size, min_score=0.3)
    piped = assemble(reader(list(people(COUNTS))), NetworkPoses(estimator))
    alone = [
        (f, estimator.suppress(estimator.estimate(f.image_bgr, estimator.detect([f.image_bgr])[0])))
        for f in people(COUNTS)
    ]
    assert_equal(alone, piped)


def test_every_frame_comes_out_once_in_order_with_all_its_people(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
) -> None:
    results = list(assemble(reader(list(people(COUNTS))), NetworkPoses(squares())))
    assert [frame.index for frame, _ in results] == list(range(30))
    assert [len(poses) for _, poses in results] == COUNTS
    assert all((poses.ids == 0).all() for _, poses in results)


def test_crops_share_batches_across_frames(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
) -> None:
    estimator = squares(batch_size=4)
    list(assemble(reader(list(people([1, 2, 3, 1, 4, 1]))), NetworkPoses(estimator)))
    assert estimator.batches == [4, 4, 4]


def test_in_between_frames_are_not_given_to_the_detector(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
) -> None:
    estimator = squares()
    results = list(
        assemble(
            reader(list(people([4] * 10))), NetworkPoses(estimator), RunOptions(detect_every=4)
        )
    )
    assert estimator.detected == 3  # frames 0, 4 and 8
    assert [len(poses) for _, poses in results] == [4] * 10


def test_following_starts_anew_at_a_keyframe(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
) -> None:
    counts = [1, 3, 3, 3, 0, 0]
    results = assemble(
        reader(list(people(counts))), NetworkPoses(squares()), RunOptions(detect_every=3)
    )
    assert [len(poses) for _, poses in results] == [1, 1, 1, 3, 3, 3]


def test_boxes_from_a_file_replace_the_detector(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
) -> None:
    box = Boxes(np.array([[8, 10, 20, 22]]), np.array([0.5]))
    options = RunOptions(boxes=PrecomputedBoxes({0: box, 2: box}))
    estimator = squares()
    results = list(assemble(reader(list(people([2] * 4))), NetworkPoses(estimator), options))
    assert [len(poses) for _, poses in results] == [1, 0, 1, 0]
    assert results[0][1].box_scores.tolist() == [0.5]
    assert estimator.detected == 0
    assert [len(boxes) for boxes in find_nobody([np.zeros((2, 2, 3), np.uint8)] * 2)] == [0, 0]


def test_run_video_is_a_generator_that_can_be_left(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
) -> None:
    before = threading.active_count()
    source = reader(list(people([2] * 500)))
    results = run_video(source, squares(), track=True)
    frame, poses = next(results)
    assert (frame.index, poses.ids.tolist()) == (0, [1, 2])
    results.close()
    assert source.closed == 1
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("method", "stage"),
    [("detect", "detect"), ("crop", "crop"), ("infer", "estimate"), ("decode", "decode")],
)
def test_a_failure_inside_the_estimator_names_the_stage(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
    method: str,
    stage: str,
) -> None:
    class Broken(SquaresEstimator):
        pass

    def fail(self: SquaresEstimator, *arguments: Any) -> None:
        raise RuntimeError("no")

    setattr(Broken, method, fail)
    with pytest.raises(StageError) as caught:
        list(assemble(reader(list(people([2] * 4))), NetworkPoses(Broken())))
    assert (caught.value.stage, caught.value.frame_index) == (stage, 0)


def test_smoothing_moves_joints_and_leaves_identities(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
) -> None:
    def run(smooth: bool) -> list[PosedFrame]:
        frames = reader(list(people([2] * 6, step=3)))
        return list(run_video(frames, squares(), smooth=smooth))

    plain, smoothed = run(False), run(True)
    for (_, one), (_, other) in zip(plain, smoothed):
        np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(plain[0][1].keypoints_xy, smoothed[0][1].keypoints_xy)
    assert not np.allclose(plain[5][1].keypoints_xy, smoothed[5][1].keypoints_xy)
    with pytest.raises(ValueError, match="needs tracking"):
        next(run_video(reader([]), squares(), track=False, smooth=True))


def test_a_failing_writer_is_named_with_its_frame(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
) -> None:
    class FullDisk:
        def write(self, frame: Frame, poses: Poses) -> None:
            if frame.index == 5:
                raise OSError("No space left on device")

        def close(self, complete: bool) -> None:
            self.complete = complete

    writer = FullDisk()
    run = assemble(
        reader(list(people([2] * 40))), NetworkPoses(squares()), writers=[("video", writer)]
    )
    with pytest.raises(StageError, match="stage 'write video', frame 5: No space left on device"):
        list(run)
    assert writer.complete is False


def poses_at(
    points: list[list[int]], scores: list[float], box: tuple[float, ...] = (0, 0, 100, 100)
) -> Poses:
    """One person."""
    return Poses([box], [0.9], [points], [scores], [0.5], [3])


def test_the_next_box_is_the_grown_extent_of_the_sure_joints() -> None:
    poses = poses_at([[10, 20], [50, 100], [400, 400]], [0.9, 0.3, 0.1])
    boxes = FollowParameters(grow=1.2).next_boxes(poses)
    # centre (30, 60), sides 40 x 80 -> 48 x 96; the third joint is too weak to count
    np.testing.assert_allclose(boxes.boxes_xyxy, [[6, 12, 54, 108]])
    np.testing.assert_allclose(boxes.scores, [0.9])


def test_the_old_box_is_kept_when_joints_are_few_or_collapse() -> None:
    few = poses_at([[10, 20], [50, 100], [400, 400]], [0.1, 0.9, 0.1])
    collapsed = poses_at([[10, 20], [12, 22], [11, 21]], [0.9, 0.9, 0.9])
    for poses in (few, collapsed):
        boxes = FollowParameters(min_joint_share=0.5).next_boxes(poses)
        np.testing.assert_array_equal(boxes.boxes_xyxy, [[0, 0, 100, 100]])
    assert len(FollowParameters().next_boxes(Poses.empty(3))) == 0


@pytest.mark.parametrize("name", ["detect_every", "batch_frames", "chunk_frames"])
def test_options_below_one_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 0"):
        RunOptions(**{name: 0})


def test_a_frame_of_one_pixel(squares: type[SquaresEstimator], reader: type[ListReader]) -> None:
    frames = [Frame(0, 0.0, np.zeros((1, 1, 3), np.uint8))]
    assert [len(poses) for _, poses in assemble(reader(frames), NetworkPoses(squares()))] == [0]


@pytest.mark.parametrize(
    ("options", "width", "held"),
    [
        ({}, 1280, 1 + 8 + 2),
        ({}, 3840, 1 + 2 + 2),
        ({"detect_batch": 8}, 3840, 8 + 2 + 2),
        ({"batch_frames": 30}, 0, 1 + 30 + 2),
    ],
    ids=str,
)
def test_more_may_be_under_way_than_the_stages_hold_back(
    options: dict[str, Any], width: int, held: int
) -> None:
    limits = clip_limits(RunOptions(**options), 3 * width * (width * 9 // 16))
    assert held < limits.under_way_least <= limits.under_way_items <= held + 16


@pytest.mark.parametrize("detect_batch", [1, 7, 30])
def test_frames_that_stages_hold_back_do_not_stop_the_run(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
    detect_batch: int,
) -> None:
    options = RunOptions(detect_batch=detect_batch, batch_frames=9, chunk_frames=100)
    frames = reader(list(people(COUNTS)))
    run = assemble(frames, NetworkPoses(squares(batch_size=999)), options)
    assert len(list(run)) == len(COUNTS)
