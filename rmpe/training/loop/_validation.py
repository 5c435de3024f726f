"""Held-out people scored after every epoch with their true boxes, and a sheet of what is found."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.drawing import DrawingStyle, draw_poses
from rmpe.geometry.crop import CropTransform, points_to_image
from rmpe.heatmaps import get_codec
from rmpe.oks import oks_terms
from rmpe.records import Poses
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.skeletons import Skeleton
from rmpe.zoo.conventions import Conventions

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

BATCH = 32
SHEET_PEOPLE = 16
SHEET_COLUMNS = 8
PCK_SHARE = 0.1
"""A joint is right within this part of the longer side of its person's box."""


class ValidationPeople:
    """People whose pictures are read anew for every score, so that a large set needs no memory."""

    def __init__(self, people: KeypointSet, conventions: Conventions, sheets: Path) -> None:
        """Score on ``people``; the sheets of pictures go into the folder ``sheets``."""
        self._people, self._conventions, self._sheets = people.people, conventions, sheets
        self._skeleton = people.skeleton
        self.skipped: set[str] = set()

    def score(self, network: nn.Module, device: torch.device, epoch: int) -> dict[str, float]:
        """Return ``val_ap``, ``val_oks`` (mean similarity) and ``val_pck`` (joints within 0.1).

        AP is COCO's for people found by their true boxes, each compared with their own truth; PCK
        counts joints within 0.1 of the longer side of their person's box.

        Writes ``epoch_NNN.jpg``. The network's mode is kept. People whose picture cannot be read
        are left out and named in ``skipped``.
        """
        was_training = network.training
        network.eval()
        preprocessor = PreprocessedNetwork(
            network, self._conventions.colour_order, self._conventions.mean, self._conventions.std
        ).to(device)
        similarities: list[float] = []
        confidences: list[float] = []
        right, known = 0, 0
        sheet: list[ImageArray] = []
        for first in range(0, len(self._people), BATCH):
            rows, crops, transforms = self._crops(
                range(first, min(first + BATCH, len(self._people)))
            )
            if not rows:
                continue
            found, scores = self._estimate(preprocessor, crops, device)
            in_picture = points_to_image(found, transforms)
            for place, row in enumerate(rows):
                person = self._people[row]
                seen = person.visibility > 0
                error = np.linalg.norm(in_picture[place] - person.keypoints_xy, axis=1)[seen]
                similarities.append(_similarity(error, person.area, self._skeleton, seen))
                confidences.append(float(scores[place].mean()))
                side = float((person.box_xyxy[2:] - person.box_xyxy[:2]).max())
                right += int((error <= PCK_SHARE * side).sum())
                known += int(seen.sum())
                if len(sheet) < SHEET_PEOPLE:
                    sheet.append(self._drawn(crops[place], found[place], scores[place]))
        network.train(was_training)
        if sheet:
            self._write_sheet(sheet, epoch)
        return {
            "val_ap": average_precision(np.array(similarities), np.array(confidences)),
            "val_oks": float(np.mean(similarities)) if similarities else 0.0,
            "val_pck": right / max(known, 1),
        }

    def _crops(self, rows: range) -> tuple[list[int], ImageArray, list[CropTransform]]:
        conventions = self._conventions
        kept, crops, transforms = [], [], []
        for row in rows:
            person = self._people[row]
            try:
                image = person.picture.load()
            except OSError as error:
                self.skipped.add(str(error))
                continue
            transform = CropTransform.from_person_box(
                person.box_xyxy,
                conventions.input_height,
                conventions.input_width,
                conventions.crop_style,
            )
            kept.append(row)
            crops.append(transform.warp(image))
            transforms.append(transform)
        return kept, np.asarray(crops, np.uint8), transforms

    def _estimate(
        self, preprocessor: PreprocessedNetwork, crops: ImageArray, device: torch.device
    ) -> tuple[FloatArray, FloatArray]:
        """Return joints (N, K, 2) in crop pixels and their scores (N, K)."""
        with torch.no_grad():
            maps = preprocessor(torch.from_numpy(crops).to(device))
        codec = get_codec(self._conventions.codec)
        outputs = maps if isinstance(maps, tuple) else (maps,)
        joined = codec.join(tuple(output.float().cpu() for output in outputs))
        points, scores = codec.decode(joined)
        return points.numpy(), scores.numpy()

    def _drawn(self, crop: ImageArray, points: FloatArray, scores: FloatArray) -> ImageArray:
        height, width = crop.shape[:2]
        poses = Poses(
            boxes_xyxy=np.array([[0, 0, width - 1, height - 1]], np.float32),
            box_scores=np.ones(1, np.float32),
            keypoints_xy=points[None],
            keypoint_scores=scores[None],
            scores=np.ones(1, np.float32),
            ids=np.zeros(1, np.int64),
        )
        style = DrawingStyle(min_joint_score=-np.inf, boxes=False, ids=False)
        return draw_poses(crop, poses, self._skeleton, style)

    def _write_sheet(self, crops: list[ImageArray], epoch: int) -> None:
        height, width = crops[0].shape[:2]
        columns = min(len(crops), SHEET_COLUMNS)
        rows = -(-len(crops) // columns)
        sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
        for place, crop in enumerate(crops):
            top, left = place // columns * height, place % columns * width
            sheet[top : top + height, left : left + width] = crop
        self._sheets.mkdir(parents=True, exist_ok=True)
        path = self._sheets / f"epoch_{epoch:03d}.jpg"
        if not cv2.imwrite(str(path), sheet):
            raise OSError(f"{path} cannot be written")


def average_precision(similarities: FloatArray, confidences: FloatArray) -> float:
    """Return COCO's AP of people who were found once each: OKS 0.50 to 0.95, 101 recalls.

    Args:
        similarities: OKS of each with their truth, (N,).
        confidences: scores by which they are put in order, (N,).
    """
    if not len(similarities):
        return 0.0
    ordered = similarities[np.argsort(-confidences, kind="stable")]
    counts = np.arange(1, len(ordered) + 1)
    precisions = []
    for threshold in np.linspace(0.5, 0.95, 10):
        right = np.cumsum(ordered >= threshold)
        best = np.maximum.accumulate((right / counts)[::-1])[::-1]
        places = np.searchsorted(right / len(ordered), np.linspace(0, 1, 101))
        precisions.append(np.append(best, 0.0)[places].mean())
    return float(np.mean(precisions))


def _similarity(
    errors: FloatArray, area: float, skeleton: Skeleton, seen: NDArray[np.bool_]
) -> float:
    """Return OKS over the annotated joints."""
    return float(oks_terms(errors**2, max(area, 1.0), np.array(skeleton.sigmas)[seen]).mean())
