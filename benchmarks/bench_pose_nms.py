"""Time of pose-NMS beside a straightforward loop written from the description of the rule.

Run: python benchmarks/bench_pose_nms.py [--json FILE]

Scenes are made from a seed: people of 60-400 px, several candidates each, 0.5-6 px of noise. Times
are medians of one thread's processor time; both implementations run in the same process, in turn.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import numpy as np
from numpy.typing import NDArray

from rmpe.pose_nms import ALPHAPOSE, PoseNmsParameters, pose_nms
from rmpe.pose_nms.parameters import WHOLE_BODY_REGRESSION
from rmpe.records import Poses

Floats = NDArray[np.float64]

CASES: tuple[tuple[str, int, int, int, PoseNmsParameters], ...] = (
    ("5 candidates", 5, 2, 17, ALPHAPOSE),
    ("50 candidates", 50, 12, 17, ALPHAPOSE),
    ("200 candidates", 200, 47, 17, ALPHAPOSE),
    ("500 candidates", 500, 89, 17, ALPHAPOSE),
    ("17 of 136 joints", 17, 14, 136, ALPHAPOSE),
    ("18 of 136, regression", 18, 8, 136, WHOLE_BODY_REGRESSION),
)


def make_scene(candidates: int, people: int, joints: int, seed: int = 0) -> Poses:
    """Return ``candidates`` poses of ``people`` people in a 1280x720 picture."""
    random = np.random.default_rng(seed)
    height = random.uniform(60, 400, people)
    centre = random.uniform(0, 1, (people, 2)) * [1280, 720]
    spread = np.stack([0.4 * height, height], -1)[:, None]
    base = random.uniform(-0.5, 0.5, (people, joints, 2)) * spread + centre[:, None]
    owner = np.concatenate([np.arange(people), random.integers(0, people, candidates)])
    owner = owner[:candidates]
    noise = random.normal(0, 1, (candidates, joints, 2)) * random.uniform(
        0.5, 6, (candidates, 1, 1)
    )
    xy = base[owner] + noise
    return Poses(
        boxes_xyxy=np.concatenate([xy.min(1) - 5, xy.max(1) + 5], 1),
        box_scores=random.uniform(0.3, 1, candidates).astype(np.float32),
        keypoints_xy=xy,
        keypoint_scores=random.uniform(0.05, 1, (candidates, joints)).astype(np.float32),
        scores=np.zeros(candidates, np.float32),
        ids=np.arange(candidates),
    )


def loop_pose_nms(
    poses: Poses, parameters: PoseNmsParameters
) -> tuple[list[int], list[list[int]], list[Floats], list[Floats], list[float]]:
    """Suppress by plain loops over picks, candidates and joints.

    Returns:
        Picked rows, members, merged joints (K, 2), merged scores (K,) and proposal scores.
    """
    xy = poses.keypoints_xy.astype(np.float64)
    scores = poses.keypoint_scores.astype(np.float64)
    scores[scores == 0] = 1e-5
    boxes = poses.boxes_xyxy.astype(np.float64)
    reference = [parameters.alpha * max(box[2] - box[0], box[3] - box[1]) for box in boxes]
    person = [float(row.mean()) for row in scores]
    alive = list(range(len(xy)))
    clusters: list[tuple[int, list[int]]] = []
    while alive:
        pick = max(alive, key=lambda row: (person[row], -row))
        cluster = [
            row
            for row in alive
            if loop_is_close(xy, scores, reference[pick], pick, row, len(alive), parameters)
        ] or [pick]
        clusters.append((pick, cluster))
        alive = [row for row in alive if row not in cluster]
    picks, members, joints, joint_scores, proposals = [], [], [], [], []
    for pick, cluster in clusters:
        if scores[pick].max() < parameters.score_threshold:
            continue
        merged, merged_scores = loop_merge(xy, scores, reference[pick], pick, cluster, parameters)
        width, height = merged.max(0) - merged.min(0)
        if parameters.rule == "rmpe":
            counted = list(merged_scores)
            if merged_scores[0] < 0.1:
                del counted[0]
            if merged_scores[5] < 0.1:
                del counted[5]
            if sum(counted) / len(counted) < parameters.score_threshold:
                continue
        elif merged_scores.max() < parameters.score_threshold:
            continue
        if 2.25 * width * height < parameters.area_threshold:
            continue
        picks.append(pick)
        members.append(cluster)
        joints.append(merged)
        joint_scores.append(merged_scores)
        box_score = float(poses.box_scores[pick])
        proposals.append(
            float(merged_scores.mean()) + box_score + 1.25 * float(merged_scores.max())
        )
    return picks, members, joints, joint_scores, proposals


def loop_is_close(
    xy: Floats,
    scores: Floats,
    reference: float,
    pick: int,
    row: int,
    alive: int,
    parameters: PoseNmsParameters,
) -> bool:
    """Return whether ``pick`` suppresses ``row``, joint by joint."""
    joints = scores.shape[1]
    radius = min(reference, parameters.match_radius_px)
    whole_body = parameters.rule == "alphapose" and joints in (133, 136)
    parts = {"body": [0.0, 0.0, 0], "face": [0.0, 0.0, 0], "hands": [0.0, 0.0, 0]}
    count = 0
    for joint in range(joints):
        distance = float(np.hypot(*(xy[pick, joint] - xy[row, joint])))
        if parameters.rule == "rmpe":
            distance /= reference
        part, size, within = "body", 1.0, 1.0
        if whole_body:
            if joint >= joints - 42:
                part, size = "hands", 0.55
            elif joint >= joints - 110:
                part, size = "face", 1.9
            within = 1.0 if joint < 26 else 1.9 if joint < 94 else 0.55
        low = bool(scores[row, joint] < parameters.score_threshold)
        total = parts[part]
        total[2] += 1
        if distance <= 1 and (low or not whole_body):
            total[0] += np.tanh(scores[pick, joint] / parameters.delta1) * np.tanh(
                scores[row, joint] / parameters.delta1
            )
        if not (whole_body and low):
            total[1] += np.exp(-distance / (parameters.delta2 * size))
        count += radius > 0 and distance <= radius * within
    if not whole_body:
        similarity = parts["body"][0] + parameters.mu * parts["body"][1]
        matches = parameters.rule == "alphapose" and count >= parameters.match_threshold
        return bool(similarity > parameters.gamma or matches)
    tanh = {name: value[0] / value[2] for name, value in parts.items()}
    near = {name: value[1] / value[2] for name, value in parts.items()}
    similarity = tanh["body"] + tanh["face"] + 0.1 * tanh["hands"]
    similarity += parameters.mu * (near["body"] + near["face"] + 1.5 * near["hands"])
    visible = int((scores[pick] > parameters.score_threshold / 2).sum())
    scaled = count * joints / (4 * alive * visible) if visible else 0.0
    return bool(similarity > parameters.gamma or scaled >= parameters.match_threshold)


def loop_merge(
    xy: Floats,
    scores: Floats,
    reference: float,
    pick: int,
    cluster: list[int],
    parameters: PoseNmsParameters,
) -> tuple[Floats, Floats]:
    """Return merged joints (K, 2) and scores (K,), joint by joint."""
    radius = reference
    if parameters.rule == "alphapose":
        radius = min(reference, parameters.merge_radius_px)
    merged, merged_scores = np.zeros_like(xy[pick]), np.zeros_like(scores[pick])
    for joint in range(scores.shape[1]):
        near = [
            row for row in cluster if float(np.hypot(*(xy[row, joint] - xy[pick, joint]))) <= radius
        ]
        total = sum(scores[row, joint] for row in near)
        for row in near:
            weight = scores[row, joint] / total
            merged[joint] += weight * xy[row, joint]
            merged_scores[joint] += weight * scores[row, joint]
        if parameters.rule == "rmpe":
            merged_scores[joint] = max(scores[row, joint] for row in near)
    return merged, merged_scores


def median_ms(call: Callable[[], object], runs: int) -> float:
    """Return the median processor time of this thread in milliseconds, after one warm-up."""
    call()
    times = []
    for _ in range(runs):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return float(np.median(times)) * 1e3


@click.command()
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write as JSON.")
def main(json_path: Path | None) -> None:
    """Print median times and the ratio to the loop."""
    click.echo(f"{'scene':>22} {'kept':>5} {'ours ms':>9} {'loop ms':>9} {'ratio':>7}")
    rows: list[dict[str, Any]] = []
    for name, candidates, people, joints, parameters in CASES:
        poses = make_scene(candidates, people, joints)
        ours = median_ms(partial(pose_nms, poses, parameters), 41)
        loop = median_ms(partial(loop_pose_nms, poses, parameters), 1 if candidates > 100 else 5)
        kept = len(pose_nms(poses, parameters))
        rows.append({"scene": name, "kept": kept, "ours_ms": ours, "loop_ms": loop})
        click.echo(f"{name:>22} {kept:>5} {ours:>9.3f} {loop:>9.2f} {loop / ours:>6.0f}x")
    if json_path is not None:
        json_path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
