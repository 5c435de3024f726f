"""The self-test finds drawn people, and says so when it does not."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

import cli
import rmpe
from rmpe import doctor
from rmpe.estimator import PoseEstimator
from rmpe.records import Poses


def test_the_self_test_finds_the_drawn_people() -> None:
    name, text = doctor.self_test()
    assert name == "self-test"
    assert text.startswith(("2 of 3 drawn people", "3 of 3 drawn people")), text


@pytest.mark.parametrize("found", [0, 2])
def test_a_self_test_that_finds_nobody_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, found: int
) -> None:
    boxes = np.tile(np.array([[0, 0, 3, 3]], np.float32), (found, 1))
    joints = np.zeros((found, 17, 2), np.float32)
    ones = np.ones(found, np.float32)
    elsewhere = Poses(boxes, ones, joints, np.ones((found, 17)), ones, np.zeros(found))
    monkeypatch.setattr(PoseEstimator, "__call__", lambda self, image_bgr: elsewhere)
    with pytest.raises(RuntimeError, match="none of 3 drawn people"):
        doctor.self_test()


def test_doctor_and_version_tell_the_version_of_the_code() -> None:
    said = CliRunner().invoke(cli.rmpe_command, ["--version"]).output
    assert said == f"rmpe, version {rmpe.__version__}\n"
    assert ("rmpe", rmpe.__version__) in doctor.describe_machine()
