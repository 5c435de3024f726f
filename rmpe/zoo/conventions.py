"""What a set of weights expects of the program around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rmpe.geometry.crop import CropStyle
from rmpe.skeletons import Skeleton, get_skeleton

ScoreRule = Literal["mean", "hrnet"]


@dataclass(frozen=True)
class Conventions:
    """How pictures go into a network and how its heatmaps are read."""

    skeleton_name: str
    """Key in ``rmpe.skeletons.SKELETONS``."""
    input_height: int
    """Rows of the network's input."""
    input_width: int
    """Columns of the network's input."""
    colour_order: Literal["rgb", "bgr"]
    """Order of the network's three channels."""
    mean: tuple[float, float, float]
    """Subtracted from values of 0..1, in the network's colour order."""
    std: tuple[float, float, float]
    """Divides after that."""
    crop_style: CropStyle
    """How the person is cut out of the frame."""
    codec: str
    """Key in ``rmpe.heatmaps.CODECS``."""
    score_rule: ScoreRule = "mean"
    """Pose score: box score times the mean of all joints, or of the joints above 0.2 (HRNet)."""

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of the network's channels."""
        return get_skeleton(self.skeleton_name)
