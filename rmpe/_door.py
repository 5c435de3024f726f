"""What is loaded on first use: the names behind a package's door (PEP 562), optional libraries."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
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


def extra_module(name: str, extra: str, wanted: str, library: str = "") -> ModuleType:
    """Import a module that needs an optional library.

    Args:
        name: the module.
        extra: the extra of this package that brings the library.
        wanted: what needs it, the subject of the message.
        library: the library's top module; by default that of ``name``.

    Raises:
        ValueError: the library is not installed; the message names the extra.
    """
    library = library or name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library:
            raise
        raise ValueError(f"{wanted} needs {library}: pip install 'rmpe[{extra}]'") from error
