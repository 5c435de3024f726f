"""Which suppression runs, as one value that options can carry."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from rmpe.pose_nms._oks_nms import oks_nms
from rmpe.pose_nms._suppress import pose_nms
from rmpe.pose_nms.parameters import PoseNmsParameters, get_parameters
from rmpe.records import Poses


@dataclass(frozen=True)
class OksNmsParameters:
    """Constants of the suppression by object keypoint similarity."""

    threshold: float = 0.9
    """Highest similarity of two kept poses; in the soft form the decay's width."""
    soft: bool = False
    """Lower the scores of similar poses instead of removing them."""
    limit: int = 20
    """Most poses that the soft form keeps."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"got an OKS threshold of {self.threshold}, allowed is above 0 to 1")
        if self.limit < 1:
            raise ValueError(f"got a limit of {self.limit} poses, allowed is 1 or more")


NmsRule = PoseNmsParameters | OksNmsParameters | None
"""Parametric pose-NMS, OKS-NMS, or no suppression."""

NMS_NAMES = ("pose", "oks", "oks-soft", "none")


def choose_nms(
    name: str = "pose", parameters: str = "alphapose", oks_threshold: float = 0.9
) -> NmsRule:
    """Return the suppression of that name.

    Args:
        name: one of :data:`NMS_NAMES`.
        parameters: of ``pose``: a set's name, or a file that ``learn-nms`` wrote.
        oks_threshold: of ``oks`` and ``oks-soft``.

    Raises:
        ValueError: a name is unknown or a value not allowed.
        OSError: the parameters file cannot be read.
    """
    if name == "pose":
        return get_parameters(parameters)
    if name in ("oks", "oks-soft"):
        return OksNmsParameters(oks_threshold, soft=name == "oks-soft")
    if name == "none":
        return None
    raise ValueError(f"got suppression {name!r}, supported are {', '.join(NMS_NAMES)}")


def apply_nms(poses: Poses, rule: NmsRule, sigmas: ArrayLike) -> Poses:
    """Return the poses of a frame that the rule keeps; ``sigmas`` (K,) are the skeleton's."""
    if rule is None:
        return poses
    if isinstance(rule, PoseNmsParameters):
        return pose_nms(poses, rule)
    return oks_nms(poses, sigmas, rule.threshold, soft=rule.soft, limit=rule.limit)
