"""The bundled networks as they lie in the package: ready to run where torch is not needed."""

from __future__ import annotations

import logging
from importlib import resources

from rmpe.runtimes._processor import bytes_lose_digits, multiplies_bytes, multiplies_halves
from rmpe.runtimes.base import (
    Precision,
    Runtime,
    RuntimeName,
    choose_openvino_precision,
    runs_without_torch,
)

GRAPH_SUFFIX = ".graph.gz"
"""Of the file beside the weights, in place of their own suffix."""
NARROW_SUFFIX = "_narrow" + GRAPH_SUFFIX
"""Of the graph for crops of people who fit in the middle of the input."""
INT8_SUFFIX = ".int8.gz"
"""Of the file that says how the network is rounded to eight bits."""

log = logging.getLogger(__name__)


def bundled_runtime(
    weights_name: str,
    *,
    runtime: RuntimeName = "auto",
    device: str = "auto",
    precision: Precision = "auto",
    threads: int = 0,
    good_in_bytes: bool = False,
) -> Runtime | None:
    """Return a bundled network ready to run without torch.

    Args:
        weights_name: of its ``.safetensors`` file in ``rmpe.weights``.
        runtime, device, precision, threads: as for :func:`rmpe.runtimes.build_runtime`.
        good_in_bytes: see :func:`rounds_to_bytes`.

    Returns:
        None where the choices need torch, or no graph that this OpenVINO reads lies beside the
        weights.

    Raises:
        ValueError: int8 is asked for and this processor's sums of byte products overflow, or the
            network's ranges are not there or not of its weights.
    """
    if not runs_without_torch(runtime, device):
        return None
    from rmpe.runtimes.graph import HINTS, GraphRuntime

    rounded = rounds_to_bytes(precision, good_in_bytes)
    computed = choose_openvino_precision("auto" if rounded else precision)
    if computed not in HINTS:
        return None
    folder = resources.files("rmpe.weights")
    stem = weights_name.removesuffix(".safetensors")
    ranges = folder / (stem + INT8_SUFFIX)
    files = [folder / (stem + suffix) for suffix in (GRAPH_SUFFIX, NARROW_SUFFIX)]
    if not files[0].is_file():
        return None
    graphs = [file.read_bytes() for file in files if file.is_file()]
    weights = (folder / weights_name).read_bytes()
    if rounded:
        try:
            how = ranges.read_bytes()
            return GraphRuntime(graphs, weights, computed, threads, how)
        except (OSError, ValueError) as error:
            if precision == "int8":
                raise ValueError(f"{weights_name} cannot be run in int8: {error}") from error
            log.info("%s: %s; it runs in %s", weights_name, error, computed)
    try:
        return GraphRuntime(graphs, weights, computed, threads)
    except ValueError as error:
        log.info("%s: %s; torch converts the network", weights_name, error)
        return None


def rounds_to_bytes(precision: Precision, good_in_bytes: bool = False) -> bool:
    """Tell whether a bundled network on OpenVINO computes in int8.

    ``auto`` takes it where the processor multiplies bytes: 2.3 times as fast as fp32, but a quarter
    faster than bf16, for which only a network is rounded that loses nothing.

    Args:
        precision: what was asked for.
        good_in_bytes: whether the network is as good in int8 as in bf16.

    Raises:
        ValueError: it is to, and this processor's sums of byte products overflow.
    """
    if precision == "int8" and bytes_lose_digits():
        raise ValueError(
            "precision 'int8' needs a processor with VNNI, which this one lacks; use fp32"
        )
    if precision == "auto" and multiplies_bytes():
        return good_in_bytes or not multiplies_halves()
    return precision == "int8"
