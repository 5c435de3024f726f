"""Score our identities and those of other trackers on the same people of a clip, real or drawn.

    python benchmarks/tracking/bench_identities.py CLIP --records poses.ndjson --truth gt.txt
        [--people people.txt] [--changed]
    python benchmarks/tracking/bench_identities.py --drawn 0 1 2 3

``poses.ndjson`` comes from ``rmpe video CLIP --no-propagate``, with ``--boxes FILE`` for other
boxes than the detector's and ``--nms none --min-score 0`` for all of them. ``people.txt`` names
identities of the truth that are one person. ``--changed`` adds the clip mirrored, backwards and so
on (``changed_clips.py``), ``--drawn`` draws scenes of meetings (``meetings.py``) by their seeds.
Trackers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from changed_clips import CHANGES, StoredClip, read_clip
from meetings import MeetingScene
from peer_trackers import TRACKERS, ClipTracker, make_tracker

from pipeline.stages.track import FRAMES_HELD_BACK
from rmpe.evaluation.mot import MotBoxes, MotScores, read_mot_boxes, read_people, score_mot
from rmpe.geometry.boxes import box_xyxy_to_xywh
from rmpe.records import Poses
from tracking import OnlineTracker, track_clip
from tracking.following import LateNames, Naming

OFFLINE = "offline"


def track(clip: StoredClip, tracker: ClipTracker) -> list[tuple[int, Poses]]:
    """Return the people of every picture with new identities."""
    tracked: list[tuple[int, Poses]] = []
    late: LateNames[int] = LateNames(FRAMES_HELD_BACK)
    for index, (frame, poses) in enumerate(zip(clip.frames, clip.found)):
        named = tracker.update(frame, poses)
        # ours fills in who waited, as `video` does; others leave them out
        naming = tracker.naming if isinstance(tracker, OnlineTracker) else Naming.of_nobody()
        tracked += late.take(index, named, naming)
    return tracked + late.flush()


def track_by(name: str, clip: StoredClip) -> list[tuple[int, Poses]] | str:
    """Return the people of every picture as a tracker names them, or why there is none."""
    if name == OFFLINE:
        return list(enumerate(track_clip(zip(clip.frames, clip.found))))
    tracker = make_tracker(name)
    return tracker if isinstance(tracker, str) else track(clip, tracker)


def boxes_of(tracked: list[tuple[int, Poses]]) -> MotBoxes:
    """Return the boxes of those who have an identity."""
    named = [(index, poses.select(poses.ids > 0)) for index, poses in tracked]
    return MotBoxes(
        frames=np.concatenate([np.full(len(poses), index, np.int64) for index, poses in named]),
        ids=np.concatenate([poses.ids for _, poses in named]),
        boxes_xywh=np.concatenate(
            [box_xyxy_to_xywh(poses.boxes_xyxy.astype(np.float64)) for _, poses in named]
        ),
    )


def row(name: str, scores: MotScores, seconds: float) -> str:
    """Return one line of the table."""
    return (
        f"{name:<12} {100 * scores.idf1:6.1f} {100 * scores.hota:6.1f} {scores.switches:9d} "
        f"{scores.fragments:10d} {scores.identities:11d} {seconds:8.1f}"
    )


def clips_of(given: argparse.Namespace) -> Iterator[tuple[str, StoredClip]]:
    """Yield the clips that are asked for, by name."""
    for seed in given.drawn:
        yield f"drawn, seed {seed}", MeetingScene(seed=seed).clip()
    if given.clip is None:
        return
    truth = read_mot_boxes(given.truth, truth=True)
    if given.people:
        truth = truth.with_people(read_people(given.people))
    clip = read_clip(given.clip, given.records, truth)
    for change in CHANGES if given.changed else ("as it is",):
        yield f"{given.clip.name}, {change}", CHANGES[change](clip)


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path, nargs="?", help="a video")
    parser.add_argument("--records", type=Path, help="its stored poses")
    parser.add_argument("--truth", type=Path, help="MOTChallenge text")
    parser.add_argument("--people", type=Path, help="identities of the truth that are one person")
    parser.add_argument("--changed", action="store_true", help="also the clip changed")
    parser.add_argument("--drawn", type=int, nargs="+", default=[], help="seeds of drawn scenes")
    given = parser.parse_args()
    if given.clip is None and not given.drawn:
        parser.error("neither a clip nor --drawn is given")
    if given.clip is not None and not (given.records and given.truth):
        parser.error("a clip needs --records and --truth")
    return given


def main() -> None:
    """Track, score, print."""
    cv2.setNumThreads(1)
    scores: dict[str, list[tuple[float, float, int]]] = {}
    for title, clip in clips_of(arguments()):
        print(f"{title}\n{'':<12}   IDF1   HOTA  switches  fragments  identities  seconds")
        for name in (*TRACKERS, OFFLINE):
            start = time.process_time()
            tracked = track_by(name, clip)
            if isinstance(tracked, str):
                print(tracked)
                continue
            score = score_mot(clip.truth, boxes_of(tracked))
            print(row(name, score, time.process_time() - start), flush=True)
            scores.setdefault(name, []).append((score.idf1, score.hota, score.switches))
    for name, rows in scores.items():
        idf1, hota, switches = np.mean(rows, 0)
        print(f"mean {name:<12} {100 * idf1:6.1f} {100 * hota:6.1f} {switches:8.1f}")


if __name__ == "__main__":
    main()
