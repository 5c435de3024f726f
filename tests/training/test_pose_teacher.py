"""Files of other networks are refused as teachers."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rmpe.networks.compact_pose import CompactPose
from rmpe.training.bundled.pose_teacher import load_teacher


def test_a_saved_teacher_is_read_back_with_its_width(tmp_path: Path):
    teacher = CompactPose(19, 1.75)
    path = tmp_path / "teacher.safetensors"
    save_file({name: value.half() for name, value in teacher.state_dict().items()}, path)
    read = load_teacher(path)
    for name, value in teacher.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], value.half().float())


def test_a_network_without_focus_is_refused(tmp_path: Path):
    path = tmp_path / "pose.safetensors"
    save_file(CompactPose(19, focused=False).state_dict(), path)
    with pytest.raises(ValueError, match="is no teacher of the compact pose network"):
        load_teacher(path)
