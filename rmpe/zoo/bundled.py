"""Pose networks by name, ready to run: those whose weights are in the package, and all others."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

from rmpe.runtimes import Precision, Runtime, RuntimeName, build_runtime, bundled_runtime
from rmpe.zoo.conventions import CONVENTIONS, Conventions, Origin

if TYPE_CHECKING:
    from rmpe.zoo.loading import LoadedNetwork
    from rmpe.zoo.meaning import LoadChoices

BUNDLED = {
    "compact": "compact_pose.safetensors",
    "compact-accurate": "compact_accurate_pose.safetensors",
}
"""Name of a bundled network to its file in ``rmpe/weights``."""
_ORIGINS: dict[str, Origin] = {"compact": "compact", "compact-accurate": "compact-accurate"}
NARROW_WIDTHS = {"compact": 128, "compact-accurate": 160}
"""Columns that a box of a standing person fits in: no worse and cheaper (docs/compact.md, "Narrow
people")."""
_GOOD_IN_BYTES = frozenset({"compact-accurate"})
"""Networks that lose nothing in int8 (docs/compact.md, "In eight bits")."""
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
        BUNDLED[name],
        runtime=runtime,
        device=device,
        precision=precision,
        threads=threads,
        good_in_bytes=name in _GOOD_IN_BYTES,
    )
    return None if engine is None else (engine, _looking(name, CONVENTIONS[_ORIGINS[name]]))


def _looking(name: str, conventions: Conventions) -> Conventions:
    """Return a bundled network's conventions with how the program looks at narrow people."""
    return replace(conventions, narrow_width=NARROW_WIDTHS[name])


def ready_network(
    network: str,
    weights: str | None,
    choices: LoadChoices | None,
    *,
    sstn: bool,
    runtime: RuntimeName,
    device: str,
    precision: Precision,
    threads: int,
) -> tuple[Runtime, Conventions]:
    """Return a pose network on its engine, and its conventions.

    Args:
        network: a bundled network, or a name in the catalogue.
        weights: a file in place of ``network``.
        choices: what the file does not say.
        sstn: whether the bundled spatial transformer stands around the compact network.
        runtime, device, precision, threads: as for :func:`rmpe.runtimes.build_runtime`.

    Raises:
        ValueError: a name is unknown, the device is not there, the weights do not fit; or choices
            are given for weights of the package.
        OSError: a file cannot be read or fetched.
    """
    if network in BUNDLED and weights is None and choices and choices != type(choices)():
        raise ValueError(
            f"the weights of {network!r} are in the package and say all of themselves; what a file "
            "does not say (--weights-as, --input-size) belongs to --weights or --pose-network"
        )
    if network in BUNDLED and weights is None and not sstn:
        ready = ready_pose(
            network, runtime=runtime, device=device, precision=precision, threads=threads
        )
        if ready is not None:
            return ready
    from rmpe.runtimes import PreprocessedNetwork
    from rmpe.sstn import SymmetricPose
    from rmpe.zoo.onnx_pose import is_onnx, ready_onnx

    if is_onnx(weights or network):
        return ready_onnx(
            weights or network,
            choices,
            runtime=runtime,
            device=device,
            precision=precision,
            threads=threads,
        )
    loaded = _load_network(network, weights, choices, sstn)
    conventions = loaded.conventions
    if network in BUNDLED and weights is None and not sstn:
        conventions = _looking(network, conventions)
    if isinstance(loaded.network, SymmetricPose) and precision == "auto":
        # In half precision a place in the crop is known to half a hundredth of its side.
        precision = "fp32"
    preprocessed = PreprocessedNetwork(
        loaded.network, conventions.colour_order, conventions.mean, conventions.std
    )
    engine = build_runtime(
        preprocessed, runtime=runtime, device=device, precision=precision, threads=threads
    )
    return engine, conventions


def _load_network(
    network: str, weights: str | None, choices: LoadChoices | None, sstn: bool
) -> LoadedNetwork:
    from rmpe.zoo.loading import load

    if sstn and (weights is not None or network != "compact"):
        raise ValueError(
            f"got sstn with {weights or network}; the bundled spatial transformer is the compact "
            "network's, others are trained: recipe sstn_compact with another variant"
        )
    if weights is not None:
        return load(weights, choices)
    return load_bundled_pose(network, sstn=sstn) if network in BUNDLED else load(network, choices)
