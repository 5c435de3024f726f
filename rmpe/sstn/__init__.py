"""Symmetric spatial transformer around a single-person pose network (RMPE, section 3.1)."""

from rmpe.sstn._affine import apply_affine, invert_affine
from rmpe.sstn._symmetric import SymmetricPose, centred_targets
from rmpe.sstn._transformer import Freedom, SpatialTransformer, warp

__all__ = [
    "Freedom",
    "SpatialTransformer",
    "SymmetricPose",
    "apply_affine",
    "centred_targets",
    "invert_affine",
    "warp",
]
