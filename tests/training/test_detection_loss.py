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


def test_the_best_placed_cell_gets_its_iou_as_target():
    centres, strides = cell_centres(SIDE, SIDE), cell_strides(SIDE, SIDE)
    truth = torch.tensor([[10.0, 10.0, 34.0, 50.0]])
    inside = [19, 27]  # (27.5, 19.5) and (27.5, 27.5) of stride 8
    boxes = torch.zeros(len(centres), 4)
    boxes[inside[0]] = truth[0]
    boxes[inside[1]] = torch.tensor([10.0, 10, 34, 30])  # IoU 0.5
    scores = torch.full((len(centres),), 0.5)
    index, target = assign(scores, boxes, truth, centres, strides, DetectionLossParameters())
    assert sorted(torch.nonzero(index == 0)[:, 0].tolist()) == inside
    assert target[inside[0]] == pytest.approx(1.0)
    assert target[inside[1]] == pytest.approx(0.5**4)
    assert (target[index < 0] == 0).all()


def test_a_cell_in_two_people_learns_the_one_it_fits():
    centres, strides = cell_centres(SIDE, SIDE), cell_strides(SIDE, SIDE)
    truth = torch.tensor([[8.0, 8.0, 40.0, 40.0], [8.0, 8.0, 40.0, 60.0]])
    boxes = torch.zeros(len(centres), 4)
    boxes[18] = truth[1]
    index, _ = assign(
        torch.full((len(centres),), 0.5), boxes, truth, centres, strides, DetectionLossParameters()
    )
    assert index[18] == 1


def test_background_costs_only_where_it_is_known():
    output = output_with({5: ((0.0, 0.0, 30.0, 30.0), 3.0)})
    nobody = [torch.zeros(0, 4)]
    known = detection_loss(output, nobody, torch.ones(1, 8, 8))
    unknown = detection_loss(output, nobody, torch.zeros(1, 8, 8))
    assert known.total > 1.0 and unknown.total == 0 and known.box == 0


def test_a_perfect_answer_costs_less_than_a_shifted_or_timid_one():
    truth = [torch.tensor([[10.0, 10.0, 34.0, 50.0]])]
    weight = torch.ones(1, 8, 8)
    right = detection_loss(output_with({27: ((10.0, 10, 34, 50), 6.0)}), truth, weight)
    shifted = detection_loss(output_with({27: ((16.0, 10, 40, 50), 6.0)}), truth, weight)
    timid = detection_loss(output_with({27: ((10.0, 10, 34, 50), -2.0)}), truth, weight)
    assert right.total < 0.1 < shifted.total and right.total < timid.total
    assert right.box == pytest.approx(0.0, abs=1e-5)


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
