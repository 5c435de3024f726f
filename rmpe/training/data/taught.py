"""People whose joints a teacher network labelled, with its maps: what distillation learns from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rmpe.datasets.keypoint_set import AnnotatedPerson
from rmpe.geometry.warp import Matrix

FloatArray = NDArray[np.float32]

FLOOR = -12.0
"""Logarithm of the least probability that a teacher's map holds."""
STEPS = 20
"""Stored steps of a unit of the logarithm."""


def stored_maps(log_probabilities: FloatArray) -> NDArray[np.uint8]:
    """Return logarithms of probabilities, any shape, as bytes: 0 is :data:`FLOOR`."""
    return np.clip(np.round((log_probabilities - FLOOR) * STEPS), 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class TaughtPerson(AnnotatedPerson):
    """One person with a teacher's maps."""

    maps: NDArray[np.uint8] | None = None
    """The teacher's distributions of the first K joints, see :func:`stored_maps`, (K, h, w)."""
    to_cells: Matrix | None = None
    """Picture pixels to cells of the maps, (2, 3)."""
    labelled: FloatArray | None = None
    """How far each joint may be believed as a label too, 0..1, (K,); None: the maps alone teach."""

    def maps_in(self, matrix: Matrix, rows: int, columns: int, stride: int) -> FloatArray:
        """Return the teacher's logarithms of probabilities over the cells of a crop.

        Args:
            matrix: picture pixels to crop pixels, (2, 3).
            rows: of the crop's maps.
            columns: of the crop's maps.
            stride: crop pixels per cell.

        Returns:
            (K, rows, columns), not normalised; the floor outside the teacher's own crop.
        """
        assert self.maps is not None and self.to_cells is not None
        middle = (stride - 1) / 2
        to_crop = np.array([[stride, 0, middle], [0, stride, middle], [0, 0, 1]])
        full = [np.vstack([m, [0, 0, 1]]) for m in (self.to_cells, matrix)]
        # Cells of the crop -> crop pixels -> picture -> cells of the stored maps.
        back = (full[0] @ np.linalg.inv(full[1]) @ to_crop)[:2]
        warped = [
            cv2.warpAffine(
                channel, back, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            )
            for channel in self.maps
        ]
        return np.asarray(np.stack(warped) / STEPS + FLOOR, np.float32)


def labelled_weights(person: AnnotatedPerson) -> FloatArray:
    """Return how far each joint's own place teaches, beside a teacher's maps or alone, (K,)."""
    if not isinstance(person, TaughtPerson):
        return person.joint_weights
    if person.labelled is None:
        return np.zeros_like(person.joint_weights)
    return person.labelled
