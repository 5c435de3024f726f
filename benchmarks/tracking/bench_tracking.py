"""Time the tracker by its parts, measure its memory, and compare its identities with a plain one.

    python benchmarks/tracking/bench_tracking.py [--quick] [--json FILE]

Times are CPU times of one thread at 1280x720; the bars for the whole step are 10, 20 and 50 ms for
5, 15 and 40 people. Identities are counted on drawn walkers (``walkers.py``).
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from identity_scores import IouTracker, score_identities
from walkers import WalkerScene, disturb

import tracking.following.follower
import tracking.online
from rmpe.records import Frame, Poses
from tracking import OnlineTracker

SEEDS = {8: 20, 25: 5}
"""Scenes of so many people, still and panning: about a thousand crossings and more in all."""
BARS_MS = {5: 10.0, 15: 20.0, 40: 50.0}
PARTS = {
    "features": (tracking.online, "find_features"),
    "matching": (tracking.online, "match_features"),
    "colours": (tracking.online, "measure_appearance"),
    "similarity": (tracking.following.follower, "compare"),
    "returns": (tracking.following.follower, "return_evidence"),
    "assignment": (tracking.following.follower, "assign"),
}


class PartTimes:
    """Adds up the CPU time spent in the parts of a step, by standing in for their functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._originals = {name: getattr(*place) for name, place in PARTS.items()}

    def __enter__(self) -> PartTimes:
        for name, (module, function) in PARTS.items():
            setattr(module, function, self._timed(name, self._originals[name]))
        return self

    def __exit__(self, *_: object) -> None:
        for name, (module, function) in PARTS.items():
            setattr(module, function, self._originals[name])

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            start = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[name] += time.thread_time() - start

        return run


def time_steps(people: int, frames: int) -> dict[str, float]:
    """Return milliseconds per frame of every part and of the whole step (its median)."""
    clip = list(WalkerScene(people, frames, 1280, 720, seed=people).clip())
    tracker = OnlineTracker()
    wholes = []
    with PartTimes() as parts:
        for frame, poses in clip:
            start = time.thread_time()
            tracker.update(frame, poses)
            wholes.append(time.thread_time() - start)
    result = {name: 1e3 * parts.seconds[name] / frames for name in PARTS}
    result["whole_median"] = 1e3 * float(np.median(wholes))
    result["whole_mean"] = 1e3 * float(np.mean(wholes))
    return result


def resident_bytes(frames: tuple[int, int]) -> tuple[int, int]:
    """Return the memory of this process after a tracker has seen two numbers of frames (Linux)."""
    clip = [(f.image_bgr, p) for f, p in WalkerScene(8, 100, 480, 270, pan_px=1).clip()]
    tracker = OnlineTracker()
    held = []
    for index in range(max(frames)):
        image, poses = clip[index % len(clip)]
        tracker.update(Frame(index, index / 25, image), poses)
        if index + 1 in frames:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            held.append(pages * resource.getpagesize())
    return held[0], held[1]


def count_switches(scene: WalkerScene, missed: float, jitter: float) -> dict[str, Any]:
    """Return identity measures of the tracker and of plain IoU trackers on one scene."""
    rng = np.random.default_rng(1)
    tracker = OnlineTracker()
    plain, patient = IouTracker(), IouTracker(memory_frames=30)
    truth: list[Poses] = []
    results: dict[str, list[Poses]] = defaultdict(list)
    for frame, poses in scene.clip():
        truth.append(poses)
        found = disturb(poses, rng, missed, jitter)
        results["ours"].append(tracker.update(frame, found))
        results["iou"].append(plain.update(found))
        results["iou_30"].append(patient.update(found))
    scores = {name: score_identities(truth, tracked) for name, tracked in results.items()}
    return {
        "people": scene.people,
        "pan_px": scene.pan_px,
        "missed": missed,
        "crossings": scores["ours"].crossings,
        "mota": round(scores["ours"].mota, 4),
        **{f"switches_{name}": score.switches for name, score in scores.items()},
    }


def compare_identities(quick: bool) -> list[dict[str, Any]]:
    """Print and return the identity measures of every scene, and their sums over the seeds."""
    figures = []
    for people, (missed, jitter) in product((8, 25), ((0.0, 0.0), (0.2, 0.02))):
        switches = crossings = 0
        for pan, seed in product((0.0, 3.0), range(1 if quick else SEEDS[people])):
            scene = WalkerScene(people, 100 if quick else 300, pan_px=pan, seed=seed)
            counts = {"seed": seed, **count_switches(scene, missed, jitter)}
            figures.append(counts)
            print(counts)
            switches += counts["switches_ours"]
            crossings += counts["crossings"]
        share = 100 * switches / max(crossings, 1)
        print(f"{people} people, {missed:.0%} missed: {share:.2f} switches per 100 crossings")
    return figures


def main() -> None:
    """Measure, print, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer frames")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    figures: dict[str, Any] = {"times_ms": {}}
    for people, bar in BARS_MS.items():
        times = time_steps(people, 30 if given.quick else 150)
        figures["times_ms"][people] = times
        parts = "  ".join(f"{name} {value:.2f}" for name, value in times.items())
        verdict = "within" if times["whole_mean"] <= bar else "above"
        print(f"{people:3d} people: {parts}  ({verdict} the bar of {bar:.0f} ms)")
    frames = (200, 1000 if given.quick else 10000)
    before, after = resident_bytes(frames)
    figures["memory"] = {"frames": frames, "bytes": (before, after)}
    print(f"memory after {frames[0]} frames {before}, after {frames[1]} {after} bytes")
    figures["identities"] = compare_identities(given.quick)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
