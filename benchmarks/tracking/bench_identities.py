"""Score our identities and those of other trackers on the same stored poses of a real clip.

    python benchmarks/tracking/bench_identities.py CLIP --records poses.ndjson --truth gt.txt
        [--people people.txt]

``poses.ndjson`` comes from ``rmpe video CLIP --no-propagate``, with ``--boxes FILE`` for other
boxes than the detector's and ``--nms none --min-score 0`` for all of them. ``people.txt`` names
identities of the truth that are one person. Trackers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from peer_trackers import TRACKERS, ClipTracker, make_tracker

from pipeline.readers import VideoReader
from pipeline.stages.track import FRAMES_HELD_BACK
from rmpe.evaluation.mot import MotBoxes, MotScores, read_mot_boxes, read_people, score_mot
from rmpe.formats import read_records
from rmpe.geometry.boxes import box_xyxy_to_xywh
from rmpe.records import Poses
from tracking import OnlineTracker
from tracking.following import LateNames, Naming


def track(clip: Path, records: Path, tracker: ClipTracker) -> list[tuple[int, Poses]]:
    """Return the stored people of every picture with new identities."""
    tracked: list[tuple[int, Poses]] = []
    stored = read_records(records)
    by_frame = {record.frame_index: record.poses for record in stored}
    late: LateNames[int] = LateNames(FRAMES_HELD_BACK)
    reader = VideoReader(str(clip))
    for frame in reader:
        if frame.index in by_frame:
            poses = by_frame[frame.index]
            named = tracker.update(frame, poses.with_ids(poses.ids * 0))
            # ours fills in who waited, as `video` does; others leave them out
            naming = tracker.naming if isinstance(tracker, OnlineTracker) else Naming.of_nobody()
            tracked += late.take(frame.index, named, naming)
    reader.close()
    return tracked + late.flush()


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


def main() -> None:
    """Track, score, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path, help="the video")
    parser.add_argument("--records", type=Path, required=True, help="its stored poses")
    parser.add_argument("--truth", type=Path, required=True, help="MOTChallenge text")
    parser.add_argument("--people", type=Path, help="identities of the truth that are one person")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    truth = read_mot_boxes(given.truth, truth=True)
    if given.people:
        truth = truth.with_people(read_people(given.people))
    print(f"{'':<12}   IDF1   HOTA  switches  fragments  identities  seconds")
    for name in TRACKERS:
        tracker = make_tracker(name)
        if isinstance(tracker, str):
            print(tracker)
            continue
        start = time.process_time()
        tracked = track(given.clip, given.records, tracker)
        seconds = time.process_time() - start  # with the decoding of the clip, alike for all
        print(row(name, score_mot(truth, boxes_of(tracked)), seconds))


if __name__ == "__main__":
    main()
