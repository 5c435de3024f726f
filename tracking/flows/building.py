"""Flows of a whole clip by the paper's own rule: the most confident way through the poses.

Source: Xiu et al., "Pose Flow", BMVC 2018, section 3.2. The poses of the next frame that are like
enough to a pose are its candidates; a flow is the sequence with the highest sum of confidences in
which every pose is a candidate of the one before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from rmpe.records import Frame, Poses
from tracking.flows.flow import pose_confidences
from tracking.matching import Features, find_features, match_features
from tracking.parameters import FloatArray
from tracking.poseflow.parameters import PoseFlowParameters
from tracking.similarity import People, describe_people, similarity_matrix

BoolArray = NDArray[np.bool_]
_TAKEN = -np.inf


def build_most_confident_flows(
    clip: Iterable[tuple[Frame, Poses]], parameters: PoseFlowParameters
) -> list[Poses]:
    """Return the poses of every frame with the numbers of their flows.

    Args:
        clip: every frame with its people, in order; pictures are looked at once and not kept.
        parameters: similarity, its limit, features. What is about people out of sight has no part
            here: a flow ends where a frame has no candidate.

    Returns:
        One entry for every frame; identities are 1, 2, ... by falling confidence of the flows.
    """
    poses: list[Poses] = []
    candidates: list[BoolArray] = []
    features, people = Features.empty(), None
    for frame, found in clip:
        size = (frame.width, frame.height)
        now = describe_people(
            found.keypoints_xy, *size, parameters, found.keypoint_scores, found.boxes_xyxy
        )
        seen = find_features(frame.image_bgr, now.boxes_xyxy, parameters.features)
        if people is not None:
            rows = match_features(features, seen, parameters.features)
            candidates.append(_candidates(people, now, rows, parameters))
        poses.append(found)
        features, people = seen, now
    numbers = number_flows([pose_confidences(found) for found in poses], candidates)
    return [found.with_ids(ids) for found, ids in zip(poses, numbers)]


def _candidates(
    earlier: People, later: People, correspondences: FloatArray, parameters: PoseFlowParameters
) -> BoolArray:
    recent = np.ones(len(earlier), bool)
    similarities = similarity_matrix(earlier, later, recent, correspondences, parameters)
    return np.asarray(similarities > parameters.match_threshold, np.bool_)


def number_flows(
    confidences: Sequence[FloatArray], candidates: Sequence[BoolArray]
) -> list[NDArray[np.int64]]:
    """Return the number of the flow of every pose, from 1 in order of falling confidence.

    The most confident flow is found by dynamic programming from the last frame back; its poses are
    taken out and the next one is found, until every pose has a flow.

    Args:
        confidences: of the poses of every frame, above 0, T arrays (N_t,).
        candidates: whether pose j of the next frame may follow pose i, T - 1 arrays
            (N_t, N_t+1).

    Raises:
        ValueError: the lists do not fit.
    """
    if len(candidates) != max(len(confidences) - 1, 0):
        raise ValueError(
            f"got candidates for {len(candidates)} steps of {len(confidences)} frames, needed is "
            "one fewer than frames"
        )
    numbers = [np.zeros(len(values), np.int64) for values in confidences]
    waiting = sum(len(values) for values in confidences)
    flow = 0
    while waiting:
        flow += 1
        ahead = _sums_ahead(confidences, candidates, numbers)
        start = int(np.argmax([sums.max(initial=_TAKEN) for sums in ahead]))
        place = int(np.argmax(ahead[start]))
        for frame in range(start, len(confidences)):
            numbers[frame][place] = flow
            waiting -= 1
            if frame + 1 == len(confidences):
                break
            following = np.where(candidates[frame][place], ahead[frame + 1], _TAKEN)
            if following.max(initial=_TAKEN) == _TAKEN:
                break
            place = int(np.argmax(following))
    return numbers


def _sums_ahead(
    confidences: Sequence[FloatArray],
    candidates: Sequence[BoolArray],
    numbers: Sequence[NDArray[np.int64]],
) -> list[FloatArray]:
    """Return the highest sum of confidences from every pose on; minus infinity for those taken."""
    ahead: list[FloatArray] = [np.zeros(0)] * len(confidences)
    for frame in reversed(range(len(confidences))):
        sums = np.asarray(confidences[frame], np.float64)
        if frame + 1 < len(confidences) and ahead[frame + 1].size:
            best = np.where(candidates[frame], ahead[frame + 1], _TAKEN).max(1, initial=_TAKEN)
            sums = sums + np.maximum(best, 0.0)
        ahead[frame] = np.where(numbers[frame] == 0, sums, _TAKEN)
    return ahead
