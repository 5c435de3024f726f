"""Association: candidates where they are, nodes that merge, and the best assignment."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpe.association import (
    AssociationParameters,
    JointCandidates,
    JointNodes,
    assign_nodes,
    associate,
    find_candidates,
    merge_candidates,
)
from rmpe.geometry.crop import CropTransform
from rmpe.heatmaps import get_codec
from rmpe.records import Boxes

CODEC = get_codec("hrnet")


def crop(box: tuple[float, float, float, float]) -> CropTransform:
    """A crop of 3:4, so that the frame's pixel of input (0, 0) is the box's corner."""
    return CropTransform(np.array(box, np.float32), 256, 192)


def gaussian_map(peaks: list[tuple[float, float, float]]) -> torch.Tensor:
    """A 64 x 48 map with Gaussians of sigma 2 cells at (x, y) cells, each of its own height."""
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
    maps = [h * torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8) for x, y, h in peaks]
    return torch.stack([*maps, torch.zeros(64, 48)]).amax(0)


def test_candidates_are_the_local_maxima_above_the_threshold() -> None:
    heatmaps = gaussian_map([(10, 20, 1.0), (30, 40, 0.5), (40, 10, 0.05)])[None, None]
    # The crop is 96 x 128, so a cell is 2 frame pixels wide.
    found = find_candidates(heatmaps, [crop((100, 200, 196, 328))], CODEC, threshold=0.1)
    order = np.argsort(-found.response)
    assert found.response[order] == pytest.approx([1.0, 0.5])
    assert found.xy[order] == pytest.approx(np.array([[120, 240], [160, 280]]), abs=1e-3)
    assert found.size == pytest.approx([4.0, 4.0])


def test_a_plateau_is_one_candidate() -> None:
    heatmaps = torch.zeros(1, 1, 64, 48)
    heatmaps[0, 0, 10:12, 20:23] = 0.7
    assert len(find_candidates(heatmaps, [crop((0, 0, 192, 256))], CODEC, 0.1)) == 1


def standing(shift: float) -> torch.Tensor:
    """Maps (5, 64, 48) of five joints down a line."""
    return torch.stack([gaussian_map([(12 + shift, 10 + 10 * k, 0.8)]) for k in range(5)])


def test_one_person_is_read_as_the_codec_reads_it() -> None:
    maps, place = standing(0)[None], crop((0, 0, 192, 256))
    boxes = Boxes(np.array([[0, 0, 192, 256]], np.float32), np.array([0.9], np.float32))
    poses = associate(maps, [place], boxes, CODEC, [0.1] * 5)
    expected, _ = CODEC.decode(maps)
    np.testing.assert_allclose(poses.keypoints_xy, place.to_image(expected.numpy()), atol=1e-4)
    np.testing.assert_allclose(poses.keypoint_scores, 0.8, atol=1e-5)
    np.testing.assert_allclose(poses.scores, 0.9 * 0.8, atol=1e-5)


@pytest.mark.parametrize("copies", [2, 5])
def test_identical_proposals_are_one_person(copies: int) -> None:
    boxes = Boxes(
        np.tile(np.array([[0, 0, 192, 256]], np.float32), (copies, 1)),
        np.linspace(0.3, 0.9, copies).astype(np.float32),
    )
    maps = standing(0)[None].repeat(copies, 1, 1, 1)
    poses = associate(maps, [crop((0, 0, 192, 256))] * copies, boxes, CODEC, [0.1] * 5)
    assert len(poses) == 1
    assert poses.box_scores.tolist() == pytest.approx([0.9])
    np.testing.assert_allclose(poses.keypoint_scores, 0.8, atol=1e-5)


def test_maps_and_boxes_without_any_score_give_nobody_or_nothing() -> None:
    boxes = Boxes(np.array([[0, 0, 192, 256]] * 2, np.float32), np.zeros(2, np.float32))
    places = [crop((0, 0, 192, 256))] * 2
    assert len(associate(torch.zeros(2, 5, 64, 48), places, boxes, CODEC, [0.1] * 5)) == 0
    poses = associate(standing(0)[None].repeat(2, 1, 1, 1), places, boxes, CODEC, [0.1] * 5)
    assert poses.scores.tolist() == [0.0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    corners, scores = np.array([[0, 0, 192, 256]], np.float32), np.ones(1, np.float32)
    places, maps = [crop((0, 0, 192, 256))], standing(0)[None]
    broken = maps.clone()
    broken[0, 2, 5, 5] = value
    with pytest.raises(ValueError, match="heatmaps holds a value that is not a finite number"):
        associate(broken, places, Boxes(corners, scores), CODEC, [0.1] * 5)
    with pytest.raises(ValueError, match="box scores holds"):
        associate(maps, places, Boxes(corners, scores * np.float32(value)), CODEC, [0.1] * 5)


def test_what_does_not_belong_together_is_refused() -> None:
    boxes = Boxes(np.array([[0, 0, 192, 256]], np.float32), np.ones(1, np.float32))
    maps = standing(0)[None]
    with pytest.raises(ValueError, match="1 crops, 0 transforms and 1 boxes"):
        associate(maps, [], boxes, CODEC, [0.1] * 5)
    with pytest.raises(ValueError, match="5 joints and 4 sigmas"):
        associate(maps, [crop((0, 0, 192, 256))], boxes, CODEC, [0.1] * 4)


def test_no_people_give_no_poses() -> None:
    poses = associate(torch.zeros(0, 17, 64, 48), [], Boxes.empty(), CODEC, [0.1] * 17)
    assert len(poses) == 0
    assert poses.joint_count == 17


def candidates_of(rows: list[tuple[int, int, float, float, float]]) -> JointCandidates:
    """Candidates from (person, joint, x, y, response), response size 10 px."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    return JointCandidates(
        person=table[:, 0].astype(np.int64),
        joint=table[:, 1].astype(np.int64),
        xy=table[:, 2:4],
        response=table[:, 4],
        size=np.full(len(table), 10, np.float32),
    )


def test_candidates_of_one_joint_merge_within_reach_only() -> None:
    candidates = candidates_of(
        [(0, 0, 0, 0, 0.6), (1, 0, 8, 0, 0.2), (1, 0, 30, 0, 0.9), (0, 1, 0, 0, 0.5)]
    )
    nodes = merge_candidates(candidates, 2, [1.0, 1.0])
    by_place = {
        (int(j), round(float(x), 4)): w
        for j, (x, _), w in zip(nodes.joint, nodes.xy, nodes.weights.tolist())
    }
    # The first two meet at (0.6·0 + 0.2·8) / 0.8 = 2.
    assert set(by_place) == {(0, 2.0), (0, 30.0), (1, 0.0)}
    assert by_place[0, 2.0] == pytest.approx([0.6, 0.2])
    assert by_place[0, 30.0] == pytest.approx([0, 0.9])


@settings(deadline=None)
@given(st.integers(0, 4), st.integers(0, 4), st.integers(0, 10_000))
def test_the_assignment_is_the_best_of_all(node_count: int, person_count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.random((node_count, person_count)) * (
        rng.random((node_count, person_count)) < 0.7
    )
    nodes = JointNodes(np.zeros(node_count, np.int64), np.zeros((node_count, 2)), weights)
    chosen = assign_nodes(nodes, 1)[:, 0]
    given_nodes = chosen[chosen >= 0]
    assert len(set(given_nodes)) == len(given_nodes)
    total = sum(weights[n, p] for p, n in enumerate(chosen) if n >= 0)
    best = 0.0
    options = [*range(node_count), *([-1] * person_count)]
    for plan in itertools.permutations(options, person_count):
        best = max(best, sum(weights[n, p] for p, n in enumerate(plan) if n >= 0))
    assert total == pytest.approx(best)


def test_a_stolen_joint_goes_back_to_its_owner() -> None:
    # Both crops see both people's wrists; person 1's own map answers a little stronger at person
    # 0's wrist, which plain argmax would take.
    first, second = crop((0, 0, 192, 256)), crop((40, 0, 232, 256))
    maps = torch.zeros(2, 3, 64, 48)
    for joint in range(3):
        x0, x1, y = 20.0, 35.0, 10.0 + 15 * joint
        maps[0, joint] = gaussian_map([(x0, y, 1.0), (x1, y, 0.5)])
        maps[1, joint] = gaussian_map([(x0 - 10, y, 0.65), (x1 - 10, y, 0.6)])
    boxes = Boxes(np.array([[0, 0, 100, 256], [80, 0, 232, 256]]), np.ones(2))
    poses = associate(maps, [first, second], boxes, CODEC, [0.079] * 3)
    assert poses.keypoints_xy[:, :, 0] == pytest.approx(np.array([[80] * 3, [140] * 3]), abs=1.0)


def test_redundant_proposals_are_one_person() -> None:
    maps = torch.stack([gaussian_map([(20, 30, h)]) for h in (1.0, 0.8)])[:, None].repeat(
        1, 3, 1, 1
    )
    boxes = Boxes(np.array([[0, 0, 192, 256]] * 2), np.array([0.9, 0.8]))
    crops = [crop((0, 0, 192, 256))] * 2
    poses = associate(
        maps, crops, boxes, CODEC, [0.079] * 3, AssociationParameters(minimum_joints=1)
    )
    assert poses.box_scores.tolist() == pytest.approx([0.9])
