"""What looking for missing people finds: recall at equal precision on scenes with known people.

Run: python benchmarks/tracking/bench_propagation.py [--seeds 4] [--frames 120]

Drawn people walk behind posts, and the picture is blurred for some frames at a time. A pose is
right when its OKS with a person of at least 40 px is 0.5 or more, each person once, best first.
"""

from __future__ import annotations

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.stages.track import build_tracker
from rmpe.estimator import PoseEstimator
from rmpe.oks import oks_matrix
from rmpe.records import Frame, Poses
from rmpe.skeletons import COCO_19
from rmpe.synthetic.world.clips import walkers_scene
from rmpe.synthetic.world.scenes import SyntheticFrame

LOWEST_PERSON_PX = 40
SEGMENT_SHARE = 0.6
"""Of a person's box, as COCO's areas are of the outline."""


def scene(seed: int, count: int) -> list[tuple[Frame, SyntheticFrame]]:
    """Return the frames of a scene with posts and blur, and their truth."""
    random = np.random.default_rng(seed)
    width = 960
    drawn = walkers_scene(6, width, 540, seed, nearest=4.0, farthest=9.0)
    posts = [
        (int(random.uniform(0.1, 0.85) * width), int(random.uniform(30, 70))) for _ in range(4)
    ]
    greys = random.integers(40, 160, len(posts)).tolist()
    blurred: set[int] = set()
    for _ in range(4):
        first = int(random.integers(10, count - 12))
        blurred |= set(range(first, first + int(random.integers(3, 9))))
    frames = []
    for truth in drawn.frames(count):
        image = truth.image_bgr.copy()
        if truth.index in blurred:
            image = np.asarray(cv2.GaussianBlur(cv2.blur(image, (25, 3)), (0, 0), 4), np.uint8)
        for (left, wide), grey in zip(posts, greys):
            image[:, left : left + wide] = grey
        frames.append((Frame(truth.index, truth.timestamp_s, image), truth))
    return frames


def right_ones(poses: Poses, truth: SyntheticFrame) -> tuple[NDArray[np.bool_], int]:
    """Return which poses are right, (N,), and how many people there are."""
    boxes = truth.boxes_xyxy
    tall = boxes[:, 3] - boxes[:, 1] >= LOWEST_PERSON_PX
    boxes, joints = boxes[tall], truth.keypoints_xy[tall]
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) * SEGMENT_SHARE
    everything = np.ones(joints.shape[:2], bool)
    alike = oks_matrix(poses.keypoints_xy, joints, everything, areas, COCO_19.sigmas)
    right = np.zeros(len(poses), bool)
    for row in np.argsort(-poses.scores, kind="stable"):
        if alike.shape[1] and alike[row].max() >= 0.5:
            right[row] = True
            alike[:, alike[row].argmax()] = -1
    return right, len(boxes)


@click.command()
@click.option("--seeds", default=4, show_default=True, help="Scenes.")
@click.option("--frames", default=120, show_default=True, help="Frames of each.")
@click.option("--preset", default="compact", show_default=True)
def main(seeds: int, frames: int, preset: str) -> None:
    """Print precision and recall with and without propagation."""
    estimator = PoseEstimator.from_preset(preset, threads=1)
    outcomes: dict[bool, list[tuple[NDArray, NDArray]]] = {False: [], True: []}
    people = 0
    for seed in range(1, seeds + 1):
        trackers = {on: build_tracker(look=estimator if on else None) for on in (False, True)}
        for frame, truth in scene(seed, frames):
            boxes = estimator.detect([frame.image_bgr])[0]
            found = estimator.suppress(estimator.estimate(frame.image_bgr, boxes))
            for on, tracker in trackers.items():
                assert tracker is not None, "identities are wanted"
                poses = tracker.update(frame, found)
                right, count = right_ones(poses, truth)
                outcomes[on].append((poses.scores, right))
            people += count
    wanted = 0.0
    for on, parts in outcomes.items():
        scores, right = (np.concatenate(column) for column in zip(*parts))
        hits = np.cumsum(right[np.argsort(-scores, kind="stable")])
        precision, recall = hits / np.arange(1, len(hits) + 1), hits / people
        wanted = wanted or precision[-1]
        enough = np.flatnonzero(precision >= wanted)
        click.echo(
            f"{'with' if on else 'without'} propagation: precision {precision[-1]:.3f}, recall "
            f"{recall[-1]:.3f}; recall at precision {wanted:.3f}: {recall[enough[-1]]:.3f}"
        )


if __name__ == "__main__":
    main()
