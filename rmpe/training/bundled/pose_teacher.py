"""The teacher of the compact pose network: a larger one of the same kind."""

from __future__ import annotations

from pathlib import Path

from rmpe.networks.compact_pose import CompactPose
from rmpe.zoo import load


def load_teacher(path: Path | str) -> CompactPose:
    """Read the file that ``tools/convert_movenet.py`` writes.

    Raises:
        OSError: the file is missing.
        ValueError: the file is another network's.
    """
    network = load(str(path)).network
    if not isinstance(network, CompactPose) or not network.focused:
        raise ValueError(f"got {path}, which is no teacher of the compact pose network")
    return network
