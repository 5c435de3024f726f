"""Training targets: Gaussians around joints, and blurred single pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from rmpe.heatmaps._gaussian import blur_matrix


def gaussian_maps(
    centres_xy: Tensor,
    visible: Tensor,
    height: int,
    width: int,
    sigma: float,
    radius: float | None = None,
) -> Tensor:
    """Return Gaussians of peak 1, (N, K, height, width) float32.

    Args:
        centres_xy: centres in heatmap cells, (N, K, 2).
        visible: (N, K); the map of a joint that is not > 0 is empty.
        height: rows of a map.
        width: columns of a map.
        sigma: standard deviation in cells.
        radius: half side of the square outside which the map is 0, in cells; None keeps all.
    """
    centres = torch.as_tensor(centres_xy, dtype=torch.float32)
    columns = torch.arange(width, device=centres.device) - centres[..., :1]  # (N, K, width)
    rows = torch.arange(height, device=centres.device) - centres[..., 1:]  # (N, K, height)
    # A Gaussian of the plane is the product of one along each axis.
    across = torch.exp(-(columns**2) / (2 * sigma**2))
    down = torch.exp(-(rows**2) / (2 * sigma**2))
    if radius is not None:
        across = across * (columns.abs() <= radius)
        down = down * (rows.abs() <= radius)
    down = down * (torch.as_tensor(visible, device=centres.device) > 0)[..., None]
    return down[..., :, None] * across[..., None, :]  # (N, K, height, 1) * (N, K, 1, width)


def blurred_pixel_maps(
    cells_xy: Tensor, visible: Tensor, height: int, width: int, kernel_size: int, peak: float
) -> Tensor:
    """Return blurred single pixels rescaled to ``peak``, (N, K, height, width) float32.

    Args:
        cells_xy: integer cells, (N, K, 2); a joint outside the map gets an empty one.
        visible: (N, K); the map of a joint that is not > 0 is empty.
        height: rows of a map.
        width: columns of a map.
        kernel_size: OpenCV Gaussian kernel, odd.
        peak: the highest value of every map that is not empty.
    """
    cells = torch.as_tensor(cells_xy).to(torch.int64)
    x, y = cells[..., 0], cells[..., 1]  # (N, K) each
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    shown = (torch.as_tensor(visible, device=cells.device) > 0) & inside
    # A column of the blur is what it makes of one pixel: (width, width) -> (N, K, width).
    across = blur_matrix(width, kernel_size, 0).to(cells.device).T[x.clamp(0, width - 1)]
    down = blur_matrix(height, kernel_size, 0).to(cells.device).T[y.clamp(0, height - 1)]
    across = across / across.amax(-1, keepdim=True)
    down = down / down.amax(-1, keepdim=True) * (peak * shown[..., None])
    return down[..., :, None] * across[..., None, :]
