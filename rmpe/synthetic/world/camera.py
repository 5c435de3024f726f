"""Pinhole camera that stands in the scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person.body import rotation_x, rotation_y

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A camera at `position` that looks along -z of the world, turned by `yaw` and bent down by
    `pitch`."""

    width: int
    """Picture width, pixels."""
    height: int
    """Picture height, pixels."""
    focal: float
    """Focal length, pixels."""
    position: tuple[float, float, float] = (0.0, 1.6, 0.0)
    """Place in the world, metres."""
    yaw: float = 0.0
    """Turn to the right, radians."""
    pitch: float = 0.0
    """Bend downwards, radians."""

    @property
    def rotation(self) -> FloatArray:
        """World directions to the camera's x right, y down, z forward, (3, 3)."""
        flip = np.diag([1.0, -1.0, -1.0])
        return flip @ rotation_x(self.pitch) @ rotation_y(self.yaw)

    @property
    def intrinsics(self) -> FloatArray:
        """Camera metres to picture pixels, (3, 3)."""
        return np.array(
            [
                [self.focal, 0.0, (self.width - 1) / 2.0],
                [0.0, self.focal, (self.height - 1) / 2.0],
                [0.0, 0.0, 1.0],
            ]
        )

    def to_camera(self, points: FloatArray) -> FloatArray:
        """World points (..., 3) in the camera's frame, metres."""
        return np.asarray((points - np.array(self.position)) @ self.rotation.T)

    def project(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixels (..., 2) and distances along the view (...) of world points (..., 3).

        Points nearer than 5 cm are taken as 5 cm away: they lie outside every useful picture.
        """
        local = self.to_camera(points)
        depth = local[..., 2]
        shown = np.maximum(depth, 0.05)[..., None]
        centre = np.array([(self.width - 1) / 2.0, (self.height - 1) / 2.0])
        return local[..., :2] / shown * self.focal + centre, depth
