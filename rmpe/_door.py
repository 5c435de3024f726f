"""Doors of packages that load what lies behind them on first use (PEP 562)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_door(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package whose names load on first use.

    Args:
        package: the package's ``__name__``.
        homes: for each public name the module that defines it.
    """

    def load(name: str) -> Any:
        """Load a public name the first time it is asked for."""
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    def names() -> list[str]:
        """Return the public names."""
        return sorted(homes)

    return load, names
