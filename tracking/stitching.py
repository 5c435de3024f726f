"""Who of one tracked part of a clip is who of the next: identities matched where parts overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rmpe.records import Poses
from tracking.assignment import assign
from tracking.matching import no_correspondences
from tracking.parameters import DEFAULT, FloatArray, PoseFlowParameters
from tracking.similarity import describe_people, grade_matrix


def match_identities(
    earlier: Sequence[Poses],
    later: Sequence[Poses],
    size: tuple[int, int],
    parameters: PoseFlowParameters = DEFAULT,
) -> dict[int, int]:
    """Return which identity of the later part is which of the earlier one.

    Both parts have seen the same frames, each with a tracker of its own. People are matched in the
    last frame by PoseFlow's similarity of their poses (boxes and joints, no feature matches: it is
    the same picture), because there the later part takes over; those whom it does not show are
    matched in the frame before, and so on.

    Args:
        earlier: poses with identities, one entry for every shared frame.
        later: the same frames in the other part.
        size: (width, height) of the picture in pixels.
        parameters: weights of the grade (those for older candidates) and the least grade of a pair.

    Returns:
        Identity in the later part -> identity in the earlier part; people whom only one part has
        seen are not in it.

    Raises:
        ValueError: the parts have different numbers of frames.
    """
    if len(earlier) != len(later):
        raise ValueError(f"the parts share {len(earlier)} and {len(later)} frames, needed is one")
    matched: dict[int, int] = {}
    for first, second in zip(reversed(earlier), reversed(later)):
        is_open = (first.ids > 0) & ~np.isin(first.ids, list(matched.values()))
        one = first.select(np.flatnonzero(is_open))
        is_open = (second.ids > 0) & ~np.isin(second.ids, list(matched))
        other = second.select(np.flatnonzero(is_open))
        if len(one) and len(other):
            rows, columns = assign(_grades(one, other, size, parameters), parameters.match_grade)
            matched |= dict(zip(other.ids[columns].tolist(), one.ids[rows].tolist()))
    return matched


def _grades(
    first: Poses, second: Poses, size: tuple[int, int], parameters: PoseFlowParameters
) -> FloatArray:
    """Return the grade of every pair of people in one picture, (N, M)."""
    one, other = (
        describe_people(p.keypoints_xy, *size, parameters, p.keypoint_scores, p.boxes_xyxy)
        for p in (first, second)
    )
    from_previous = np.zeros(len(one), bool)
    return grade_matrix(one, other, from_previous, no_correspondences(), parameters)
