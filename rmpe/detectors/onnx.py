"""Detectors in ONNX files: YOLOX and RTMDet as their projects export them.

The file's own output tells the layout: ``(1, N, 5)`` are finished boxes x1 y1 x2 y2 score
(MMDeploy's export, a second output holds the labels), ``(1, N, 5 + classes)`` are YOLOX's cells
before decoding (YOLOX's ``tools/export_onnx.py``; decoded as in its ``demo_postprocess``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
import torch
from torchvision.ops import nms

from rmpe._door import extra_module
from rmpe.detectors._letterbox import GREY
from rmpe.geometry.boxes import clip_boxes
from rmpe.records import Boxes, FloatArray, ImageArray

OnnxFamily = Literal["yolox", "rtmdet"]
PERSON_CLASS = 0
_STRIDES = (8, 16, 32)
_NUMBERS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_BOXES_NDIM = 3
_RTMDET_MEAN_BGR = np.array([103.53, 116.28, 123.675], np.float32)
_RTMDET_STD_BGR = np.array([57.375, 57.12, 58.395], np.float32)


@dataclass(frozen=True)
class OnnxOptions:
    """How boxes are read from the file's output."""

    score_threshold: float = 0.3
    """Boxes below this score are dropped."""
    nms_iou: float = 0.45
    """Used where the file itself does not suppress."""


class OnnxDetector:
    """An ONNX detection network of which only the class person is read."""

    def __init__(
        self,
        path: Path | str,
        family: str,
        *,
        options: OnnxOptions | None = None,
        threads: int = 0,
    ):
        """Open the file.

        Args:
            path: the .onnx file, with a fixed input size (1, 3, H, W).
            family: ``yolox`` or ``rtmdet``, which decides how pictures are normalised.
            options: thresholds.
            threads: threads of one call; 0 leaves it to onnxruntime.

        Raises:
            ValueError: the family is unknown, onnxruntime is not installed, or it takes something
                else than pictures of a fixed size in floating point.
            OSError: the file is missing or not an ONNX file.
        """
        if family not in get_args(OnnxFamily):
            raise ValueError(
                f"unknown ONNX family {family!r}; supported are {', '.join(get_args(OnnxFamily))}"
            )
        self.options = options or OnnxOptions()
        self._family = family
        self._session = _open_session(Path(path), threads)
        self.description = f"{family} in an ONNX file"
        self.weights_digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
        entry, *others = self._session.get_inputs()
        if others:
            raise ValueError(f"{path} has {1 + len(others)} inputs, needed is one of pictures")
        self._input_name = entry.name
        sides = entry.shape[2:]
        is_fixed = len(sides) == 2 and all(isinstance(side, int) for side in sides)
        if not is_fixed or (isinstance(entry.shape[1], int) and entry.shape[1] != 3):
            raise ValueError(f"{path} takes {entry.shape}, needed is a fixed size (1, 3, H, W)")
        if entry.type not in _NUMBERS:
            raise ValueError(f"{path} takes {entry.type}, needed is {' or '.join(_NUMBERS)}")
        self._dtype = _NUMBERS[entry.type]
        self._height, self._width = sides

    def __call__(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the people of every picture, see :class:`rmpe.detectors.base.Detector`."""
        return [self._one(image) for image in images_bgr]

    def _one(self, image_bgr: ImageArray) -> Boxes:
        height, width = image_bgr.shape[:2]
        scale = min(self._width / width, self._height / height)
        # YOLOX cuts sides to whole pixels, MMDetection rounds them.
        whole = int if self._family == "yolox" else round
        size = (max(whole(width * scale), 1), max(whole(height * scale), 1))
        canvas = np.full((self._height, self._width, 3), GREY, np.float32)
        canvas[: size[1], : size[0]] = cv2.resize(image_bgr, size)
        if self._family == "rtmdet":
            canvas = (canvas - _RTMDET_MEAN_BGR) / _RTMDET_STD_BGR
        planes = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], self._dtype)
        outputs = [np.asarray(o) for o in self._session.run(None, {self._input_name: planes})]
        # Exporters may name the labels before the boxes.
        outputs.sort(key=lambda output: output.ndim != _BOXES_NDIM)
        are_finished = outputs[0].shape[-1] == 5
        if are_finished:
            boxes, scores = finished_boxes(outputs)
        else:
            boxes, scores = decode_yolox(outputs[0][0], self._height, self._width)
        above = scores >= self.options.score_threshold
        boxes, scores = boxes[above], scores[above]
        if not are_finished:
            found = nms(torch.from_numpy(boxes), torch.from_numpy(scores), self.options.nms_iou)
            boxes, scores = boxes[found.numpy()], scores[found.numpy()]
        return Boxes(clip_boxes(boxes / np.float32(scale), width, height), scores)


def _open_session(path: Path, threads: int) -> Any:
    onnxruntime = extra_module("onnxruntime", "onnx", "a detector's ONNX file")
    errors = onnxruntime.capi.onnxruntime_pybind11_state
    if not path.is_file():
        raise OSError(f"{path} is missing; give the path of a YOLOX or RTMDet .onnx file")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(
            str(path), settings, providers=onnxruntime.get_available_providers()
        )
    except (errors.InvalidProtobuf, errors.InvalidGraph, errors.Fail) as error:
        raise OSError(f"{path} is not an ONNX file that onnxruntime can read: {error}") from error


def finished_boxes(outputs: Sequence[np.ndarray]) -> tuple[FloatArray, FloatArray]:
    """Return the people of the outputs ``dets`` (1, N, 5) and perhaps ``labels`` (1, N)."""
    rows = np.asarray(outputs[0][0], np.float32)
    if len(outputs) > 1:
        rows = rows[outputs[1].reshape(-1)[: len(rows)] == PERSON_CLASS]
    return rows[:, :4], rows[:, 4]


def decode_yolox(cells: np.ndarray, height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Return boxes (A, 4) in input pixels and person scores (A,) of YOLOX's cells.

    Args:
        cells: x, y offsets and log sizes in cells, objectness, class scores, (A, 5 + classes), for
            strides 8, 16, 32 row by row.
        height, width: of the input in pixels.

    Raises:
        ValueError: the number of cells is not that of the three strides.
    """
    corners, strides = [], []
    for stride in _STRIDES:
        y, x = np.mgrid[0 : height // stride, 0 : width // stride]
        corners.append(np.stack([x, y], -1).reshape(-1, 2))
        strides.append(np.full(x.size, stride))
    corner, stride_of = np.concatenate(corners), np.concatenate(strides)[:, None]
    if len(cells) != len(corner):
        raise ValueError(
            f"the output has {len(cells)} cells, a YOLOX of {width}x{height} px has {len(corner)}"
        )
    centre = (cells[:, :2] + corner) * stride_of
    half = np.exp(cells[:, 2:4]) * stride_of / 2
    scores = cells[:, 4] * cells[:, 5 + PERSON_CLASS]
    boxes = np.concatenate([centre - half, centre + half], 1)
    return boxes.astype(np.float32), scores.astype(np.float32)
