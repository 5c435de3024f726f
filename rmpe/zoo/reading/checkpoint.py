"""Read a checkpoint file as data: safetensors, or torch files without running what they hold."""

from __future__ import annotations

import contextlib
import errno
import pickle
import re
import tarfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

INERT_NAMES = (
    "mmengine.logging.history_buffer.HistoryBuffer",
    "mmcv.runner.log_buffer.LogBuffer",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.ndarray",
    "numpy.dtype",
    "builtins.getattr",
    "__builtin__.getattr",
)
"""Names that training logs beside the weights ask for; each becomes an :class:`Inert`."""
_OLDEST_TORCH = frozenset({"pickle", "storages", "tensors"})
"""What the tar archives of torch's first versions hold."""
_MOST_GROWTH = 10
"""Torch stores tensors as they are; what unpacks to more than so many times the file is a bomb."""


class Inert:
    """Stands in for what a log entry would be: takes any arguments and state, does nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        """Forget the arguments."""

    def __setstate__(self, _: object) -> None:
        """Forget the state."""

    def __call__(self, *_: object, **__: object) -> Inert:
        """Stand in for the result as well."""
        return self


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a ``.safetensors``, ``.pth``, ``.pt`` or ``.tar`` checkpoint, on the CPU.

    Code inside the file never runs: torch files are read with ``weights_only=True``, and the
    names that the training logs of mmengine need are given inert stand-ins.

    Raises:
        OSError: the file is not there or cannot be read.
        ValueError: it is damaged, is no checkpoint, or asks for more than tensors.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint file {path}")
    if path.stat().st_size == 0:
        raise ValueError(f"the checkpoint {path.name} is empty; fetch it again")
    if path.suffix == ".safetensors" or _begins_as_safetensors(path):
        try:
            return dict(load_file(path))
        except SafetensorError as error:
            raise ValueError(
                f"the checkpoint {path.name} is damaged or cut short ({error}); fetch it again"
            ) from error
    _check_archive(path)
    content = _read_torch(path)
    if not isinstance(content, Mapping):
        raise ValueError(
            f"the checkpoint {path.name} holds a {type(content).__name__}, expected is a "
            "dictionary of tensors; save network.state_dict() instead of the network"
        )
    return dict(content)


def _begins_as_safetensors(path: Path) -> bool:
    """Return whether a file begins with a length and an object in JSON, whatever it is called."""
    with open(path, "rb") as file:
        begin = file.read(9)
    return begin[8:] == b"{" and int.from_bytes(begin[:8], "little") < path.stat().st_size


def _check_archive(path: Path) -> None:
    """Refuse, from its list of contents alone, a zip archive that holds a program or a bomb."""
    if tarfile.is_tarfile(path):  # looked at first: at its end may be a zip archive
        with tarfile.open(path) as packed:
            files = packed.getnames()
        if not set(files) >= _OLDEST_TORCH:
            raise ValueError(_other_archive(path, files))
        return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # of the older kind, or damaged, which the reader will say
    names = {entry.filename.partition("/")[2] for entry in entries}
    if "constants.pkl" in names:
        raise ValueError(
            f"{path.name} is a TorchScript program, not a checkpoint; save the state_dict() of the "
            "network that it was made from, or export it as ONNX"
        )
    if not any(entry.filename.endswith("data.pkl") for entry in entries):
        raise ValueError(_other_archive(path, [entry.filename for entry in entries]))
    if sum(entry.file_size for entry in entries) > _MOST_GROWTH * path.stat().st_size:
        raise ValueError(
            f"the checkpoint {path.name} is refused: it is packed to less than a {_MOST_GROWTH}th "
            "of its size, which torch never does"
        )


def _other_archive(path: Path, names: Sequence[str]) -> str:
    some = ", ".join(names[:3]) or "none"
    return (
        f"{path.name} is no checkpoint but an archive of other files ({some}); unpack it, and give "
        "the checkpoint that is in it"
    )


def _read_torch(path: Path) -> object:
    try:
        with _inert_names(), warnings.catch_warnings():
            # That a file was pickled by another protocol ends in one of the errors below anyway.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(_refusal(path.name, str(error))) from error
    except OSError as error:
        # Torch's zip reader seeks to before the start of an archive that ends too early.
        if error.errno != errno.EINVAL:
            raise
        raise ValueError(f"the checkpoint {path.name} is cut short; fetch it again") from error
    except (RuntimeError, EOFError, KeyError, IndexError, AttributeError, TypeError) as error:
        # What torch's reader says of zip archives and pickles that end too early or are garbled.
        raise ValueError(
            f"the checkpoint {path.name} is damaged or cut short ({_first_line(error)}); "
            "fetch it again"
        ) from error


def _refusal(file_name: str, message: str) -> str:
    """What to tell of a file whose reading torch refused."""
    name = re.search(r"(?:GLOBAL|Trying to call|Unsupported class:?) ([A-Za-z_][\w.]*)", message)
    if name is None:
        return (
            f"the file {file_name} is refused: it is no checkpoint of tensors, or it is damaged; "
            "supported are safetensors files and torch files of a state_dict"
        )
    return (
        f"the checkpoint {file_name} is refused: it asks to run {name[1]!r}, and a checkpoint may "
        "hold tensors and plain values only; ask its author for a state_dict or safetensors file"
    )


@contextlib.contextmanager
def _inert_names() -> Iterator[None]:
    """Let the reader meet the known log names, as stand-ins, within this block."""
    dtypes = [value for value in vars(np.dtypes).values() if isinstance(value, type)]
    stand_ins: list[Any] = [(Inert, name) for name in INERT_NAMES]
    stand_ins += [(Inert, f"numpy.dtypes.{dtype.__name__}") for dtype in dtypes]
    with torch.serialization.safe_globals(stand_ins):
        yield


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__
