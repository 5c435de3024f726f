"""Held-out scores of a network of the compact convention, with ground-truth boxes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rmpe.datasets.lspet import read_lspet
from rmpe.datasets.pose_samples import FloatArray, PoseSample
from rmpe.evaluation.oks.coco import evaluate_coco
from rmpe.evaluation.pck.scores import pck_scores
from rmpe.geometry.crop import HRNET, CropTransform, points_to_image
from rmpe.heatmaps import decode_with_flip, get_codec
from rmpe.oks import oks_terms
from rmpe.skeletons import COCO_17, COCO_19
from rmpe.training.bundled.coco_people import COCO_JOINTS, read_coco_people

BATCH = 64


@dataclass(frozen=True, eq=False)
class HeldOutPeople:
    """People with their crops already made, so that a network can be scored many times."""

    samples: tuple[PoseSample, ...]
    transforms: tuple[CropTransform, ...]
    crops_bgr: NDArray[np.uint8]
    """(N, H, W, 3)."""

    @classmethod
    def of(cls, samples: Sequence[PoseSample], height: int, width: int) -> HeldOutPeople:
        """Cut the crops (HRNet's rule) of ``height`` x ``width`` pixels."""
        transforms = [
            CropTransform.from_person_box(sample.box_xyxy, height, width, HRNET)
            for sample in samples
        ]
        crops = np.zeros((len(samples), height, width, 3), np.uint8)
        for row, (sample, transform) in enumerate(zip(samples, transforms, strict=True)):
            crops[row] = transform.warp(sample.load())
        return cls(tuple(samples), tuple(transforms), crops)

    def subset(self, rows: Sequence[int]) -> HeldOutPeople:
        """The people of the given rows."""
        return HeldOutPeople(
            tuple(self.samples[row] for row in rows),
            tuple(self.transforms[row] for row in rows),
            self.crops_bgr[list(rows)],
        )


@torch.no_grad()
def heatmaps_of(
    network: nn.Module, crops_bgr: NDArray[np.uint8], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Logits of the crops and of their mirror images, float32 (N, K, h, w) each, on the CPU."""
    plain, mirrored = [], []
    for first in range(0, len(crops_bgr), BATCH):
        crops = torch.from_numpy(crops_bgr[first : first + BATCH]).to(device)
        planes = crops.flip(-1).permute(0, 3, 1, 2).float().div_(255)
        with torch.autocast(device.type, torch.bfloat16):
            plain.append(network(planes).float().cpu())
            mirrored.append(network(planes.flip(-1)).float().cpu())
    return torch.cat(plain), torch.cat(mirrored)


def estimate_people(
    network: nn.Module, people: HeldOutPeople, device: torch.device
) -> tuple[FloatArray, FloatArray]:
    """Joints (N, 19, 2) in picture pixels and their scores (N, 19), with the flip test."""
    plain, mirrored = heatmaps_of(network, people.crops_bgr, device)
    points, scores = decode_with_flip(
        get_codec("compact"), plain, mirrored, COCO_19.mirror_permutation
    )
    return points_to_image(points.numpy(), list(people.transforms)), scores.numpy()


def limb_pck(people: HeldOutPeople, keypoints_xy: FloatArray, threshold: float = 0.2) -> float:
    """Share of the 12 limb joints within ``threshold`` torsos, over all annotated ones."""
    return pck_scores(
        keypoints_xy,
        np.stack([sample.keypoints_xy for sample in people.samples]),
        np.stack([sample.trust for sample in people.samples]) > 0,
        np.array([sample.torso for sample in people.samples]),
        COCO_19,
        threshold,
    ).mean


def coco_figures(
    document: Mapping[str, Any],
    people: HeldOutPeople,
    keypoints_xy: FloatArray,
    scores: FloatArray,
) -> dict[str, float]:
    """AP, AP50, mean OKS and PCK@0.2 (17 joints) of COCO people with their own boxes."""
    by_id = {str(annotation["id"]): annotation for annotation in document["annotations"]}
    results = []
    for sample, points, joint_scores in zip(people.samples, keypoints_xy, scores, strict=True):
        annotation = by_id[sample.name.rpartition("#")[2]]
        joints = np.concatenate([points[:17], joint_scores[:17, None]], 1)
        results.append(
            {
                "image_id": annotation["image_id"],
                "category_id": 1,
                "keypoints": joints.astype(float).ravel().tolist(),
                "score": float(joint_scores[:17].mean()),
            }
        )
    stats = evaluate_coco(document, results)
    truth = np.stack([sample.keypoints_xy[:COCO_JOINTS] for sample in people.samples])
    known = np.stack([sample.trust[:COCO_JOINTS] for sample in people.samples]) > 0
    pck = pck_scores(
        keypoints_xy[:, :COCO_JOINTS],
        truth,
        known,
        np.array([sample.torso for sample in people.samples]),
        COCO_17,
        joints=COCO_17.joints,
    )
    oks = object_similarity(people, keypoints_xy)
    return {
        "coco_ap": stats.stats["AP"],
        "coco_ap50": stats.stats["AP50"],
        "coco_oks": float(oks.mean()),
        "coco_pck": pck.mean,
    }


def object_similarity(people: HeldOutPeople, keypoints_xy: FloatArray) -> FloatArray:
    """OKS of each person's own pose (N,), over the annotated joints of COCO."""
    values = []
    for sample, points in zip(people.samples, keypoints_xy, strict=True):
        known = sample.trust[:COCO_JOINTS] > 0
        squared = ((points[:COCO_JOINTS] - sample.keypoints_xy[:COCO_JOINTS]) ** 2).sum(1)
        similarity = oks_terms(squared, max(sample.area, 1.0), COCO_17.sigmas)
        values.append(similarity[known].mean())
    return np.array(values, np.float32)


class PoseScorer:
    """Scores a network on the LSPET validation pictures and on COCO people."""

    def __init__(self, data: Path | str, height: int = 256, width: int = 192) -> None:
        """Read the held-out people of the folder of data packs and cut their crops.

        Raises OSError when a pack is missing.
        """
        folder = Path(data)
        people = folder / "samples" / "coco_people"
        annotations = people / "person_keypoints.json"
        self._document = json.loads(annotations.read_text())
        self._lspet = HeldOutPeople.of(read_lspet(folder / "lspet", "validation"), height, width)
        self._coco = HeldOutPeople.of(
            read_coco_people(annotations, people / "images"), height, width
        )

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """``lspet_pck`` (12 limb joints, 0.2 torso) and ``coco_figures``; the mode is kept."""
        was_training = network.training
        network.eval()
        device = next(network.parameters()).device
        lspet_points, _ = estimate_people(network, self._lspet, device)
        coco_points, coco_scores = estimate_people(network, self._coco, device)
        network.train(was_training)
        return {
            "lspet_pck": limb_pck(self._lspet, lspet_points),
            **coco_figures(self._document, self._coco, coco_points, coco_scores),
        }
