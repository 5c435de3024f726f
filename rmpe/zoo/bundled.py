"""The compact pose networks, whose weights are in the package, and a spatial transformer."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from rmpe.runtimes import Precision, Runtime, RuntimeName, bundled_runtime
from rmpe.zoo.conventions import CONVENTIONS, Conventions, Origin

if TYPE_CHECKING:
    from rmpe.zoo.loading import LoadedNetwork

BUNDLED = {
    "compact": "compact_pose.safetensors",
    "compact-accurate": "compact_accurate_pose.safetensors",
}
"""Name of a bundled network to its file in ``rmpe/weights``."""
_ORIGINS: dict[str, Origin] = {"compact": "compact", "compact-accurate": "compact-accurate"}
TRANSFORMER_FILE = "compact_sstn.safetensors"


def load_bundled_pose(name: str = "compact", *, sstn: bool = False) -> LoadedNetwork:
    """A compact pose network with the weights of this package.

    With ``sstn`` it is the first network, without focus, inside the spatial transformer (RMPE,
    section 3.1) that learnt to read its maps, and the conventions are those of the larger crop
    that a transformer needs.

    Args:
        name: ``compact`` for speed or ``compact-accurate``.
        sstn: whether the transformer stands around it.

    Raises:
        ValueError: there is no such network, or no transformer for it.
    """
    import safetensors.torch

    from rmpe.zoo.loading import from_state_dict, load

    if name not in BUNDLED or (sstn and name != "compact"):
        with_transformer = " inside a transformer" if sstn else ""
        supported = "compact" if sstn else ", ".join(BUNDLED)
        raise ValueError(f"got bundled network {name!r}{with_transformer}, supported: {supported}")
    folder = resources.files("rmpe.weights")
    if sstn:
        with resources.as_file(folder.joinpath(TRANSFORMER_FILE)) as path:
            return load(path)
    return from_state_dict(safetensors.torch.load(folder.joinpath(BUNDLED[name]).read_bytes()))


def ready_pose(
    name: str,
    *,
    runtime: RuntimeName = "auto",
    device: str = "auto",
    precision: Precision = "auto",
    threads: int = 0,
) -> tuple[Runtime, Conventions] | None:
    """A bundled pose network ready to run without torch, and its conventions.

    Args:
        name: ``compact`` or ``compact-accurate``.
        runtime, device, precision, threads: as for :func:`rmpe.runtimes.build_runtime`.

    Returns:
        None where torch is needed, see :func:`rmpe.runtimes.bundled_runtime`.
    """
    engine = bundled_runtime(
        BUNDLED[name], runtime=runtime, device=device, precision=precision, threads=threads
    )
    return None if engine is None else (engine, CONVENTIONS[_ORIGINS[name]])
