"""The detector's loss: overlaps by hand, who learns what, and that unknown teaches nothing."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch._tensor import Tensor

from rmpe.networks.compact_detector import DISTANCES, cell_centres, cell_strides
from rmpe.records import Boxes
from rmpe.training.losses.detection import (
    DetectionLoss,
    assign,
    cell_weights,
    detection_loss,
    distance_entropy,
    pair_iou,
)

SIDE = 128
CENTRES, STRIDES = cell_centres(SIDE, SIDE), cell_strides(SIDE, SIDE)
TRUTH = torch.tensor([[24.0, 16.0, 72.0, 112.0]])


def answer(boxes_by_cell: Any, logit: float = -6.0) -> tuple[Tensor, Tensor]:
    """Network's answer for one picture; cells named in the dict predict those boxes surely."""
    logits = torch.full((1, len(CENTRES)), logit)
    edges = torch.zeros(1, len(CENTRES), 4, DISTANCES)
    for cell, (box, cell_logit) in boxes_by_cell.items():
        logits[0, cell] = cell_logit
        corners = torch.tensor(box)
        distances = torch.cat([CENTRES[cell] - corners[:2], corners[2:] - CENTRES[cell]])
        for edge, distance in enumerate((distances / STRIDES[cell]).tolist()):
            below = min(int(distance), DISTANCES - 2)
            share = min(max(distance - below, 1e-6), 1 - 1e-6)
            edges[0, cell, edge] = -30.0
            edges[0, cell, edge, below] = math.log(1 - share)
            edges[0, cell, edge, below + 1] = math.log(share)
    return logits, edges


def learners(*boxes: Boxes) -> Any:
    """Cells that learn each box, by the index of the box."""
    index = assign(torch.tensor(boxes), CENTRES, STRIDES)
    return {box: torch.nonzero(index == box)[:, 0].tolist() for box in range(len(boxes))}


def test_overlaps_of_a_hand_worked_pair() -> None:
    iou, giou = pair_iou(torch.tensor([0.0, 0, 2, 2]), torch.tensor([1.0, 0, 4, 2]))
    # Overlap 2, union 4 + 6 - 2 = 8, hull 8: GIoU equals IoU.
    assert iou == pytest.approx(0.25) and giou == pytest.approx(0.25)
    iou, giou = pair_iou(torch.tensor([0.0, 0, 1, 1]), torch.tensor([3.0, 0, 4, 1]))
    assert iou == 0 and giou == pytest.approx(-0.5)


def test_the_square_of_the_persons_size_chooses_the_stride() -> None:
    # Squares are 64, 128 and 256 px wide; cells of stride 8 come first, then 256, then 64 of 16.
    small = learners([32.0, 32.0, 96.0, 96.0])[0]
    assert small and all(cell < 256 for cell in small)
    large = learners([0.0, 0.0, 128.0, 128.0])[0]
    assert large and all(256 <= cell < 320 for cell in large)


def test_learners_lie_in_the_persons_middle() -> None:
    cells = learners([24.0, 16.0, 72.0, 112.0])[0]
    away = (CENTRES[cells] - torch.tensor([48.0, 64.0])).abs()
    assert cells and (away < 17).all()
    assert (CENTRES[cells] > torch.tensor([24.0, 16.0])).all()


def test_a_cell_between_two_people_learns_the_one_it_overlaps_more() -> None:
    both = learners([32.0, 32.0, 96.0, 96.0], [56.0, 56.0, 80.0, 80.0])
    alone = learners([32.0, 32.0, 96.0, 96.0])[0]
    # A square of 64 px overlaps the large person more wherever both want the cell.
    assert both[0] == alone and not set(both[0]) & set(both[1])


def test_background_costs_only_where_it_is_known() -> None:
    logits, edges = answer({5: ((0.0, 0.0, 30.0, 30.0), 3.0)})
    nobody = [torch.zeros(0, 4)]
    known = detection_loss(logits, edges, nobody, torch.ones(1, 16, 16))
    unknown = detection_loss(logits, edges, nobody, torch.zeros(1, 16, 16))
    assert known.total > 1.0 and unknown.total == 0 and known.box == 0


def test_a_perfect_answer_costs_less_than_a_shifted_or_timid_one() -> None:
    cells = learners(*TRUTH.tolist())[0]

    def loss(box: tuple[float, float, float, float], logit: float) -> DetectionLoss:
        logits, edges = answer(dict.fromkeys(cells, (box, logit)))
        return detection_loss(logits, edges, [TRUTH], torch.ones(1, 16, 16))

    right = loss((24.0, 16.0, 72.0, 112.0), 6.0)
    shifted = loss((36.0, 16.0, 84.0, 112.0), 6.0)
    timid = loss((24.0, 16.0, 72.0, 112.0), -2.0)
    assert right.score < 0.01 < shifted.score and right.score < timid.score
    assert right.box == pytest.approx(0.0, abs=1e-4)
    # Shifted by a quarter: overlap 36 of 48 wide, union and hull 60 wide: IoU = GIoU = 36 / 60.
    assert shifted.box == pytest.approx(1 - 36 / 60, abs=1e-3)
    assert shifted.edge > right.edge


def test_the_entropy_of_a_distance_between_two_places() -> None:
    edges = torch.full((DISTANCES,), -40.0)
    edges[3], edges[4] = math.log(0.75), math.log(0.25)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert distance_entropy(edges, torch.tensor(3.25)) == pytest.approx(entropy, rel=1e-5)
    even = torch.zeros(DISTANCES)
    assert distance_entropy(even, torch.tensor(99.0)) == pytest.approx(math.log(DISTANCES))


def test_coarse_cells_take_the_least_trust_they_cover() -> None:
    weight = torch.ones(1, 4, 4)
    weight[0, 0, 1] = 0.25
    assert cell_weights(weight)[0, 16:].tolist() == [0.25, 1, 1, 1, 0.25]


def test_gradients_reach_score_and_edges() -> None:
    cell = learners(*TRUTH.tolist())[0][0]
    logits, edges = answer({cell: ((32.0, 16.0, 72.0, 112.0), 0.0)})
    logits.requires_grad_(True)
    edges.requires_grad_(True)
    detection_loss(logits, edges, [TRUTH], torch.ones(1, 16, 16)).total.backward()
    assert logits.grad[0, cell] < 0  # a higher score is better
    left = edges.grad[0, cell, 0]
    right_place = int((CENTRES[cell, 0] - 24.0) / STRIDES[cell])
    assert left[right_place + 1] < 0  # the left edge wants to go further left
