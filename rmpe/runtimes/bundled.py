"""The bundled networks as they lie in the package: ready to run where torch is not needed."""

from __future__ import annotations

import logging
from importlib import resources

from rmpe.runtimes.base import (
    Precision,
    Runtime,
    RuntimeName,
    choose_openvino_precision,
    runs_without_torch,
)

GRAPH_SUFFIX = ".graph.gz"
"""Of the file beside the weights, in place of their own suffix."""

log = logging.getLogger(__name__)


def bundled_runtime(
    weights_name: str,
    *,
    runtime: RuntimeName = "auto",
    device: str = "auto",
    precision: Precision = "auto",
    threads: int = 0,
) -> Runtime | None:
    """Return a bundled network ready to run without torch.

    Args:
        weights_name: of its ``.safetensors`` file in ``rmpe.weights``.
        runtime, device, precision, threads: as for :func:`rmpe.runtimes.build_runtime`.

    Returns:
        None where the choices need torch, or no graph that this OpenVINO reads lies beside the
        weights.
    """
    if not runs_without_torch(runtime, device):
        return None
    computed = choose_openvino_precision(precision)
    from rmpe.runtimes.graph import HINTS, Graph, GraphRuntime

    if computed not in HINTS:
        return None
    folder = resources.files("rmpe.weights")
    graph = folder / (weights_name.removesuffix(".safetensors") + GRAPH_SUFFIX)
    if not graph.is_file():
        return None
    weights = (folder / weights_name).read_bytes()
    try:
        return GraphRuntime(Graph.load(graph.read_bytes()), weights, computed, threads)
    except ValueError as error:
        log.info("%s: %s; torch converts the network", weights_name, error)
        return None
