"""Identities for those who waited: frames are held back until it is known who is in them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from rmpe.records import Poses
from tracking.following.explanation import NOBODY
from tracking.tracks import IntArray

_LIKELY = 0.5
"""Score of a box from which on somebody without a name yet waits for one; others are nobody."""
_Item = TypeVar("_Item")


@dataclass(frozen=True, eq=False)
class Naming:
    """Who waits for an identity in the latest frame, and who of those before has got one."""

    waiting: IntArray
    """Numbers below 0 of those who wait, the same from frame to frame; 0 for others, (M,)."""
    named: Mapping[int, int]
    """Identities of those whose waiting is over, by their number."""

    @classmethod
    def of_nobody(cls) -> Naming:
        """Return that of a frame in which nobody waits."""
        return cls(np.zeros(0, np.int64), {})

    @classmethod
    def between(cls, known_ids: IntArray, matched: IntArray, ids: IntArray) -> Naming:
        """Return that of a frame.

        Args:
            known_ids: identities, and numbers of those who waited, before it, (N,).
            matched: row of the known person that each person of the frame is, -1 for nobody, (M,).
            ids: identities and numbers of the people of the frame, (M,).
        """
        known = np.flatnonzero(matched != NOBODY)
        before, now = known_ids[matched[known]], ids[known]
        over = (before < 0) & (now > 0)
        named = dict(zip(before[over].tolist(), now[over].tolist(), strict=True))
        return cls(np.minimum(ids, 0), named)


class LateNames(Generic[_Item]):
    """Holds frames back for as long as somebody in them may still get an identity.

    Who has none by then keeps id 0, and so does a box that was more likely nobody.
    """

    def __init__(self, longest_frames: int) -> None:
        """Start with no frames held back.

        Args:
            longest_frames: most frames that are held back; fewer than ``wait_sightings``, so that
                a number is never used again meanwhile.
        """
        self._longest = longest_frames
        self._held: deque[tuple[_Item, Poses, IntArray]] = deque()

    def take(self, item: _Item, poses: Poses, naming: Naming) -> list[tuple[_Item, Poses]]:
        """Return the frames, with their people, that need not wait any longer, in order.

        Args:
            item: stands for the new frame.
            poses: its people; further ones than the tracker's may follow those.
            naming: what the tracker says of it.
        """
        numbers = np.zeros(len(poses), np.int64)
        likely = poses.box_scores[: len(naming.waiting)] >= _LIKELY
        numbers[: len(naming.waiting)] = np.where(likely, naming.waiting, 0)
        self._held = deque(_named(*held, naming.named) for held in self._held)
        self._held.append((item, poses, numbers))
        done = []
        while self._held and (len(self._held) > self._longest or not self._held[0][2].any()):
            done.append(self._held.popleft()[:2])
        return done

    def flush(self) -> list[tuple[_Item, Poses]]:
        """Return the frames that are held back, as they are."""
        done = [held[:2] for held in self._held]
        self._held.clear()
        return done


def _named(
    item: _Item, poses: Poses, numbers: IntArray, named: Mapping[int, int]
) -> tuple[_Item, Poses, IntArray]:
    if not named or not np.isin(numbers, list(named)).any():
        return item, poses, numbers
    late = np.array([named.get(number, 0) for number in numbers.tolist()], np.int64)
    return item, poses.with_ids(np.where(late, late, poses.ids)), np.where(late, 0, numbers)
