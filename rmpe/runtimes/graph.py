"""Networks that need no torch: the graph of a bundled network is stored, its weights are not.

A graph file holds what OpenVINO's converter made of a torch network, with a note for every constant
that is one of the network's tensors. The weights come from the network's own file, so they stand in
the package once, and a graph serves every set of weights of its architecture.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors

from rmpe.json_files import packed_json, unpacked_json
from rmpe.runtimes import compiled
from rmpe.runtimes._openvino import HINTS, OpenVinoEngine, openvino
from rmpe.runtimes.quantised import Quantisation

__all__ = ["HINTS", "Graph", "GraphRuntime"]

SCHEMA = "rmpe-graph/1"
log = logging.getLogger(__name__)
_CONSTANT = re.compile(r'<data element_type="(\w+)" shape="[^"]*" offset="(\d+)" size="(\d+)"')


@dataclass(frozen=True, eq=False)
class Graph:
    """What a graph file holds."""

    xml: str
    """The model as OpenVINO writes it."""
    size: int
    """Bytes of all constants."""
    tensors: Mapping[str, int]
    """Where in them the float32 values of each of the network's tensors lie."""
    rest: Mapping[int, str]
    """The other constants by place, in base64."""
    height: int
    """Rows of the picture that it was traced with."""
    width: int
    """Columns."""
    any_size: bool
    """Whether it holds for pictures of all sizes."""

    def save(self, path: Path | str) -> None:
        """Write the file, the same bytes every time."""
        Path(path).write_bytes(packed_json(SCHEMA, asdict(self)))

    @classmethod
    def load(cls, content: bytes) -> Graph:
        """Read a file's content.

        Raises:
            ValueError: it is no graph file.
        """
        try:
            item = unpacked_json(content, SCHEMA)
            item["rest"] = {int(place): text for place, text in item["rest"].items()}
            return cls(**item)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"got {len(content)} bytes that are no graph file") from error

    @classmethod
    def of_model(
        cls,
        model: openvino.Model,
        tensors: Mapping[str, NDArray[np.float32]],
        size: tuple[int, int],
        any_size: bool,
    ) -> Graph:
        """Return the graph of a converted network.

        Args:
            model: made by the converter.
            tensors: the network's, by name; each with values of its own, so that they are known
                again: draw them at random.
            size: (height, width) of the picture that it was traced with.
            any_size: whether it holds for all.

        Raises:
            ValueError: a tensor is not among the model's constants, or two are alike.
        """
        with tempfile.TemporaryDirectory() as folder:
            openvino.save_model(model, f"{folder}/model.xml", compress_to_fp16=False)
            xml = Path(folder, "model.xml").read_text("utf-8")
            values = Path(folder, "model.bin").read_bytes()
        names = {tensor.tobytes(): name for name, tensor in tensors.items()}
        if len(names) != len(tensors):
            raise ValueError("two tensors of the network are alike: draw them at random")
        places: dict[str, int] = {}
        rest: dict[int, str] = {}
        for _, offset, length in _CONSTANT.findall(xml):
            place = int(offset)
            part = values[place : place + int(length)]
            name = names.get(part)
            if name is None:
                rest[place] = base64.b64encode(part).decode("ascii")
            else:
                places[name] = place
        missing = sorted(set(tensors) - set(places))
        if missing:
            raise ValueError(f"the model does not hold {', '.join(missing)} as they are")
        return cls(xml, len(values), places, rest, *size, any_size)

    def filled(self, tensors: Mapping[str, NDArray[np.floating]]) -> openvino.Model:
        """Return the model with a network's weights.

        Args:
            tensors: the network's, by name.

        Raises:
            ValueError: their names or sizes are not those of the graph.
        """
        if set(tensors) != set(self.tensors):
            different = sorted(set(tensors) ^ set(self.tensors))
            raise ValueError(f"the weights are not of this graph: {', '.join(different[:3])}, ...")
        values = np.zeros(self.size, np.uint8)
        for place, text in self.rest.items():
            part = np.frombuffer(base64.b64decode(text), np.uint8)
            values[place : place + len(part)] = part
        lengths = {int(at): int(length) for _, at, length in _CONSTANT.findall(self.xml)}
        for name, tensor in tensors.items():
            place = self.tensors[name]
            part = np.ascontiguousarray(tensor, np.float32).reshape(-1).view(np.uint8)
            if len(part) != lengths[place]:
                raise ValueError(f"the weights are not of this graph: {name} has another size")
            values[place : place + len(part)] = part
        try:
            return openvino.Core().read_model(self.xml.encode(), openvino.Tensor(values))
        except RuntimeError as error:
            raise ValueError(f"this OpenVINO cannot read the graph: {error}") from error


class GraphRuntime(OpenVinoEngine):
    """A stored graph with its weights on OpenVINO, on the CPU; answers in numpy arrays."""

    def __init__(
        self,
        graphs: Sequence[bytes],
        weights: bytes,
        precision: str,
        threads: int,
        ranges: bytes | None = None,
    ) -> None:
        """Prepare a network.

        Args:
            graphs: contents of its graph files, one for each size of pictures.
            weights: content of its ``.safetensors`` file.
            precision: fp32 or bf16; with ``ranges`` that of what is not rounded.
            threads: threads of one call; 0 leaves it to OpenVINO.
            ranges: content of the file that says how it is rounded to eight bits, if it is to be.

        Raises:
            ValueError: a file is no such file, the weights are not of the graph or the ranges,
                this OpenVINO cannot read it, or the precision is not one of the engine's.
        """
        digest = hashlib.sha256(weights).hexdigest()
        self._graphs = tuple(Graph.load(graph) for graph in graphs)
        any_size = self._graphs[0].any_size
        super().__init__(precision, threads, any_size, digest[:12])
        # A model of one batch is 5 to 11 % quicker than one of any. Crops come in full batches, and
        # a few at the end or where somebody is missing; pictures to find people in one by one.
        self._batches = (1,) if any_size else (self.usual_batch, 1)
        if ranges is not None:
            self.description = self.description.replace(precision, f"int8 and {precision}")
        made_of = (openvino.__version__, json.dumps(self._settings), *graphs, digest, ranges or b"")
        self._key = compiled.key_of(*made_of)
        self._contents = (weights, ranges)
        self._filled: dict[Graph, openvino.Model] = {}
        if not compiled.are_there(self._key):
            self._fill(self._graphs[0])

    def _fill(self, graph: Graph) -> openvino.Model:
        """Return a graph with its weights."""
        if graph not in self._filled:
            weights, ranges = self._contents
            model = graph.filled(load_tensors(weights))
            if ranges is not None:
                model = Quantisation.load(ranges).applied(model, self.weights_digest)
            self._filled[graph] = model
        return self._filled[graph]

    def _convert(self, height: int, width: int) -> openvino.Model:
        for graph in self._graphs:
            if graph.any_size or (height, width) == (graph.height, graph.width):
                return self._fill(graph).clone()
        sizes = " or ".join(f"{graph.width}x{graph.height}" for graph in self._graphs)
        raise ValueError(f"the network takes pictures of {sizes} pixels, got {width}x{height}")

    def _compiled(
        self, shape: tuple[int, int, int], height: int, width: int
    ) -> openvino.CompiledModel:
        key = f"{self._key}-{'x'.join(map(str, shape))}"
        if (kept := compiled.load(key)) is not None:
            try:
                return self._core.import_model(kept, "CPU", self._settings)
            except RuntimeError as error:
                log.info("a kept network cannot be read and is compiled anew: %s", error)
        made = super()._compiled(shape, height, width)
        compiled.keep(key, made.export_model().getvalue())
        return made

    def __call__(self, images_bgr: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Return the outputs for uint8 pictures (N, H, W, 3), see :class:`Runtime`."""
        return tuple(self.infer(images_bgr))
