"""The compact detector whose weights are in the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from safetensors import SafetensorError

from rmpe.detectors._boxes import box_nms, join_sides, read_output
from rmpe.detectors._letterbox import STEP, Letterbox
from rmpe.geometry.boxes import clip_boxes, snap_boxes
from rmpe.records import Boxes, ImageArray
from rmpe.runtimes import Precision, Runtime, RuntimeName, as_array, build_runtime, bundled_runtime

if TYPE_CHECKING:
    from rmpe.networks.compact_detector import CompactDetector
    from rmpe.runtimes import PreprocessedNetwork

BUNDLED_WEIGHTS = "compact_detector.safetensors"


@dataclass(frozen=True)
class CompactOptions:
    """How boxes are read from the network."""

    input_side: int = 416
    """Pixels of the picture's longer side as the network sees it; more for small people."""
    largest_zoom: float = 2.0
    """Pictures smaller than that are enlarged at most this much."""
    score_threshold: float = 0.35
    """Boxes below this score are dropped."""
    small_score_threshold: float = 0.45
    """Small boxes below this score are dropped: at the same score they are more often wrong."""
    small_px: float = 64.0
    """Boxes lower than this are small, in pixels of the network's input."""
    nms_iou: float = 0.5
    """Of two boxes that overlap more than this, the better one stays."""
    max_boxes: int = 200
    """Most boxes of one picture."""
    other_sides: tuple[int, ...] = ()
    """Input sides at which the network looks as well; what it finds at all of them is joined."""
    same_iou: float = 0.6
    """Boxes of several sides that overlap more than this are of one person."""
    best_counts: float = 4.0
    """The joined score is the sides' power mean with this exponent, 0 where a side found nothing:
    1 is their mean, and with a high one the best decides."""
    weakest_score: float = 0.05
    """Boxes of one side below this score are dropped before they are joined."""
    good_in_bytes: bool = False
    """Whether as many people are found in int8: then precision ``auto`` is that."""

    def __post_init__(self) -> None:
        if self.input_side < STEP:
            raise ValueError(f"input_side is {self.input_side}, allowed is {STEP} or more")
        if min(self.other_sides, default=STEP) < STEP:
            raise ValueError(f"other_sides are {self.other_sides}, allowed is {STEP} or more")
        for name in ("score_threshold", "small_score_threshold", "nms_iou"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, allowed is 0..1")
        if self.max_boxes < 1:
            raise ValueError(f"max_boxes is {self.max_boxes}, allowed is 1 or more")

    def from_score(self, score: float) -> CompactOptions:
        """Return these options with another threshold, and that of small boxes as much above it."""
        above = self.small_score_threshold - self.score_threshold
        small = min(max(score + above, 0.0), 1.0)
        return replace(self, score_threshold=score, small_score_threshold=small)


FAST = CompactOptions(
    512, small_score_threshold=0.42, small_px=79.0, other_sides=(320,), good_in_bytes=True
)
"""The detector ``compact``: small and near people each at a side that suits them."""

ACCURATE = CompactOptions(
    640,
    score_threshold=0.315,
    small_score_threshold=0.41,
    small_px=98.0,
    other_sides=(416, 288),
    best_counts=2.0,
)
"""The detector ``compact-accurate``: three sides, at twice the time of ``FAST``."""


class CompactPersonDetector:
    """Finds people with the compact network on any runtime."""

    def __init__(self, runtime: Runtime, options: CompactOptions | None = None):
        """Join a runtime of the network and the rules for reading boxes.

        Args:
            runtime: gives the network's output (N, cells, 5) for uint8 pictures (N, H, W, 3).
            options: input size and thresholds.
        """
        self.runtime = runtime
        self.options = options or CompactOptions()

    def __call__(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the people of every picture, see :class:`rmpe.detectors.base.Detector`."""
        return [Boxes(snap_boxes(its.boxes_xyxy), its.scores) for its in self._found(images_bgr)]

    def _found(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the people of every picture as exactly as they are known."""
        options = self.options
        if not options.other_sides:
            return self._at_one_side(images_bgr, options)
        # What one side is unsure of another may see well: little is dropped before they are joined.
        weak = replace(
            options,
            score_threshold=options.weakest_score,
            small_score_threshold=options.weakest_score,
            nms_iou=options.same_iou,
        )
        sides = (options.input_side, *options.other_sides)
        found = [self._at_one_side(images_bgr, replace(weak, input_side=side)) for side in sides]
        return [
            self._joined(image, [boxes[place] for boxes in found])
            for place, image in enumerate(images_bgr)
        ]

    def _joined(self, image: ImageArray, found: Sequence[Boxes]) -> Boxes:
        """Return what the network says of a picture at all sides together."""
        options = self.options
        corners, scores = join_sides(
            [boxes.boxes_xyxy for boxes in found],
            [boxes.scores for boxes in found],
            options.same_iou,
            options.best_counts,
            min(options.score_threshold, options.small_score_threshold),
        )
        scale = fitted(image, options).scale
        kept = select_boxes(corners * scale, scores, options)
        return Boxes(kept.boxes_xyxy / np.float32(scale), kept.scores)

    def _at_one_side(
        self, images_bgr: Sequence[ImageArray], options: CompactOptions
    ) -> list[Boxes]:
        """Return the people of every picture as the network sees it at ``options.input_side``."""
        frames = [fitted(image, options) for image in images_bgr]
        groups: dict[tuple[int, int], list[int]] = {}
        for place, frame in enumerate(frames):
            groups.setdefault((frame.height, frame.width), []).append(place)
        found: dict[int, Boxes] = {}
        for (height, width), places in groups.items():
            batch = np.stack([frames[place].apply(images_bgr[place]) for place in places])
            output = as_array(self.runtime(batch)[0])  # (N, cells, 5)
            lowest = min(options.score_threshold, options.small_score_threshold)
            for row, place in enumerate(places):
                image = images_bgr[place]
                boxes, scores = read_output(output[row], height, width, lowest)
                kept = select_boxes(boxes, scores, options)
                corners = frames[place].to_image(kept.boxes_xyxy)
                corners = clip_boxes(corners, image.shape[1], image.shape[0])
                found[place] = Boxes(corners, kept.scores)
        return [found[place] for place in range(len(images_bgr))]


def fitted(image_bgr: ImageArray, options: CompactOptions) -> Letterbox:
    """Return how a picture lies in the network's input."""
    height, width = image_bgr.shape[:2]
    return Letterbox.fit(width, height, options.input_side, options.largest_zoom)


def select_boxes(boxes: ArrayLike, scores: ArrayLike, options: CompactOptions) -> Boxes:
    """Return the boxes above the threshold that no better box covers, best first.

    Args:
        boxes: xyxy in input pixels, (A, 4).
        scores: 0..1, (A,).
        options: thresholds.
    """
    corners, sure = np.asarray(boxes, np.float32), np.asarray(scores, np.float32)
    is_small = corners[:, 3] - corners[:, 1] < options.small_px
    lowest = np.where(is_small, options.small_score_threshold, options.score_threshold)
    above = np.flatnonzero(sure >= lowest.astype(np.float32))
    kept = above[box_nms(corners[above], sure[above], options.nms_iou)[: options.max_boxes]]
    return Boxes(corners[kept], sure[kept])


def load_compact_network(weights: Path | str | None = None) -> CompactDetector:
    """Return the network with the bundled weights, or with those of a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else than this network's weights.
    """
    from safetensors.torch import load_file

    from rmpe.networks.compact_detector import CompactDetector

    network = CompactDetector()
    if weights is None:
        with resources.as_file(resources.files("rmpe.weights") / BUNDLED_WEIGHTS) as bundled:
            state = load_file(bundled)
    else:
        try:
            state = load_file(str(weights))
        except SafetensorError as error:
            raise ValueError(f"{weights} is not a safetensors file: {error}") from error
    try:
        network.load_state_dict({name: value.float() for name, value in state.items()})
    except RuntimeError as error:
        raise ValueError(f"{weights} does not fit the compact detector: {error}") from error
    return network.eval()


def preprocessed_network(weights: Path | str | None = None) -> PreprocessedNetwork:
    """Return the network as it takes pictures; see :func:`load_compact_network`."""
    from rmpe.networks.compact_detector import MEAN_BGR, STD_BGR
    from rmpe.runtimes import PreprocessedNetwork

    network = load_compact_network(weights)
    return PreprocessedNetwork(network, "bgr", MEAN_BGR, STD_BGR, any_size=True)


def build_compact_detector(
    weights: Path | str | None = None,
    *,
    options: CompactOptions | None = None,
    device: str = "auto",
    runtime: RuntimeName = "auto",
    precision: Precision = "auto",
    threads: int = 0,
) -> CompactPersonDetector:
    """Return the compact detector ready to run.

    Args:
        weights: a .safetensors file; the bundled one when ``None``.
        options: input size and thresholds; ``FAST`` when ``None``.
        device, runtime, precision, threads: as for :func:`rmpe.runtimes.build_runtime`.

    Raises:
        OSError, ValueError: see :func:`load_compact_network` and ``build_runtime``.
    """
    engine = None
    options = options or FAST
    if weights is None:
        engine = bundled_runtime(
            BUNDLED_WEIGHTS,
            runtime=runtime,
            device=device,
            precision=precision,
            threads=threads,
            good_in_bytes=options.good_in_bytes,
        )
    if engine is None:
        engine = build_runtime(
            preprocessed_network(weights),
            runtime=runtime,
            device=device,
            precision=precision,
            threads=threads,
        )
    return CompactPersonDetector(engine, options)
