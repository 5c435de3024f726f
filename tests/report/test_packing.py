"""The packed arrays give back what was stored, decoded here by the words of their description."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import pytest

from rmpe.formats import ClipHeader, PoseRecord
from rmpe.records import Poses
from rmpe.report.packing import PackedPoses, pack_poses
from rmpe.skeletons import COCO_17, HALPE_136, SKELETONS, Skeleton


def unpacked(packed: PackedPoses) -> Any:
    """Decode a blob: bytes of equal weight together, differences to the row before, little end."""
    raw = zlib.decompress(base64.b64decode(packed.blob()))
    arrays, offset = {}, 0
    for item in packed.layout():
        kind, shape = np.dtype(item["type"]).newbyteorder("<"), item["shape"]
        size = int(np.prod(shape)) * kind.itemsize
        planes = np.frombuffer(raw[offset : offset + size], np.uint8).reshape(kind.itemsize, -1)
        values = np.ascontiguousarray(planes.T).view(kind).reshape(shape)
        arrays[item["name"]] = np.cumsum(values, axis=0, dtype=kind)
        offset += size
    assert offset == len(raw)
    return arrays


def random_records(frames: int, people: int, joints: int, seed: int, known_ids: bool = True) -> Any:
    random = np.random.default_rng(seed)
    for index in range(frames):
        corners = random.uniform(0, 500, (people, 2))
        yield PoseRecord(
            index * 3,
            index / 8,
            Poses(
                boxes_xyxy=np.concatenate([corners, corners + 80], 1),
                box_scores=random.uniform(0, 1, people),
                keypoints_xy=random.uniform(-30, 600, (people, joints, 2)),
                keypoint_scores=random.uniform(0, 1, (people, joints)),
                scores=random.uniform(0, 1, people),
                ids=random.permutation(people) + 1 if known_ids else np.zeros(people),
            ),
        )


def test_rounding_is_all_that_is_lost() -> None:
    records = list(random_records(7, 4, 17, seed=1))
    packed = pack_poses(records, ClipHeader(COCO_17, "a.mp4", 640, 480, 8.0))
    arrays = unpacked(packed)
    assert arrays["slot_frame"].tolist() == [0, 3, 6, 9, 12, 15, 18]
    np.testing.assert_array_equal(arrays["slot_time"], np.arange(7) * 1250)
    assert [(track.identity, track.row_count) for track in packed.tracks] == [
        (1, 7), (2, 7), (3, 7), (4, 7)
    ]  # fmt: skip
    for track in packed.tracks:
        for row in range(track.first_row, track.first_row + track.row_count):
            poses = records[arrays["row_slot"][row]].poses
            (person,) = np.flatnonzero(poses.ids == track.identity)
            xy = arrays["joints"][row].reshape(17, 2) * packed.quantum_px
            assert np.abs(xy - poses.keypoints_xy[person]).max() <= 0.125 + 1e-4
            box = arrays["boxes"][row] * packed.quantum_px
            assert np.abs(box - poses.boxes_xyxy[person]).max() <= 0.125 + 1e-4
            joint_scores = arrays["joint_scores"][row] * packed.score_step
            assert np.abs(joint_scores - poses.keypoint_scores[person]).max() <= 0.005 + 1e-6
            row_scores = arrays["row_scores"][row] * packed.score_step
            want = [poses.scores[person], poses.box_scores[person]]
            assert np.abs(row_scores - want).max() <= 0.005 + 1e-6


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda skeleton: skeleton.name)
def test_every_skeleton_is_packed(skeleton: Skeleton) -> None:
    records = random_records(2, 2, skeleton.joint_count, seed=2)
    packed = pack_poses(records, ClipHeader(skeleton, "", 640, 480))
    assert unpacked(packed)["joints"].shape == (4, 2 * skeleton.joint_count)


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_frames_without_people_are_kept(frames: int) -> None:
    records = [PoseRecord(i, i / 25, Poses.empty(17)) for i in range(frames)]
    packed = pack_poses(records, ClipHeader(COCO_17))
    assert packed.frame_count == frames and packed.row_count == 0 and packed.tracks == ()
    assert unpacked(packed)["boxes"].shape == (0, 4)


def test_people_without_id_share_the_last_track() -> None:
    records = list(random_records(3, 2, 17, seed=3, known_ids=False))
    records += random_records(1, 1, 17, seed=4)
    packed = pack_poses(records, ClipHeader(COCO_17, "", 640, 480))
    tracks = [(track.identity, track.first_row, track.row_count) for track in packed.tracks]
    assert tracks == [(1, 0, 1), (0, 1, 6)]


def test_large_pictures_and_strays_fit_into_the_steps() -> None:
    record = next(random_records(1, 1, 17, seed=5))
    xy = record.poses.keypoints_xy.copy()
    xy[0, 0], xy[0, 1], xy[0, 2] = (1e9, -1e9), (7679, 4319), (np.nan, 5)
    poses = Poses(
        record.poses.boxes_xyxy, [0.5], xy, record.poses.keypoint_scores, [0.5], record.poses.ids
    )
    packed = pack_poses([PoseRecord(0, 0.0, poses)], ClipHeader(COCO_17, "", 7680, 4320))
    joints = unpacked(packed)["joints"].reshape(17, 2) * packed.quantum_px
    np.testing.assert_allclose(joints[0], [15360, -15360], atol=1)
    np.testing.assert_allclose(joints[1], [7679, 4319], atol=0.25)
    assert unpacked(packed)["joint_scores"][0, 2] == 0


def test_scores_above_one_widen_the_steps() -> None:
    record = next(random_records(1, 1, 17, seed=6))
    poses = record.poses
    wide = Poses(poses.boxes_xyxy, [0.5], poses.keypoints_xy, np.full((1, 17), 5.1), [0.5], [1])
    packed = pack_poses([PoseRecord(0, 0.0, wide)], ClipHeader(COCO_17, "", 640, 480))
    np.testing.assert_allclose(unpacked(packed)["joint_scores"] * packed.score_step, 5.1, atol=0.02)


def test_pictures_without_times_are_a_second_apart() -> None:
    records = [PoseRecord(index, 0.0, Poses.empty(17)) for index in range(3)]
    packed = pack_poses(records, ClipHeader(COCO_17))
    assert packed.arrays["slot_time"].tolist() == [0, 10_000, 20_000]


def test_ten_minutes_of_twenty_people_stay_small() -> None:
    # Two seconds stand for the ten minutes: bytes a person and frame are what counts.
    random = np.random.default_rng(7)
    path = np.cumsum(random.normal(0, 1.5, (50, 20, 17, 2)), 0) + random.uniform(0, 900, (20, 1, 2))
    records = [
        PoseRecord(
            index, index / 25,
            Poses(
                boxes_xyxy=np.concatenate([xy.min(1), xy.max(1)], 1), box_scores=np.full(20, 0.8),
                keypoints_xy=xy, keypoint_scores=random.uniform(0.7, 0.95, (20, 17)),
                scores=np.full(20, 0.8), ids=np.arange(20) + 1,
            ),
        )
        for index, xy in enumerate(path)
    ]  # fmt: skip
    packed = pack_poses(records, ClipHeader(COCO_17, "", 1280, 720, 25.0))
    assert len(packed.blob()) / packed.row_count < 90


def test_a_skeleton_of_its_own_is_packed() -> None:
    stick = Skeleton("stick", ("top", "foot"), ((0, 1),), (0.1, 0.1))
    packed = pack_poses(random_records(2, 1, 2, seed=8), ClipHeader(stick, "", 640, 480))
    assert packed.arrays["joints"].shape == (2, 4)


def test_blobs_are_the_same_every_time() -> None:
    header = ClipHeader(HALPE_136, "", 640, 480)
    blobs = {pack_poses(random_records(2, 3, 136, seed=9), header).blob() for _ in range(2)}
    assert len(blobs) == 1
