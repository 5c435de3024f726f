"""Choosing a suppression by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rmpe.pose_nms import ALPHAPOSE, OksNmsParameters, apply_nms, choose_nms
from rmpe.pose_nms.parameters import RMPE, save_parameters
from rmpe.records import Poses
from rmpe.skeletons import COCO_17


def twins() -> Poses:
    """The same pose twice."""
    xy = np.random.default_rng(0).uniform(0, 200, (1, 17, 2)).repeat(2, 0)
    return Poses(
        boxes_xyxy=[[0, 0, 200, 200]] * 2,
        box_scores=[0.9, 0.8],
        keypoints_xy=xy,
        keypoint_scores=np.full((2, 17), 0.8),
        scores=[0.72, 0.64],
        ids=[0, 0],
    )


@pytest.mark.parametrize(("name", "kept"), [("pose", 1), ("oks", 1), ("oks-soft", 2), ("none", 2)])
def test_every_name_suppresses_in_its_way(name: str, kept: int) -> None:
    assert len(apply_nms(twins(), choose_nms(name), COCO_17.sigmas)) == kept
    nobody = apply_nms(Poses.empty(17), choose_nms(name), COCO_17.sigmas)
    assert len(nobody) == 0


def test_parameters_come_from_a_set_or_a_file(tmp_path: Path) -> None:
    assert choose_nms() == ALPHAPOSE
    assert choose_nms("pose", "rmpe") == RMPE
    save_parameters(tmp_path / "fitted.json", RMPE)
    assert choose_nms("pose", str(tmp_path / "fitted.json")) == RMPE
    assert choose_nms("oks", oks_threshold=0.5) == OksNmsParameters(0.5)


def test_wrong_choices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="oks-soft"):
        choose_nms("best")
    with pytest.raises(ValueError, match="OKS threshold"):
        choose_nms("oks", oks_threshold=0.0)
    with pytest.raises(ValueError, match="limit"):
        OksNmsParameters(limit=0)
    with pytest.raises(OSError, match="missing"):
        choose_nms("pose", str(tmp_path / "missing.json"))
