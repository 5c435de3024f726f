"""Label the unknown parts of partly labelled pictures with a detector: the second round's labels.

    python tools/compact/label_people.py ROUND1.safetensors --data DATA --output labels.json

Detections that fit no certain box become people when they are sure, ignored regions when they are
doubtful; the rest of the picture is taken for background. Every picture is seen at three sizes and
mirrored, so that a person missed once does not become background.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torchvision.ops import nms
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmpe.detectors.compact import CompactOptions, CompactPersonDetector, build_compact_detector
from rmpe.geometry.boxes import box_area, box_iou_matrix
from rmpe.records import Boxes
from rmpe.training.bundled.person_boxes import (
    PersonPicture,
    read_detect_pack,
    read_flickr_people,
    read_lspet_boxes,
)

NMS_IOU = 0.55
SAME_PERSON_IOU = 0.5


def detect_at_sizes(detectors: list[CompactPersonDetector], picture: PersonPicture) -> Boxes:
    """Return the people found at every size, straight and mirrored, suppressed together."""
    image = picture.load()
    mirrored = np.ascontiguousarray(image[:, ::-1])
    boxes, scores = [], []
    for detector in detectors:
        straight, turned = detector([image, mirrored])
        flipped = turned.boxes_xyxy[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32)
        flipped += np.array([image.shape[1], 0, image.shape[1], 0], np.float32)
        boxes += [straight.boxes_xyxy, flipped]
        scores += [straight.scores, turned.scores]
    together = Boxes(np.concatenate(boxes), np.concatenate(scores))
    kept = nms(torch.from_numpy(together.boxes_xyxy), torch.from_numpy(together.scores), NMS_IOU)
    return together.select(kept.numpy())


def labels_of(
    picture: PersonPicture, found: Boxes, sure: float, doubtful: float
) -> dict[str, list[list[float]]]:
    """Split what was found beside the certain boxes into people and ignored regions."""
    certain = picture.boxes_xyxy
    iou = box_iou_matrix(found.boxes_xyxy, certain).max(1, initial=0)
    low = np.maximum(found.boxes_xyxy[:, None, :2], certain[None, :, :2])
    high = np.minimum(found.boxes_xyxy[:, None, 2:], certain[None, :, 2:])
    inner = np.prod(np.maximum(high - low, 0), -1) / np.maximum(
        box_area(found.boxes_xyxy)[:, None], 1e-6
    )
    apart = (iou < SAME_PERSON_IOU) & (inner.max(1, initial=0) < 0.7)
    people = apart & (found.scores >= sure)
    ignored = apart & ~people & (found.scores >= doubtful)
    return {
        "boxes": found.boxes_xyxy[people].round(1).tolist(),
        "ignore": found.boxes_xyxy[ignored].round(1).tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sure", type=float, default=0.45)
    parser.add_argument("--doubtful", type=float, default=0.12)
    parser.add_argument("--sizes", type=int, nargs="+", default=[320, 512])
    parser.add_argument("--most", type=int, default=1500, help="pictures of each source")
    parser.add_argument("--sources", nargs="+", default=["street", "lspet", "flickr_people"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    detectors = [
        build_compact_detector(
            arguments.weights,
            options=CompactOptions(
                size,
                score_threshold=arguments.doubtful,
                small_score_threshold=arguments.doubtful,
            ),
            runtime="torch",
            device="cpu",
        )
        for size in arguments.sizes
    ]
    pictures = read_detect_pack(arguments.data / "detect")
    pictures += read_lspet_boxes(arguments.data / "lspet")
    pictures += read_flickr_people(arguments.data / "flickr_people")
    chosen = []
    for source in arguments.sources:
        partial = [p for p in pictures if not p.complete and p.source == source]
        chosen += partial[: arguments.most]
    labels = {}
    for picture in tqdm(chosen, disable=None):
        found = detect_at_sizes(detectors, picture)
        labels[f"{picture.source}/{picture.name}"] = labels_of(
            picture, found, arguments.sure, arguments.doubtful
        )
    arguments.output.write_text(json.dumps(labels))


if __name__ == "__main__":
    main()
