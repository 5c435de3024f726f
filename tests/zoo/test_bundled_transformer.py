"""The bundled spatial transformer: what it is, and that the estimator runs with it."""

import numpy as np
import pytest

from rmpe.detectors import build_detector
from rmpe.estimator import PoseEstimator
from rmpe.geometry.crop import HRNET
from rmpe.networks.compact_pose import CompactPose
from rmpe.records import Boxes
from rmpe.sstn import SymmetricPose
from rmpe.synthetic import crowd_scene
from rmpe.zoo import load_bundled_pose


def find_nobody(images_bgr: list[np.ndarray]) -> list[Boxes]:
    return [Boxes.empty() for _ in images_bgr]


def test_it_stands_around_the_network_that_it_was_fitted_to_and_sees_a_larger_crop() -> None:
    plain, whole = load_bundled_pose(), load_bundled_pose(sstn=True)
    assert isinstance(whole.network, SymmetricPose)
    first = whole.network.network
    assert isinstance(first, CompactPose) and not first.focused
    shown = (plain.conventions.input_height, plain.conventions.input_width)
    assert whole.network.transformer.shown_hw == shown
    growth = whole.conventions.input_height / shown[0]
    # The first network's crop was HRNet's.
    assert whole.conventions.crop_style == HRNET.grown(growth)
    assert whole.conventions.skeleton == plain.conventions.skeleton
    assert whole.conventions.codec == plain.conventions.codec


def test_moved_boxes_give_nearly_the_poses_of_true_ones() -> None:
    frame = crowd_scene(1, 320, 240, 5).frame_at(0)
    true = frame.boxes_xyxy[:1]
    side = true[0, 3] - true[0, 1]
    moved = true + np.float32(0.2 * side) * np.array([[0, 1, 0, 1]], np.float32)
    one = np.ones(1, np.float32)
    estimators = [
        PoseEstimator.build(detector=find_nobody, runtime="torch", precision="fp32", sstn=sstn)
        for sstn in (False, True)
    ]
    wanted = estimators[0].estimate(frame.image_bgr, Boxes(true, one)).keypoints_xy
    errors = []
    for estimator in estimators:
        found = estimator.estimate(frame.image_bgr, Boxes(moved, one)).keypoints_xy
        errors.append(float(np.linalg.norm(found - wanted, axis=-1).mean() / side))
    assert errors[1] < 0.06
    assert errors[1] < errors[0]


def test_both_engines_place_the_joints_alike() -> None:
    frame = crowd_scene(2, 320, 240, 6).frame_at(0)
    boxes = Boxes(frame.boxes_xyxy, np.ones(2, np.float32))
    found = [
        PoseEstimator.build(
            detector=find_nobody, runtime=runtime, precision="fp32", sstn=True
        ).estimate(frame.image_bgr, boxes)
        for runtime in ("torch", "openvino")
    ]
    np.testing.assert_allclose(found[0].keypoints_xy, found[1].keypoints_xy, atol=0.05)


def test_other_networks_have_none() -> None:
    with pytest.raises(ValueError, match="the compact network's"):
        PoseEstimator.build(detector=build_detector("compact"), network="fastpose", sstn=True)
