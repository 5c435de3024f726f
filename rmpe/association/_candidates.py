"""Joint candidates: every local maximum of every person's maps, in the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rmpe.geometry.crop import CropTransform
from rmpe.heatmaps import Codec
from rmpe.records import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class JointCandidates:
    """Candidates of one picture, C of them, in no order that matters."""

    person: IntArray
    """Whose map the candidate was found in, (C,): row of the crops."""
    joint: IntArray
    """Which joint's map, (C,)."""
    xy: FloatArray
    """Place in the frame, pixels (C, 2)."""
    response: FloatArray
    """Value of the map there, (C,)."""
    size: FloatArray
    """Size of the Gaussian response in the frame, pixels (C,)."""

    def __len__(self) -> int:
        return len(self.person)


def find_candidates(
    heatmaps: Tensor,
    transforms: Sequence[CropTransform],
    codec: Codec,
    threshold: float,
    response_cells: float = 2.0,
) -> JointCandidates:
    """Return all local maxima of the maps above a threshold (CrowdPose, section 3.2).

    A cell is a local maximum if no neighbour of the eight is higher and none before it in row order
    is equal. Each is read by the codec itself, on the map cut down to the candidate's surroundings,
    so that a candidate lies where the codec would put a joint.

    Args:
        heatmaps: (N, K, h, w) of N people's crops of one picture.
        transforms: the map of each crop.
        codec: the network's convention.
        threshold: lowest response of a candidate.
        response_cells: standard deviation of the training targets, in cells.
    """
    maps = heatmaps.detach().float()
    place = _local_maxima(maps, threshold)
    person, joint = (part.cpu().numpy() for part in place[:, :2].unbind(1))
    xy_input, response = _read(maps, place, codec)  # (C, 2), (C,)
    xy = np.zeros((len(person), 2), np.float32)
    size = np.zeros(len(person), np.float32)
    for index, transform in enumerate(transforms):
        mine = person == index
        xy[mine] = transform.to_image(xy_input[mine])
        size[mine] = response_cells * codec.stride / transform.matrix[0, 0]
    return JointCandidates(person.astype(np.int64), joint.astype(np.int64), xy, response, size)


def _local_maxima(maps: Tensor, threshold: float) -> Tensor:
    """Return the indices (C, 4) of person, joint, row and column of every local maximum."""
    height, width = maps.shape[2:]
    if len(maps) == 0:
        return torch.zeros((0, 4), dtype=torch.int64)
    # (N, K, h, w) -> (N, K, h + 2, w + 2), so that every cell has eight neighbours.
    framed = functional.pad(maps, (1, 1, 1, 1), value=-torch.inf)
    peak = maps > threshold
    for dy in range(3):
        for dx in range(3):
            if (dy, dx) == (1, 1):
                continue
            neighbour = framed[:, :, dy : dy + height, dx : dx + width]
            # On a plateau the first cell in row order stands for all.
            peak &= maps > neighbour if (dy, dx) < (1, 1) else maps >= neighbour
    return peak.nonzero()


def _read(maps: Tensor, place: Tensor, codec: Codec) -> tuple[FloatArray, FloatArray]:
    """Return the codec's reading of each candidate: input pixels (C, 2) and response (C,)."""
    if len(place) == 0:
        return np.zeros((0, 2), np.float32), np.zeros(0, np.float32)
    person, joint, row, column = place.unbind(1)
    height, width = maps.shape[2:]
    rows = torch.arange(height, device=maps.device)[None, :, None]
    columns = torch.arange(width, device=maps.device)[None, None, :]
    near = ((rows - row[:, None, None]).abs() <= 1) & ((columns - column[:, None, None]).abs() <= 1)
    chosen = maps[person, joint]  # (C, h, w)
    lowest = chosen.amin((1, 2), keepdim=True)
    # (C, h, w): each candidate on a map of its own, flat but for its surroundings.
    alone = torch.where(near, chosen, lowest)
    xy, _ = codec.decode(alone[:, None])
    response = maps[person, joint, row, column]
    return _numpy(xy[:, 0]), _numpy(response)


def _numpy(values: Tensor) -> NDArray[np.float32]:
    return np.asarray(values.cpu().numpy(), np.float32)
