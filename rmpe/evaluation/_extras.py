"""The libraries of the extra ``eval``, asked for when a score needs them."""

from __future__ import annotations

import importlib
from types import ModuleType


def eval_module(name: str, library: str) -> ModuleType:
    """Import a module that needs a library of the extra ``eval``.

    Raises:
        ValueError: the library is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != library:
            raise
        raise ValueError(
            f'this score needs {library}, install the extra with: pip install "rmpe[eval]"'
        ) from error
