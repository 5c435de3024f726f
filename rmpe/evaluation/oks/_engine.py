"""COCO's keypoint evaluation with pycocotools (extra ``eval``), its OKS done in whole arrays."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from rmpe.oks import oks_terms

FloatArray = NDArray[np.float64]


class OksEvaluation(COCOeval):
    """pycocotools' evaluation with ``computeOks`` over all pairs at once: same values, faster."""

    def computeOks(self, imgId: int, catId: int) -> FloatArray | list[Any]:  # noqa: N802, N803
        """Return the OKS of an image's detections (by score) with its annotations, (D, G)."""
        truths = self._gts[imgId, catId]
        found = self._dts[imgId, catId]
        order = np.argsort([-item["score"] for item in found], kind="mergesort")
        found = [found[place] for place in order[: self.params.maxDets[-1]]]
        if not truths or not found:
            return []
        sigmas = np.asarray(self.params.kpt_oks_sigmas)
        joints = np.array([item["keypoints"] for item in found], np.float64)
        joints = joints.reshape(len(found), -1, 3)
        result = np.zeros((len(found), len(truths)))
        for place, truth in enumerate(truths):
            target = np.array(truth["keypoints"], np.float64).reshape(-1, 3)
            visible = target[:, 2] > 0
            if visible.any():
                offset = (joints[:, :, :2] - target[:, :2])[:, visible]  # (D, V, 2)
                chosen = sigmas[visible]
            else:
                offset, chosen = _outside(joints[:, :, :2], truth["bbox"]), sigmas
            terms = oks_terms((offset**2).sum(-1), truth["area"], chosen)  # (D, V)
            result[:, place] = terms.mean(1)
        return result


def _outside(points: FloatArray, box_xywh: Sequence[float]) -> FloatArray:
    """Return how far points (D, K, 2) lie outside a box grown by its own size on every side."""
    x, y, width, height = box_xywh
    low, high = np.array([x - width, y - height]), np.array([x + 2 * width, y + 2 * height])
    return np.maximum(low - points, 0) + np.maximum(points - high, 0)


def run_oks_evaluation(
    truth: Mapping[str, Any],
    predictions: Sequence[Mapping[str, Any]],
    sigmas: ArrayLike,
    image_ids: Sequence[int] | None = None,
    all_sizes: bool = True,
) -> OksEvaluation:
    """Return the accumulated evaluation of predictions against COCO annotations.

    Args:
        truth: an annotation document; every annotation has ``keypoints``, ``bbox`` and ``area``.
        predictions: COCO results.
        sigmas: OKS standard deviations, (K,).
        image_ids: pictures to evaluate, all of them by default.
        all_sizes: medium and large people apart as well.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        annotated = COCO()
        annotated.dataset = truth
        annotated.createIndex()
        if predictions:
            detected = annotated.loadRes([copy.copy(dict(item)) for item in predictions])
        else:
            detected = COCO()
            detected.dataset = {**truth, "annotations": []}
            detected.createIndex()
        engine = OksEvaluation(annotated, detected, "keypoints")
        engine.params.kpt_oks_sigmas = np.asarray(sigmas, np.float64)
        if image_ids is not None:
            engine.params.imgIds = list(image_ids)
        if not all_sizes:
            engine.params.areaRng = engine.params.areaRng[:1]
            engine.params.areaRngLbl = engine.params.areaRngLbl[:1]
        engine.evaluate()
        engine.accumulate()
    return engine
