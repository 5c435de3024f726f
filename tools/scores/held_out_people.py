"""People that no training of this project has seen, and the figures of a network on them.

``coco``: 63 people of 25 COCO train2017 photographs (MoveNet's makers trained on these); ``other``:
people of a few pictures each of COCO val2017, OCHuman, AI Challenger, CrowdPose, PoseTrack 2018 and
JHMDB; ``lspet``: the validation pictures of the LSPET pack. All with their true boxes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rmpe.datasets.coco import read_coco_set
from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet, Picture
from rmpe.datasets.lspet import read_lspet
from rmpe.evaluation.oks.coco import evaluate_coco
from rmpe.evaluation.pck.scores import LIMB_JOINTS
from rmpe.geometry.crop import CropTransform, points_to_image
from rmpe.heatmaps import Codec, decode_with_flip, get_codec
from rmpe.runtimes import Runtime, as_array, build_runtime
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.skeletons import COCO_17, COCO_19
from rmpe.training.data.people import in_skeleton
from rmpe.zoo import Conventions, LoadedNetwork

FloatArray = NDArray[np.float32]

BATCH = 32
COCO_JOINTS = COCO_17.joint_count
THRESHOLD = 0.2
LEAST_HEIGHT = 60.0
"""Pixels; smaller boxes of the other sources are left out."""
LEAST_JOINTS = 5
LIMBS = [COCO_19.index(name) for name in LIMB_JOINTS]
TORSO = [
    (COCO_19.index(f"{shoulder}_shoulder"), COCO_19.index(f"{hip}_hip"))
    for shoulder in ("left", "right")
    for hip in ("left", "right")
]
OTHER_FILES = {
    "COCO val2017": "coco/test_coco.json",
    "OCHuman": "ochuman/test_ochuman.json",
    "AI Challenger": "aic/test_aic.json",
    "CrowdPose": "crowdpose/test_crowdpose.json",
    "PoseTrack 2018": "posetrack18/annotations/test_posetrack18_val.json",
    "JHMDB": "jhmdb/test_jhmdb_sub1.json",
}
"""Name of the source to its annotation file; the pictures lie beside the source's folder."""


def torso_length(keypoints_xy: FloatArray, known: NDArray[np.bool_]) -> float:
    """Mean shoulder-hip distance in pixels over the known pairs of COCO joints.

    At least a fifth of the known joints' extent, so that a body seen from above or cut at the waist
    keeps a sensible length.
    """
    lengths = [
        float(np.hypot(*(keypoints_xy[shoulder] - keypoints_xy[hip])))
        for shoulder, hip in TORSO
        if known[shoulder] and known[hip]
    ]
    points = keypoints_xy[known]
    extent = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    return max(float(np.mean(lengths)) if lengths else 0.0, 0.2 * extent)


def lspet_people(data: Path, every: int = 1) -> list[AnnotatedPerson]:
    """Every n-th validation person of the LSPET pack."""
    return list(read_lspet(data / "lspet", "validation").people[::every])


def coco_people(data: Path) -> list[AnnotatedPerson]:
    """The COCO people, in COCO-19 joints."""
    folder = data / "samples" / "coco_people"
    read = read_coco_set(folder / "person_keypoints.json", folder / "images", COCO_17)
    return _with_torso(in_skeleton(read, COCO_19.name))


def other_people(data: Path) -> dict[str, list[AnnotatedPerson]]:
    """The people of the other sources, in COCO-19 joints by name; no crowd regions."""
    return {source: _sample_people(data / "samples", source) for source in OTHER_FILES}


def _sample_people(folder: Path, source: str) -> list[AnnotatedPerson]:
    file = folder / OTHER_FILES[source]
    document = json.loads(file.read_text(encoding="utf-8"))
    pictures = folder / Path(OTHER_FILES[source]).parts[0]
    files = {image["id"]: image["file_name"] for image in document["images"]}
    names = [name.lower().replace(" ", "_") for name in document["categories"][0]["keypoints"]]
    shared = [(row, COCO_17.index(n)) for row, n in enumerate(names) if n in COCO_17.joints]
    rows, targets = np.array(shared).T
    hidden = 3 if source == "AI Challenger" else 0  # its flag 3 says "not in the picture"
    people = []
    for annotation in document["annotations"]:
        joints = np.asarray(annotation["keypoints"], np.float32).reshape(-1, 3)[rows]
        points = np.zeros((COCO_19.joint_count, 2), np.float32)
        known = np.zeros(COCO_19.joint_count, np.uint8)
        points[targets] = joints[:, :2]
        known[targets] = (joints[:, 2] > 0) & (joints[:, 2] != hidden)
        left, top, width, height = (float(value) for value in annotation["bbox"])
        if annotation.get("iscrowd") or known.sum() < LEAST_JOINTS or height < LEAST_HEIGHT:
            continue
        people.append(
            AnnotatedPerson(
                Picture(annotation["image_id"], pictures / files[annotation["image_id"]]),
                annotation["id"],
                np.array([left, top, left + width, top + height], np.float32),
                points,
                known,
                float(annotation.get("area") or width * height),
            )
        )
    return _with_torso(KeypointSet(COCO_19, (), tuple(people), ()))


def _with_torso(people: KeypointSet) -> list[AnnotatedPerson]:
    return [replace(p, torso=torso_length(p.keypoints_xy, p.visibility > 0)) for p in people.people]


@dataclass(frozen=True, eq=False)
class Found:
    """What a network finds of some people."""

    people: tuple[AnnotatedPerson, ...]
    points_xy: FloatArray
    """Joints in pixels of the pictures, (N, 19, 2)."""
    scores: FloatArray
    """(N, 19)."""

    def rows(self, rows: Sequence[int] | NDArray[np.int64]) -> Found:
        """Some of the people, one perhaps several times."""
        chosen = tuple(self.people[row] for row in rows)
        return Found(chosen, self.points_xy[rows], self.scores[rows])

    def hits(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which joints are within 0.2 torsos and which are annotated, (N, 19) each."""
        truth = np.stack([person.keypoints_xy for person in self.people])
        known = np.stack([person.visibility > 0 for person in self.people])
        torso = np.array([person.torso for person in self.people])
        errors = np.linalg.norm(self.points_xy - truth, axis=-1)
        return errors <= THRESHOLD * torso[:, None], known

    def pck(self, joints: Sequence[int] = range(COCO_19.joint_count)) -> float:
        """Share of the annotated joints that are within 0.2 torsos."""
        right, known = (values[:, list(joints)] for values in self.hits())
        return float(right[known].mean())

    def oks(self) -> FloatArray:
        """Object keypoint similarity of each person's own pose, over the joints of COCO, (N,)."""
        variances = (2 * np.array(COCO_17.sigmas)) ** 2
        values = []
        for person, points in zip(self.people, self.points_xy, strict=True):
            known = person.visibility[:COCO_JOINTS] > 0
            squared = ((points - person.keypoints_xy)[:COCO_JOINTS] ** 2).sum(1)
            similarity = np.exp(-squared / (2 * max(person.area, 1.0) * variances))
            values.append(similarity[known].mean())
        return np.array(values, np.float32)

    def coco(self) -> dict[str, float]:
        """AP and AP50 of COCO's protocol; somebody drawn twice stands alone on each picture."""
        once = len({id(person) for person in self.people}) == len(self.people)
        numbers = {p.picture.path: place for place, p in enumerate(self.people)}
        images, annotations, results = [], [], []
        for place, person in enumerate(self.people):
            picture = numbers[person.picture.path] if once else place
            left, top, right, bottom = (float(value) for value in person.box_xyxy)
            joints = np.c_[person.keypoints_xy, person.visibility][:COCO_JOINTS]
            common = {"image_id": picture, "category_id": 1}
            if picture == place:
                images.append({"id": picture, "file_name": f"{picture}.jpg"})
            annotations.append(
                {
                    **common,
                    "id": place + 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "area": person.area,
                    "iscrowd": 0,
                    "num_keypoints": int((joints[:, 2] > 0).sum()),
                    "keypoints": joints.astype(float).ravel().tolist(),
                }
            )
            found = np.c_[self.points_xy[place], self.scores[place]][:COCO_JOINTS]
            score = float(found[:, 2].mean())
            results.append({**common, "keypoints": found.ravel().tolist(), "score": score})
        category = {"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}
        document: dict[str, Any] = {
            "images": images,
            "annotations": annotations,
            "categories": [category],
        }
        stats = evaluate_coco(document, results).stats
        return {"AP": stats["AP"], "AP50": stats["AP50"]}


class Reader:
    """Finds the joints of people in their true boxes."""

    def __init__(
        self,
        loaded: LoadedNetwork,
        *,
        flip_test: bool = False,
        runtime: Runtime | None = None,
        codec: Codec | None = None,
    ) -> None:
        """Read by the conventions of ``loaded``, on one thread or by a runtime of the network.

        A codec given takes the place of the network's own.
        """
        conventions = loaded.conventions
        door = PreprocessedNetwork(
            loaded.network, conventions.colour_order, conventions.mean, conventions.std
        )
        self._runtime = runtime or build_runtime(door, device="cpu", threads=1)
        self._conventions, self._flip_test = conventions, flip_test
        self.codec = codec or get_codec(conventions.codec)

    @property
    def conventions(self) -> Conventions:
        """The network's conventions."""
        return self._conventions

    def __call__(self, people: Sequence[AnnotatedPerson]) -> Found:
        """Return the joints of all people."""
        conventions, points, scores = self._conventions, [], []
        for first in range(0, len(people), BATCH):
            part = people[first : first + BATCH]
            transforms = [
                CropTransform.from_person_box(
                    person.box_xyxy,
                    conventions.input_height,
                    conventions.input_width,
                    conventions.crop_style,
                )
                for person in part
            ]
            crops = [t.warp(p.picture.load()) for t, p in zip(transforms, part, strict=True)]
            xy, sure = self._read(np.stack(crops))
            points.append(points_to_image(xy.numpy(), transforms))
            scores.append(sure.numpy())
        return Found(tuple(people), np.concatenate(points), np.concatenate(scores))

    def _read(self, crops_bgr: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
        # A runtime may give the same memory again for the next call.
        maps = torch.tensor(as_array(self._runtime(crops_bgr)[0]))
        if not self._flip_test:
            return self.codec.decode(maps)
        mirrored = self._runtime(np.ascontiguousarray(crops_bgr[:, :, ::-1]))[0]
        order = self._conventions.skeleton.mirror_permutation
        return decode_with_flip(self.codec, maps, torch.tensor(as_array(mirrored)), order)
