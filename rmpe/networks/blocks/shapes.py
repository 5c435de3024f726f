"""What the keys and shapes of a checkpoint tell of the network that they belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]
"""Key, in this package's names → shape of its tensor."""


@dataclass(frozen=True)
class Found:
    """Which network of a family has some keys and shapes."""

    variants: tuple[str, ...]
    """Names that the family builds with exactly these keys, the one to assume first."""
    joint_count: int
    """Heatmaps, or classes of a detector."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the builder that no name carries, such as biases before the norms."""
    input_size_hw: tuple[int, int] | None = None
    """Rows and columns of the input, where the shapes fix them."""
    usual_size_hw: tuple[int, int] | None = None
    """Rows and columns of the input, where they are not those of the family's origin."""


def has(shapes: Shapes, pattern: str) -> bool:
    """Tell whether a key starts with the pattern."""
    return any(re.match(pattern, key) for key in shapes)


def count(shapes: Shapes, pattern: str) -> int:
    """Return one more than the greatest number that the pattern's group finds; 0 without any."""
    found = [re.match(pattern, key) for key in shapes]
    return max((int(match[1]) + 1 for match in found if match), default=0)


def size(shapes: Shapes, key: str, family: str, dimension: int = 0) -> int:
    """Return one dimension of a tensor that tells variants apart.

    Raises:
        ValueError: the tensor is not there or has too few dimensions.
    """
    if key not in shapes:
        raise ValueError(f"the checkpoint looks like {family} but has no {key!r}")
    if len(shapes[key]) <= dimension:
        raise ValueError(
            f"the checkpoint looks like {family} but its {key!r} has shape {shapes[key]}"
        )
    return shapes[key][dimension]


def block_counts(shapes: Shapes, prefix: str) -> tuple[int, ...]:
    """Return the number of blocks in each of ``PREFIXlayer1`` to ``PREFIXlayer4``."""
    return tuple(
        count(shapes, rf"{re.escape(prefix)}layer{layer}\.(\d+)\.") for layer in range(1, 5)
    )
