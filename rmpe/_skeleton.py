"""What a skeleton is: named joints, limbs, mirror pairs and OKS sigmas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rmpe.joint_names import mirror_partners

# Face points 0..67 in the usual 68-point order, each with its mirror partner.
_FACE_PARTNERS = (
    [16 - i for i in range(17)]
    + [43 - i for i in range(17, 27)]
    + [27, 28, 29, 30]
    + [66 - i for i in range(31, 36)]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55]
    + [64, 63, 62, 61, 60, 67, 66, 65]
)


_FACE_NAMES = {f"face_{n}": f"face_{other}" for n, other in enumerate(_FACE_PARTNERS)}


@dataclass(frozen=True)
class Skeleton:
    """An ordered set of joints.

    Raises:
        ValueError: a joint is named twice, there is not one sigma for each joint, or a limb ends in
            no joint.
    """

    name: str
    """Short name, the key in :data:`SKELETONS`."""
    joints: tuple[str, ...]
    """Joint names in the order of the arrays, K of them."""
    limbs: tuple[tuple[int, int], ...]
    """Pairs of joint indices to draw a bone between."""
    sigmas: tuple[float, ...]
    """OKS standard deviations, one for each joint."""
    mirror: tuple[tuple[int, int], ...] | None = None
    """Pairs of joints that a mirror exchanges, where their names do not tell; None: by name."""

    def __post_init__(self) -> None:
        if len(set(self.joints)) != len(self.joints):
            raise ValueError(f"skeleton {self.name} names a joint twice")
        if len(self.sigmas) != len(self.joints):
            raise ValueError(
                f"skeleton {self.name} has {len(self.joints)} joints and {len(self.sigmas)} sigmas"
            )
        pairs = (*self.limbs, *(self.mirror or ()))
        if any(not 0 <= end < len(self.joints) for pair in pairs for end in pair):
            raise ValueError(f"skeleton {self.name} has a limb to a joint that is not there")

    @property
    def joint_count(self) -> int:
        """Number of joints, K."""
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Return the place of a joint; ``ValueError`` if the skeleton does not have it."""
        if joint not in self.joints:
            raise ValueError(f"skeleton {self.name} has no joint {joint!r}; it has {self.joints}")
        return self.joints.index(joint)

    @cached_property
    def mirror_permutation(self) -> NDArray[np.int64]:
        """For every joint the place of its mirror partner (itself in the middle), int64 (K,)."""
        if self.mirror is not None:
            partner = np.arange(self.joint_count)
            for first, second in self.mirror:
                partner[[first, second]] = second, first
            return partner
        partner = np.array(mirror_partners(self.joints), np.int64)
        for place, joint in enumerate(self.joints):
            other = _FACE_NAMES.get(joint)
            if other in self.joints:
                partner[place] = self.joints.index(other)
        return partner

    @cached_property
    def mirror_pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of joints that a mirror exchanges, lower place first."""
        permutation = self.mirror_permutation
        return tuple((i, int(j)) for i, j in enumerate(permutation) if i < j)
