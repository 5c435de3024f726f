"""Which network a set of keys and shapes belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from rmpe.networks.blocks.shapes import Found, Shapes
from rmpe.networks.variants import FAMILIES, Family, build_network


@dataclass(frozen=True)
class Architecture:
    """A recognised network."""

    family: Family
    """Its row."""
    found: Found
    """Which network of the family, as the row's ``read`` tells."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Variants with exactly these keys and shapes, the one to assume first."""
        return self.found.variants

    @property
    def joint_count(self) -> int:
        """Number of heatmaps, or of a detector's classes."""
        return self.found.joint_count

    def build(self, variant: str) -> nn.Module:
        """A fresh network of one of the variants."""
        details = self.found.details
        return build_network(variant, self.joint_count, families=(self.family,), **details)

    def origins(self) -> tuple[str, ...]:
        """Whose conventions weights in the original layout may follow, the usual first."""
        for variant, joint_count, origins in self.family.origins_of:
            if variant in ("", *self.variants) and joint_count in (0, self.joint_count):
                return origins
        return self.family.origins


def recognise(shapes: Shapes, families: Sequence[Family] = FAMILIES) -> Architecture:
    """The architecture of a checkpoint with these keys (in this package's names) and shapes.

    Raises:
        ValueError: no family has these keys; the message names the nearest and what it lacks.
    """
    found = find(shapes, families)
    if found is not None:
        return found
    missing = _missing_parts(shapes, families)
    candidates = [f for f in families if 0 < 2 * len(missing[f.name]) <= len(f.key_parts)]
    candidates.sort(key=lambda family: len(missing[family.name]) / len(family.key_parts))
    first_keys = ", ".join(list(shapes)[:3]) or "nothing"
    if candidates:
        described = "; ".join(
            f"{family.name} needs {', '.join(missing[family.name])}" for family in candidates[:3]
        )
        raise ValueError(
            f"the checkpoint is of no known architecture; nearest: {described}; "
            f"its keys start with {first_keys}"
        )
    raise ValueError(
        f"the checkpoint is of no known architecture; known are "
        f"{', '.join(family.name for family in families)}; its keys start with {first_keys}"
    )


def find(shapes: Shapes, families: Sequence[Family] = FAMILIES) -> Architecture | None:
    """The architecture of these keys and shapes, or None if no family has them."""
    missing = _missing_parts(shapes, families)
    for family in families:
        read: Found | None = None if missing[family.name] else family.read(shapes)
        if read is not None:
            return Architecture(family, read)
    return None


def _missing_parts(shapes: Shapes, families: Sequence[Family]) -> dict[str, list[str]]:
    """The first parts that each family needs and the keys lack."""
    parts = {key.split(".")[0] for key in shapes}
    return {f.name: [part for part in f.key_parts if part not in parts] for f in families}
