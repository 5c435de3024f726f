"""Run the pipeline on a synthetic scene and compare what it found with the truth."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pipeline.assemble import assemble
from pipeline.options import RunOptions
from pipeline.readers.scene import SceneReader
from pipeline.sources import NetworkPoses
from pipeline.stages.track import Tracker
from pipeline.writers import Writer
from rmpe.evaluation.pck.scores import pck_scores, torso_lengths
from rmpe.geometry.boxes import box_iou_matrix
from rmpe.records import FloatArray, IntArray, Poses
from rmpe.skeletons import COCO_19, Skeleton, convert_joints
from rmpe.synthetic import Scene, SyntheticFrame

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator

COUNTED_FRACTION = 0.4
SAME_PERSON_IOU = 0.5
PCK_THRESHOLD = 0.2
# above every sum of overlaps, and above every sum of those who can be seen
_COUNTED = 1e3
_HELD = 1e6


@dataclass(frozen=True)
class DemoReport:
    """What was found against what was there.

    A box belongs to whom its identity had last, where it still overlaps them by half (CLEAR MOT).
    Of others people who can be seen come before those of whom less than 40 % can, who are neither
    missed nor false nor exchanged.
    """

    frames: int
    """Frames of the clip."""
    people: int
    """People in the whole clip."""
    seen: int
    """People who can be seen, summed over frames."""
    found: int
    """Those of them who have a pose whose box overlaps theirs by half (IoU 0.5)."""
    invented: int
    """Poses where nobody is."""
    pck: float
    """Share of visible limb joints of those found within 0.2 torsos, 0..1; NaN without any."""
    identities: int
    """Ids given to the people found."""
    switches: int
    """Times a person's id became another one."""
    seconds: float
    """Duration of the run, the rendering included."""

    @property
    def recall(self) -> float:
        """Share of those seen who were found, 0..1; NaN when nobody could be seen."""
        return self.found / self.seen if self.seen else float("nan")

    def table(self) -> list[str]:
        """Return the printout, a line a fact."""
        rate = self.frames / self.seconds if self.seconds > 0 else float("nan")
        return [
            f"{'people found':<22} {_percent(self.recall)}  of {self.seen} in {self.frames} frames",
            f"{'poses of nobody':<22} {self.invented:>8}",
            f"{'joints within 0.2':<22} {_percent(self.pck)}  of the torso (PCK, limbs)",
            f"{'identities':<22} {self.identities:>8}  for {self.people} people",
            f"{'identity switches':<22} {self.switches:>8}",
            f"{'frames per second':<22} {rate:>8.1f}  with the rendering",
        ]


def run_demo(
    scene: Scene,
    frames: int,
    estimator: PoseEstimator,
    tracker: Tracker | None = None,
    *,
    options: RunOptions | None = None,
    writers: Iterable[tuple[str, Writer]] = (),
) -> DemoReport:
    """Render `frames` frames of a scene, run the pipeline on them and return the comparison.

    Args:
        scene: people whose places are known.
        frames: length of the run.
        estimator: finds people and their joints.
        tracker: gives identities; None leaves every id 0 and counts no switches.
        options: how the run goes.
        writers: as of :func:`pipeline.assemble.assemble`.

    Raises:
        StageError: a stage failed.
    """
    reader = SceneReader(scene, frames)
    begin = time.perf_counter()
    run = assemble(reader, NetworkPoses(estimator), options, tracker, writers)
    poses = [result.poses for result in run]
    seconds = time.perf_counter() - begin
    return compare_with_truth(poses, reader.truth, estimator.skeleton, seconds)


def compare_with_truth(
    found: Sequence[Poses],
    truth: Sequence[SyntheticFrame],
    skeleton: Skeleton,
    seconds: float = 0.0,
) -> DemoReport:
    """Return the comparison of each frame's poses with the truth about it.

    Args:
        found: poses of every frame.
        truth: what is known of the same frames.
        skeleton: of the poses; its joints are compared by name.
        seconds: duration of the run, for the report.
    """
    seen = matched = invented = switches = 0
    last_id: dict[int, int] = {}
    given: set[int] = set()
    pairs: list[tuple[Poses, SyntheticFrame]] = []
    for poses, real in zip(found, truth, strict=True):
        counts = real.visible_fraction >= COUNTED_FRACTION
        held = np.array([last_id.get(int(person), 0) for person in real.ids], np.int64)
        held_pairs = (poses.ids[:, None] == held) & (held > 0)
        pose_rows, real_rows = match_boxes(
            poses.boxes_xyxy, real.boxes_xyxy, _HELD * held_pairs + _COUNTED * counts
        )
        invented += len(poses) - len(pose_rows)
        seen += int(counts.sum())
        kept = counts[real_rows]
        matched += int(kept.sum())
        pairs.append((poses.select(pose_rows[kept]), real.select(real_rows[kept])))
        people_ids, given_ids = real.ids[real_rows[kept]], poses.ids[pose_rows[kept]]
        for person, identity in zip(people_ids.tolist(), given_ids.tolist()):
            if identity:
                switches += last_id.get(person, identity) != identity
                last_id[person] = identity
                given.add(identity)
    people = {int(person) for real in truth for person in real.ids}
    return DemoReport(
        frames=len(truth),
        people=len(people),
        seen=seen,
        found=matched,
        invented=invented,
        pck=_pck(pairs, skeleton),
        identities=len(given),
        switches=switches,
        seconds=seconds,
    )


def match_boxes(
    found_xyxy: FloatArray, real_xyxy: FloatArray, preference: NDArray[np.float64] | float = 0.0
) -> tuple[IntArray, IntArray]:
    """Return rows of found boxes (N, 4) and real ones (M, 4) that belong together, IoU 0.5 or more.

    The assignment has the greatest sum of IoU and ``preference``, (N, M) or what broadcasts to it
    (Hungarian method).
    """
    overlap = box_iou_matrix(found_xyxy, real_xyxy)
    overlap = np.where(overlap >= SAME_PERSON_IOU, overlap + preference, 0.0)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    kept = overlap[rows, columns] > 0.0
    return rows[kept].astype(np.int64), columns[kept].astype(np.int64)


def _pck(pairs: Sequence[tuple[Poses, SyntheticFrame]], skeleton: Skeleton) -> float:
    found_xy = [
        convert_joints(poses.keypoints_xy, poses.keypoint_scores, skeleton, COCO_19)[0]
        for poses, _ in pairs
    ]
    if not found_xy:
        return float("nan")
    real_xy = np.concatenate([real.keypoints_xy for _, real in pairs])
    visible = np.concatenate([real.visible for _, real in pairs])
    lengths = torso_lengths(real_xy, np.ones_like(visible), COCO_19)
    return pck_scores(
        np.concatenate(found_xy), real_xy, visible, lengths, COCO_19, PCK_THRESHOLD
    ).mean


def _percent(share: float) -> str:
    return f"{100.0 * share:>7.1f}%"
