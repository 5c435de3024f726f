"""The teacher follows the person in the middle; files of other networks are refused."""

import pytest
import torch
from safetensors.torch import save_file

from rmpe.networks.compact_pose import CompactPose
from rmpe.training.bundled.pose_teacher import FOCUS_CELLS, SHARPNESS, FocusedTeacher, load_teacher


@pytest.fixture
def teacher() -> FocusedTeacher:
    return FocusedTeacher(1.0).eval()


class _Fixed(torch.nn.Module):
    def __init__(self, values: torch.Tensor) -> None:
        super().__init__()
        self.values = values

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.values


def test_the_peak_near_where_the_joint_is_due_wins(teacher):
    # Two people's centres, the one at row 8, column 6 nearer to the middle of 16 x 12 cells.
    centre = torch.full((1, 1, 16, 12), -9.0)
    centre[0, 0, 8, 6], centre[0, 0, 2, 1] = 1.0, 2.0
    # Seen from there every joint is due 3 rows up and 2 columns to the right: row 5, column 8.
    offsets = torch.zeros(1, 34, 16, 12)
    offsets[0, 0::2, 8, 6], offsets[0, 1::2, 8, 6] = -3.0, 2.0
    maps = torch.full((1, 17, 16, 12), -20.0)
    maps[0, :, 5, 8], maps[0, :, 12, 2] = 0.0, 0.0
    teacher.network.head, teacher.centre = _Fixed(maps), _Fixed(centre)
    teacher.from_centre = _Fixed(offsets)
    with torch.no_grad():
        logits = teacher(torch.zeros(1, 3, 64, 32))[0, 0]
    # Probability one half, at its place in full, the other's divided by its distance of 9.2 cells.
    due, other = logits[5, 8].item(), logits[12, 2].item()
    assert due == pytest.approx(SHARPNESS * torch.log(torch.tensor(0.5)).item(), abs=1e-5)
    share = FOCUS_CELLS / (85**0.5 + FOCUS_CELLS)
    assert other == pytest.approx(SHARPNESS * torch.log(torch.tensor(0.5 * share)).item(), abs=1e-5)


def test_a_saved_teacher_is_read_back_with_its_width(teacher, tmp_path):
    path = tmp_path / "teacher.safetensors"
    save_file({name: value.half() for name, value in teacher.state_dict().items()}, path)
    read = load_teacher(path)
    for name, value in teacher.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], value.half().float())


def test_another_networks_file_is_refused(tmp_path):
    path = tmp_path / "pose.safetensors"
    save_file(CompactPose(19).state_dict(), path)
    with pytest.raises(ValueError, match="is no teacher of the compact pose network"):
        load_teacher(path)
