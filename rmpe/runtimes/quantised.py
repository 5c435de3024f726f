"""The bundled networks in eight bits: which values of a graph are rounded, and how coarsely.

A file beside the weights holds what NNCF measured on pictures of people: the range of every input
that is rounded, and biases that make up for the rounding. The weights come from the network's own
file and are rounded to the largest of each channel, so the file is small; it belongs to the weights
it was measured with (tools/compact/quantise.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rmpe.json_files import packed_json, unpacked_json
from rmpe.runtimes._openvino import openvino

SCHEMA = "rmpe-int8/1"
_LEVELS, _WEIGHT_LEVELS = 256, 255
_LEAST_WEIGHT = np.float32(1e-6)
"""Of a channel whose weights are all nothing, so that there are steps at all."""


@dataclass(frozen=True)
class Rounded:
    """A value of the graph that is rounded on its way to some of those who take it."""

    source: str
    """The node whose output it is."""
    takers: tuple[tuple[str, int], ...]
    """Nodes that take it rounded, and at which of their inputs."""
    low: tuple[float, ...]
    """Least value that is kept: one, or one for each channel."""
    high: tuple[float, ...]
    """Largest."""


@dataclass(frozen=True)
class Quantisation:
    """What a file of this kind holds."""

    weights_digest: str
    """Of the weights it was measured with, as the runtime names it."""
    values: tuple[Rounded, ...]
    """The graph's values that are rounded."""
    convolutions: tuple[str, ...]
    """Nodes whose weights are rounded."""
    biases: dict[str, tuple[float, ...]]
    """Nodes that add a bias, and the bias in place of their own, one value for each channel."""

    def save(self, path: Path | str) -> None:
        """Write the file, the same bytes every time."""
        Path(path).write_bytes(packed_json(SCHEMA, asdict(self)))

    @classmethod
    def load(cls, content: bytes) -> Quantisation:
        """Read a file's content.

        Raises:
            ValueError: it is no such file.
        """
        try:
            item = unpacked_json(content, SCHEMA)
            item["values"] = tuple(Rounded(**value) for value in item["values"])
            return cls(**item)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"got {len(content)} bytes that are no file of ranges") from error

    def applied(self, model: openvino.Model, weights_digest: str) -> openvino.Model:
        """Return the model, which is changed, with its values rounded.

        Args:
            model: a graph with its weights.
            weights_digest: of these.

        Raises:
            ValueError: the weights are others than those measured, or the model lacks a node.
        """
        if weights_digest != self.weights_digest:
            raise ValueError(
                f"got weights {weights_digest}, the ranges of int8 were measured with "
                f"{self.weights_digest}; measure anew: tools/compact/quantise.py"
            )
        nodes = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
        try:
            for name in self.convolutions:
                _round_weights(nodes[name])
            for value in self.values:
                output = nodes[value.source].output(0)
                rounded = _rounded(output, value.low, value.high, _LEVELS)
                for taker, place in value.takers:
                    nodes[taker].input(place).replace_source_output(rounded.output(0))
            for name, bias in self.biases.items():
                constant = openvino.opset13.constant(_by_channel(bias))
                nodes[name].input(1).replace_source_output(constant.output(0))
        except KeyError as error:
            raise ValueError(f"the graph lacks {error}: it is not the one measured") from error
        model.validate_nodes_and_infer_types()
        return model


def _by_channel(values: Sequence[float]) -> NDArray[np.float32]:
    """Return one value, or one a channel, as they spread over (N, C, H, W)."""
    array = np.asarray(values, np.float32)
    return array.reshape(()) if len(array) == 1 else array.reshape(1, -1, 1, 1)


def _rounded(
    output: openvino.Output, low: Sequence[float], high: Sequence[float], levels: int
) -> openvino.Node:
    ends = [openvino.opset13.constant(_by_channel(end)) for end in (low, high)]
    return openvino.opset13.fake_quantize(output, *ends, *ends, levels)


def _round_weights(convolution: openvino.Node) -> None:
    """Round a convolution's weights to 255 steps between the largest of each channel and minus."""
    source = convolution.input_value(1)
    shape = tuple(source.get_shape())
    # (out, in, h, w), or (groups, out of each, in of each, h, w) as a reshaped constant.
    kept = 2 if convolution.get_type_name() == "GroupConvolution" else 1
    node = source.get_node()
    constant = node if node.get_type_name() == "Constant" else node.input_value(0).get_node()
    values = np.abs(constant.get_data().reshape(shape))
    high = values.max(tuple(range(kept, len(shape))), keepdims=True).astype(np.float32)
    high = np.maximum(high, _LEAST_WEIGHT)
    ends = [openvino.opset13.constant(end) for end in (-high, high)]
    rounded = openvino.opset13.fake_quantize(source, *ends, *ends, _WEIGHT_LEVELS)
    convolution.input(1).replace_source_output(rounded.output(0))
