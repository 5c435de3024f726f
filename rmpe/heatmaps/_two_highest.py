"""The two highest cells of smoothed maps, found on a plane of zeros 10 cells wider on each side.

This is what the public MSPN and CPN code searches. Only the part of the plane that can matter is
made: small kernels reach few cells beyond the map; for wide ones a bound on what each row can hold
leaves a few rows, and the maps for which these may not be enough are searched again in full.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rmpe.heatmaps._gaussian import blur_matrix, gaussian_kernel
from rmpe.heatmaps._peaks import first_maximum

BORDER = 10
"""Width of the zeros around the map."""
_SHIFTED_SUMS_UP_TO = 9
"""Kernels up to this size are summed tap by tap; for wider ones a few rows are searched first."""
_CHUNK_BYTES = 3 << 19
"""Of maps that are smoothed at a time, so that they stay in a core's cache."""
_ROWS_SEARCHED = 16
"""Rows of the plane that are smoothed first, those that can hold most."""


def two_highest(maps: Tensor, kernel_size: int) -> tuple[Tensor, Tensor]:
    """Return the highest and the second highest cell after Gaussian smoothing.

    Args:
        maps: (M, h, w) float32, contiguous.
        kernel_size: OpenCV Gaussian kernel of sigma 0, odd, at most 21.

    Returns:
        x, y of both, (M, 2) float32 each, counted from the map's corner; cells outside the map
        are possible, and (-10, -10) is where the search starts and nothing is positive.
    """
    if kernel_size // 2 > BORDER:
        raise ValueError(f"got a kernel of size {kernel_size}, supported are odd sizes up to 21")
    if len(maps) == 0:
        return maps.new_zeros(0, 2), maps.new_zeros(0, 2)
    chunk = max(1, _CHUNK_BYTES // maps[0].nbytes) if maps.device.type == "cpu" else len(maps)
    parts = maps.split(chunk)
    if kernel_size <= _SHIFTED_SUMS_UP_TO:
        plane = ZeroPlane(parts[0], kernel_size)
        found = [_highest_cells(plane.smooth(part)) for part in parts]
        values, cells = (torch.cat(column) for column in zip(*found))
        xy = _cells_to_xy(values, cells, maps.shape[2] + kernel_size - 1, kernel_size // 2)
        return xy[:, 0], xy[:, 1]
    tried = [_search_best_rows(part, kernel_size) for part in parts]
    values, cells, limits = (torch.cat(column) for column in zip(*tried))
    rows = (values[:, 1] <= limits.clamp(min=0)).nonzero()[:, 0]
    if len(rows):
        whole = [_search_plane(part, kernel_size) for part in maps[rows].split(chunk)]
        values[rows], cells[rows] = (torch.cat(column) for column in zip(*whole))
    xy = _cells_to_xy(values, cells, maps.shape[2] + 2 * BORDER, BORDER)
    return xy[:, 0], xy[:, 1]


class ZeroPlane:
    """Smooths maps on zeros by moved sums; its memory is used again for every batch.

    The maps are laid out in one line of memory with k - 1 zeros after every row and k - 1 rows of
    zeros after every map, so that a move by a row or by a cell is a move along that line.
    """

    def __init__(self, largest: Tensor, kernel_size: int) -> None:
        """Make room for batches (M, h, w) of at most the size of ``largest``."""
        count, self._height, self._width = largest.shape
        reach = kernel_size - 1
        self._rows, self._columns = self._height + reach, self._width + reach
        weights = gaussian_kernel(kernel_size)
        self._weights = tuple(w / weights[0] for w in weights)
        self._reach = reach
        self._lead = reach * self._columns + reach
        size = count * self._rows * self._columns
        self._line = largest.new_zeros(self._lead + size)
        self._down = largest.new_empty(reach + size)
        self._across = largest.new_empty(size)

    def smooth(self, maps: Tensor) -> Tensor:
        """Return maps (M, h, w) smoothed, (M, h + k - 1, w + k - 1), all that the kernel reaches.

        The values are scaled by a constant above 0, and stand until the next call.
        """
        count = len(maps)
        size = count * self._rows * self._columns
        shape = (count, self._rows, self._columns)
        plane = self._line[self._lead : self._lead + size].view(shape)
        plane[:, : self._height, : self._width] = maps
        if self._reach == 0:
            return plane
        down, across = self._down[: self._reach + size], self._across[:size]
        _weighted_moves(self._line, self._weights, self._columns, down)
        _weighted_moves(down, self._weights, 1, across)
        return across.view(shape)


def _weighted_moves(line: Tensor, weights: tuple[float, ...], step: int, out: Tensor) -> None:
    """Write ``sum over t of weights[t] * line[i + t * step]`` to every place i of ``out``."""
    size, last = len(out), len(weights) - 1
    torch.add(line.narrow(0, 0, size), line.narrow(0, last * step, size), out=out)
    for tap in range(1, last):
        out.add_(line.narrow(0, tap * step, size), alpha=weights[tap])


def _search_plane(maps: Tensor, kernel_size: int) -> tuple[Tensor, Tensor]:
    """Return values and cells (M, 2) of the two highest of the whole plane."""
    height, width = maps.shape[1:]
    down = blur_matrix(height, kernel_size, BORDER).to(maps.device)
    across = blur_matrix(width, kernel_size, BORDER).to(maps.device)
    # (h + 20, h) @ (M, h, w) @ (w, w + 20) -> (M, h + 20, w + 20)
    return _highest_cells((torch.matmul(down, maps) @ across.T).contiguous())


def _search_best_rows(maps: Tensor, kernel_size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Search the rows of the plane that promise most.

    A smoothed cell is at most the kernel's largest weight times what the rows around it hold
    that is positive, weighted down the column; no other row can hold more than that.

    Returns:
        values and cells (M, 2) of the two highest, and what other rows may hold at most, (M,).
    """
    count, height, width = maps.shape
    down = blur_matrix(height, kernel_size, BORDER).to(maps.device)
    across = blur_matrix(width, kernel_size, BORDER).to(maps.device)
    held = (maps.clamp(min=0).view(-1, width) @ maps.new_ones(width)).view(count, height)
    most = held @ down.T * float(across.max())  # (M, h) -> (M, h + 20)
    searched = min(_ROWS_SEARCHED, len(down) - 1)
    best = most.topk(searched + 1, dim=1)
    rows = best.indices[:, :searched].sort(dim=1).values  # (M, 16)
    part = torch.bmm(down[rows], maps)  # (M, 16, h) @ (M, h, w) -> (M, 16, w)
    smoothed = (part.view(-1, width) @ across.T).view(count, searched, len(across))
    values, cells = _highest_cells(smoothed)
    # From the row among those searched to the row of the plane.
    columns = len(across)
    cells = rows.gather(1, cells // columns) * columns + cells % columns
    return values, cells, best.values[:, searched] * 1.001


def _highest_cells(smoothed: Tensor) -> tuple[Tensor, Tensor]:
    """Return values and cells (M, 2) of the two highest; the highest is set to 0 for the second."""
    flat = smoothed.flatten(1)  # (M, rows * columns)
    first_value, first = first_maximum(flat)
    flat.scatter_(1, first[:, None], 0.0)
    second_value, second = first_maximum(flat)
    return torch.stack([first_value, second_value], 1), torch.stack([first, second], 1)


def _cells_to_xy(values: Tensor, cells: Tensor, width: int, border: int) -> Tensor:
    """Return x, y (M, 2, 2) in cells of the map; without a positive value the first zero's."""
    xy = torch.stack([cells % width, cells // width], -1).to(torch.float32) - border
    return torch.where(values[..., None] > 0, xy, -float(BORDER))
