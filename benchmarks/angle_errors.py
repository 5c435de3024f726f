"""How far knee and elbow angles of rendered people, whose true angles are known, are found wrong.

    python benchmarks/angle_errors.py [--preset compact] [--weights FILE] [--frames 100] [--seeds 3]

People walk across a drawn street, seen from the side; the truth is the angle between the projected
joints, as a perfect network would find it. A found person belongs to the true box
that it overlaps most. Printed are medians over all frames and both sides, unfiltered and filtered.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rmpe import PoseEstimator, read_records
from rmpe.formats import ClipHeader, NativeWriter
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.kinematics import Filter, MeasureOptions, measure_clip
from rmpe.records import Poses
from rmpe.skeletons import get_skeleton
from rmpe.synthetic import walkers_scene

NAMES = [f"{side}_{joint}" for joint in ("knee", "elbow") for side in ("left", "right")]
PLAIN = MeasureOptions(filter=Filter("none"), outliers=False, repair_swaps=False, max_gap=0)


def write_clip(folder: Path, estimator: PoseEstimator, seed: int, frames: int) -> tuple[Path, Path]:
    """Render one clip and write the true and the found poses under the true identities."""
    scene = walkers_scene(2, 1280, 720, seed, nearest=4.5, farthest=5.5)
    skeleton = get_skeleton("coco19")
    paths = folder / f"true{seed}.ndjson", folder / f"found{seed}.ndjson"
    skeletons = skeleton, estimator.skeleton
    writers = [
        NativeWriter(p, ClipHeader(s, "", 1280, 720, 25.0)) for p, s in zip(paths, skeletons)
    ]
    for frame in scene.frames(frames):
        frame = frame.select(frame.in_picture.all(1) & (frame.visible_fraction > 0.9))
        ones = np.ones(len(frame))
        truth = Poses(
            frame.boxes_xyxy, ones, frame.keypoints_xy, np.ones((len(frame), 19)), ones, frame.ids
        )
        found = estimator(frame.image_bgr)
        overlap = box_iou_matrix(truth.boxes_xyxy, found.boxes_xyxy)
        chosen = overlap.argmax(1) if overlap.size else np.zeros(0, int)
        sure = overlap.max(1) > 0.5 if overlap.size else np.zeros(0, bool)
        for writer, poses in zip(
            writers, (truth, found.select(chosen[sure]).with_ids(truth.ids[sure]))
        ):
            writer.write(frame.index, frame.timestamp_s, poses)
    for writer in writers:
        writer.close()
    return paths


def errors(true: Path, found: Path, options: MeasureOptions) -> dict[str, list[float]]:
    """Return the absolute errors of every angle where both are known, degrees."""
    result: dict[str, list[float]] = {name: [] for name in NAMES}
    truth = {p.person.identity: p for p in measure_clip(read_records(true), PLAIN).people}
    for person in measure_clip(read_records(found), options).people:
        right = truth[person.person.identity]
        _, mine, theirs = np.intersect1d(
            person.person.frames, right.person.frames, return_indices=True
        )
        for name in NAMES:
            apart = person.named(name).values[mine] - right.named(name).values[theirs]
            apart = np.abs((apart + 180) % 360 - 180)
            result[name] += apart[np.isfinite(apart)].tolist()
    return result


def main() -> None:
    """Print one line for every angle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="compact")
    parser.add_argument("--weights", help="file of a pose network instead of the preset's")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    estimator = PoseEstimator.from_preset(asked.preset)
    if asked.weights:
        estimator = PoseEstimator.build(detector=asked.preset, weights=asked.weights)
    with tempfile.TemporaryDirectory() as name:
        clips = [
            write_clip(Path(name), estimator, seed, asked.frames) for seed in range(asked.seeds)
        ]
        for words, options in (("single frames", PLAIN), ("filtered", MeasureOptions())):
            for joint in ("knee", "elbow"):
                every = [
                    error
                    for true, found in clips
                    for angle, parts in errors(true, found, options).items()
                    if joint in angle
                    for error in parts
                ]
                middle, most = np.percentile(every, [50, 90])
                print(
                    f"{asked.preset} {joint}, {words}: median {middle:.1f}, "
                    f"90 % below {most:.1f} degrees, {len(every)} angles"
                )


if __name__ == "__main__":
    main()
