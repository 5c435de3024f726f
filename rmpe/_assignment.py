"""SciPy's Hungarian assignment, without the rest of ``scipy.optimize``.

That package takes half a second of processor to import, as long as everything else that a clip
needs until its first frame; the assignment is one compiled module of it, which needs numpy alone.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import scipy

_NAME = "scipy.optimize._lsap"


def _load() -> Callable[..., Any]:
    for suffix in EXTENSION_SUFFIXES:
        path = Path(scipy.__file__).parent / "optimize" / f"_lsap{suffix}"
        spec = importlib.util.spec_from_file_location(_NAME, path)
        if path.is_file() and spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            solve: Callable[..., Any] = module.linear_sum_assignment
            return solve
    # A SciPy that is built in another way.
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment  # type: ignore[no-any-return]


linear_sum_assignment = _load()
