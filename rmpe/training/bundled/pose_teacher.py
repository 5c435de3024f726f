"""The teacher of the compact pose network: MoveNet "Thunder" read as its makers read it."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from rmpe.networks.compact_pose import CompactPose, Head, scaled
from rmpe.skeletons import COCO_17

FOCUS_CELLS = 1.8
"""MoveNet's constant: a peak counts half when it lies this far, in cells, from where it is due."""
SHARPNESS = 2.0
"""Power of the focused maps: a distribution over cells out of peaks on a low background."""
LEAST_PROBABILITY = 1e-6


class FocusedTeacher(nn.Module):
    """Heatmaps of the person in the middle of the crop, other people's peaks weighed down.

    As in MoveNet, the person's centre is the peak of the centre map that is nearest to the middle,
    the joints as seen from the centre give a first guess of each, and the heatmaps are divided by
    the distance from that guess.
    """

    def __init__(self, width: float) -> None:
        super().__init__()
        self.network = CompactPose(COCO_17.joint_count, width)
        self.centre = Head(1)
        self.from_centre = Head(2 * COCO_17.joint_count)

    def forward(self, x: Tensor) -> Tensor:
        """RGB 0..1 (N, 3, H, W) -> logits over cells (N, 17, H/4, W/4)."""
        finest = self.network.pyramid(*self.network.fine_levels(x))
        maps = torch.sigmoid(self.network.head(finest).float())
        centre, offsets = self.centre(finest).float(), self.from_centre(finest).float()
        guess = _guess(torch.sigmoid(centre[:, 0]), offsets)
        focused = maps * FOCUS_CELLS / (_distances(guess, maps) + FOCUS_CELLS)
        return SHARPNESS * torch.log(focused.clamp(min=LEAST_PROBABILITY))


def _distances(points_yx: Tensor, maps: Tensor) -> Tensor:
    """Distance in cells from points (N, K, 2) to every cell: (N, K, h, w)."""
    height, width = maps.shape[-2:]
    rows = torch.arange(height, device=maps.device)[:, None]
    columns = torch.arange(width, device=maps.device)
    along_y = (rows - points_yx[..., 0, None, None]) ** 2
    return torch.sqrt(along_y + (columns - points_yx[..., 1, None, None]) ** 2)


def _guess(centre: Tensor, offsets: Tensor) -> Tensor:
    """Joints (N, K, 2) as rows and columns, from the centre map (N, h, w) and (N, 2 K, h, w)."""
    count, height, width = centre.shape
    middle = centre.new_tensor([[[height / 2, width / 2]]])
    near = centre / (_distances(middle, centre[:, None])[:, 0] + FOCUS_CELLS)
    cell = near.flatten(1).argmax(1)
    found = offsets.flatten(2).gather(2, cell[:, None, None].expand(-1, offsets.shape[1], 1))
    at = torch.stack([cell // width, cell % width], -1)[:, None]
    return at + found.view(count, -1, 2)


def load_teacher(path: Path | str) -> FocusedTeacher:
    """Read the file that ``tools/convert_movenet.py --teacher`` writes.

    Raises:
        OSError: the file is missing.
        ValueError: the file is another network's.
    """
    state = {name: tensor.float() for name, tensor in load_file(str(path)).items()}
    channels = len(state.get("network.stem.weight", ()))
    for width in (1.0, 1.75):
        if scaled(32, width) == channels:
            teacher = FocusedTeacher(width)
            if set(state) == set(teacher.state_dict()):
                teacher.load_state_dict(state)
                return teacher
    raise ValueError(f"got {path}, which is no teacher of the compact pose network")
