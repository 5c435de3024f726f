"""Box arithmetic by hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest

from rmpe.geometry.boxes import (
    box_area,
    box_iou_matrix,
    box_xywh_to_xyxy,
    box_xyxy_to_xywh,
    clip_boxes,
    grow_boxes,
    keypoint_extent_boxes,
    snap_boxes,
)


def test_formats_convert_and_return() -> None:
    xyxy = np.array([[10, 20, 40, 80]], np.float32)
    assert box_xyxy_to_xywh(xyxy).tolist() == [[10, 20, 30, 60]]
    assert box_xywh_to_xyxy(box_xyxy_to_xywh(xyxy)).tolist() == xyxy.tolist()


def test_iou_of_half_overlap_is_a_third() -> None:
    iou = box_iou_matrix([[0, 0, 10, 10]], [[5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 10, 10]])
    assert iou[0] == pytest.approx([1 / 3, 0, 1])


def test_no_boxes_give_an_empty_matrix() -> None:
    assert box_iou_matrix(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)


def test_boxes_without_area_do_not_overlap() -> None:
    assert box_iou_matrix([[5, 5, 5, 5]], [[5, 5, 5, 5]])[0, 0] == 0
    assert box_area([[10, 10, 0, 0]])[0] == 0


def test_boxes_that_differ_in_their_last_digits_snap_to_the_same_eighths() -> None:
    one = np.array([[10.06, 20.1876, 39.9999, 80.0]], np.float32)
    assert snap_boxes(one).tolist() == [[10, 20.25, 40, 80]]
    assert snap_boxes(one + np.float32(1e-4)).tolist() == snap_boxes(one).tolist()


def test_clip_and_grow() -> None:
    assert clip_boxes([[-5, 2, 200, 90]], 100, 50).tolist() == [[0, 2, 100, 50]]
    assert grow_boxes([[10, 10, 20, 30]], 2.0).tolist() == [[5, 0, 25, 40]]


def test_extent_of_the_counted_joints() -> None:
    points = np.array([[[1, 9], [5, 2], [100, 100]], [[0, 0], [0, 0], [0, 0]]], np.float32)
    counted = np.array([[True, True, False], [False, False, False]])
    assert keypoint_extent_boxes(points, counted).tolist() == [[1, 2, 5, 9], [0, 0, 0, 0]]
    assert keypoint_extent_boxes(points[:0], counted[:0]).shape == (0, 4)
