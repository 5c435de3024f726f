"""The detector's loss: overlaps by hand, who learns what, and that unknown teaches nothing."""

from __future__ import annotations

import pytest
import torch

from rmpe.networks.compact_detector import cell_centres, cell_strides
from rmpe.training.detection_loss import (
    DetectionLossParameters,
    assign,
    cell_weights,
    detection_loss,
    pair_iou,
)

SIDE = 64
PARAMETERS = DetectionLossParameters()


def output_with(boxes_by_cell, logit=-5.0):
    """Network output for one picture; cells named in the dict predict those boxes."""
    centres = cell_centres(SIDE, SIDE)
    output = torch.zeros(1, len(centres), 5)
    output[..., 0] = logit
    output[..., 1:] = 2.0
    for cell, (box, cell_logit) in boxes_by_cell.items():
        output[0, cell, 0] = cell_logit
        output[0, cell, 1:3] = centres[cell] - torch.tensor(box[:2])
        output[0, cell, 3:5] = torch.tensor(box[2:]) - centres[cell]
    return output


def test_overlaps_of_a_hand_worked_pair():
    iou, giou = pair_iou(torch.tensor([0.0, 0, 2, 2]), torch.tensor([1.0, 0, 4, 2]))
    # Overlap 2, union 4 + 6 - 2 = 8, hull 8: GIoU equals IoU.
    assert iou == pytest.approx(0.25) and giou == pytest.approx(0.25)
    iou, giou = pair_iou(torch.tensor([0.0, 0, 1, 1]), torch.tensor([3.0, 0, 4, 1]))
    assert iou == 0 and giou == pytest.approx(-0.5)


def learners(*boxes):
    """Cells that learn each box, by the index of the box."""
    index = assign(
        torch.tensor(boxes), cell_centres(SIDE, SIDE), cell_strides(SIDE, SIDE), PARAMETERS
    )
    return {box: torch.nonzero(index == box)[:, 0].tolist() for box in range(len(boxes))}


def test_a_small_person_is_learnt_by_cells_around_its_middle():
    # Middle (22, 30): columns 1..3 and rows 2..4 of stride 8 (centres 3.5 + 8 n) lie within 12 px
    # and inside the box, which ends at x = 12 and 32: columns 2 and 3 (19.5 and 27.5) only.
    assert learners([12.0, 10.0, 32.0, 50.0]) == {0: [18, 19, 26, 27, 34, 35]}


def test_the_size_chooses_the_stride():
    cells = learners([0.0, 0.0, 40.0, 100.0])[0]
    assert cells and all(64 <= cell < 80 for cell in cells)
    assert learners([-200.0, -200.0, 264.0, 264.0])[0] == [80, 81, 82, 83]


def test_a_person_narrower_than_a_cell_is_learnt_by_the_nearest():
    assert learners([20.0, 20.0, 23.0, 26.0])[0] == [18]


def test_a_cell_in_two_people_learns_the_smaller_one():
    cells = learners([8.0, 8.0, 32.0, 60.0], [8.0, 20.0, 32.0, 48.0])
    assert 27 - 1 in cells[1] and 27 - 1 not in cells[0]


def test_background_costs_only_where_it_is_known():
    output = output_with({5: ((0.0, 0.0, 30.0, 30.0), 3.0)})
    nobody = [torch.zeros(0, 4)]
    known = detection_loss(output, nobody, torch.ones(1, 8, 8))
    unknown = detection_loss(output, nobody, torch.zeros(1, 8, 8))
    assert known.total > 1.0 and unknown.total == 0 and known.box == 0


def test_a_perfect_answer_costs_less_than_a_shifted_or_timid_one():
    truth = [torch.tensor([[10.0, 10.0, 34.0, 50.0]])]
    weight = torch.ones(1, 8, 8)
    cells = [17, 18, 19, 25, 26, 27, 33, 34, 35]  # columns 1..3, rows 2..4 of stride 8

    def loss(box, logit):
        return detection_loss(output_with(dict.fromkeys(cells, (box, logit))), truth, weight)

    right = loss((10.0, 10.0, 34.0, 50.0), 6.0)
    shifted = loss((16.0, 10.0, 40.0, 50.0), 6.0)
    timid = loss((10.0, 10.0, 34.0, 50.0), -2.0)
    assert right.total < 0.01 < shifted.total and right.total < timid.total
    assert right.box == pytest.approx(0.0, abs=1e-5)
    # Shifted by a quarter: overlap 18 of 24 wide, hull 30 wide: IoU = GIoU = 18 / 30.
    assert shifted.box == pytest.approx(1 - 18 / 30, rel=1e-4)


def test_coarse_cells_take_the_least_trust_they_cover():
    weight = torch.ones(1, 4, 4)
    weight[0, 0, 1] = 0.25
    assert cell_weights(weight)[0, 16:].tolist() == [0.25, 1, 1, 1, 0.25]


def test_gradients_reach_score_and_distances():
    output = output_with({27: ((12.0, 10, 34, 50), 0.0)}).requires_grad_(True)
    truth = [torch.tensor([[10.0, 10.0, 34.0, 50.0]])]
    detection_loss(output, truth, torch.ones(1, 8, 8)).total.backward()
    gradient = output.grad[0, 27]
    assert gradient[0] < 0  # a higher score is better
    assert gradient[1] < 0  # the left edge wants to go further left
