"""People whom the detector misses: found where they should be, and given up when they are gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.assemble import assemble, run_plain, run_video
from pipeline.items import PosedFrame
from pipeline.options import RunOptions
from pipeline.sources import NetworkPoses
from pipeline.stages.propagate import PropagatingTracker, PropagationParameters
from pipeline.stages.track import build_tracker
from rmpe.records import Frame
from tests.helpers.squares import ListReader, MakeFrames, SquaresEstimator
from tests.pipeline.test_assemble import assert_equal
from tracking import OnlineTracker


def hidden_from(frames: Any, first: int, last: int) -> Any:
    """Make everything dark in the frames ``first`` to ``last``: nobody is there."""
    for frame in frames:
        dark = first <= frame.index <= last
        yield Frame(frame.index, frame.timestamp_s, frame.image_bgr * (not dark))


def tracked(
    squares: SquaresEstimator,
    frames: Any,
    parameters: PropagationParameters | None = None,
    **settings: Any,
) -> list[PosedFrame]:
    """Return what a plain loop with a propagating tracker gives."""
    estimator = squares(**settings)
    tracker = PropagatingTracker(OnlineTracker(), estimator, parameters)
    return list(run_plain(frames, estimator, RunOptions(), tracker))


def odd_after(count: int, frames: int = 9, even: int = 4) -> list[int]:
    """Return the people of each frame: an even number, then one fewer: the last is overlooked."""
    return [count] * even + [count - 1] * (frames - even)


def test_somebody_who_is_overlooked_is_found_where_they_walk_to(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    # From frame 4 on three of four are there, and the detector sees two of the three.
    frames = list(people(odd_after(4), step=3))
    # The third joint of this world is the darkest place, so the joints' box is not the person's.
    results = tracked(squares, frames, PropagationParameters(least_fit=0.0), overlooks=True)
    assert [len(poses) for _, poses in results] == [4] * 4 + [3] * 5
    assert all(sorted(poses.ids.tolist()) == [1, 2, 3] for _, poses in results[4:])
    whole = list(run_plain(frames, squares(), RunOptions(), OnlineTracker()))
    for (_, poses), (_, truth) in zip(results[4:], whole[4:]):
        # The first joint is the brightest place, on a grid as coarse as an eighth of the crop.
        there = truth.keypoints_xy[truth.ids == 3][0, 0]
        np.testing.assert_allclose(poses.keypoints_xy[poses.ids == 3][0, 0], there, atol=3)


def test_without_propagation_they_are_lost(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    frames = list(people(odd_after(4), step=3))
    results = run_plain(frames, squares(overlooks=True), RunOptions(), OnlineTracker())
    assert [len(poses) for _, poses in results] == [4] * 4 + [2] * 5


def test_nobody_is_found_where_nobody_is(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    frames = hidden_from(people([2] * 12), 4, 11)
    assert [len(poses) for _, poses in tracked(squares, frames)] == [2] * 4 + [0] * 8


def test_looking_ends_after_frames_without_evidence(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    frames = list(hidden_from(people([2] * 30), 4, 29))
    estimator = squares()
    tracker = PropagatingTracker(
        OnlineTracker(), estimator, PropagationParameters(patience_frames=6)
    )
    list(run_plain(frames, estimator, RunOptions(), tracker))
    # four frames with two detections each, then looks for both in the frames 1, 2 and 4 after
    assert len(estimator.batches) == 4 + 3


def test_looking_ends_some_frames_after_the_last_detection(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    frames = people(odd_after(4, frames=20))
    results = tracked(squares, frames, PropagationParameters(longest_frames=7), overlooks=True)
    assert [len(poses) for _, poses in results] == [4] * 4 + [3] * 7 + [2] * 9


def test_somebody_seen_only_once_is_not_looked_for(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    frames = people([2, 2, 2, 4, 3, 3])
    results = tracked(squares, frames, overlooks=True)
    assert [len(poses) for _, poses in results] == [2, 2, 2, 4, 2, 2]


def test_a_box_score_fades_while_only_the_joints_say_somebody_is_there(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    results = tracked(
        squares, people(odd_after(4)), PropagationParameters(fade=0.9), overlooks=True
    )
    faded = [float(poses.box_scores[poses.ids == 3][0]) for _, poses in results]
    np.testing.assert_allclose(faded, [1, 1, 1, 1, 0.9, 0.9**2, 0.9**3, 0.9**4, 0.9**5], rtol=1e-5)


def test_found_people_count_towards_the_limit(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    frames = people(odd_after(4))
    results = tracked(squares, frames, overlooks=True, max_people=2)
    assert max(len(poses) for _, poses in results) == 2


@pytest.mark.parametrize("batch_size", [1, 4, 64])
@pytest.mark.parametrize("detect_every", [1, 3])
def test_pipeline_and_plain_loop_agree(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
    batch_size: int,
    detect_every: int,
) -> None:
    counts = [4, 4, 4, 3, 3, 5, 5, 4, 2, 3, 1, 4, 4] * 2
    options = RunOptions(detect_every=detect_every)

    def estimator() -> Any:
        return squares(batch_size=batch_size, overlooks=True)

    first, second = estimator(), estimator()
    plain = run_plain(people(counts), first, options, build_tracker(look=first))
    poses, tracker = NetworkPoses(second), build_tracker(look=second)
    piped = assemble(reader(list(people(counts))), poses, options, tracker)
    assert_equal(plain, piped)


def test_a_saved_tracker_goes_on_as_if_nothing_had_happened(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    frames = list(people([4, 4, 4, 3, 3, 3, 5, 5, 3, 3, 3], step=2))
    estimator = squares(overlooks=True)
    whole = PropagatingTracker(OnlineTracker(), estimator)
    expected = list(run_plain(frames, estimator, RunOptions(), whole))
    for cut in range(1, len(frames)):
        first = PropagatingTracker(OnlineTracker(), estimator)
        results = list(run_plain(frames[:cut], estimator, RunOptions(), first))
        second = PropagatingTracker(OnlineTracker(), estimator)
        second.restore(first.state())
        results += run_plain(frames[cut:], estimator, RunOptions(), second)
        assert_equal(expected, results)
    with pytest.raises(ValueError, match="no tracker state"):
        whole.restore(b"else")


def test_run_video_propagates_unless_told_otherwise(
    squares: type[SquaresEstimator],
    people: MakeFrames,
    reader: type[ListReader],
) -> None:
    def people_in(**settings: Any) -> list[int]:
        frames = reader(list(people(odd_after(4))))
        return [len(poses) for _, poses in run_video(frames, squares(overlooks=True), **settings)]

    assert people_in() == [4] * 4 + [3] * 5
    assert people_in(propagate=False) == people_in(track=False) == [4] * 4 + [2] * 5


def test_a_pose_beside_the_place_that_was_looked_at_is_not_believed(
    squares: type[SquaresEstimator], people: MakeFrames
) -> None:
    frames = list(people(odd_after(4), step=3))
    # An overlap above 1 is never reached.
    results = tracked(squares, frames, PropagationParameters(least_fit=1.01), overlooks=True)
    assert [len(poses) for _, poses in results] == [4] * 4 + [2] * 5
