"""Files of named arrays, numpy's and MATLAB's, with one sentence for what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def load_arrays(path: str | Path, **matlab: Any) -> Mapping[str, Any]:
    """Return the arrays of a ``.npz`` or ``.mat`` file by name.

    Args:
        path: the file.
        matlab: how MATLAB's structures are read, see :func:`scipy.io.loadmat`.

    Raises:
        OSError: the file cannot be opened.
        ValueError: its ending is another, or it is no such file.
    """
    path = Path(path)
    if path.suffix not in (".npz", ".mat"):
        raise ValueError(f"got {path.name}, supported are .mat and .npz files")
    with path.open("rb") as file:
        try:
            if path.suffix == ".npz":
                with np.load(file, allow_pickle=False) as data:
                    return {name: data[name] for name in data.files}
            from scipy.io import loadmat

            return dict(loadmat(str(path), **matlab))
        except Exception as error:  # zipfile, zlib and scipy have errors of their own
            raise ValueError(f"{path} cannot be read as a {path.suffix} file: {error}") from error
