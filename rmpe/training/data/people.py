"""The people a recipe trains on: data sets in their usual folders, or a user's own files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rmpe.datasets.coco import read_coco_set
from rmpe.datasets.crowdpose import read_crowdpose_set
from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet
from rmpe.datasets.lspet import read_lspet
from rmpe.datasets.mpii import read_mpii_set
from rmpe.datasets.synthetic_people import write_synthetic_set
from rmpe.skeletons import COCO_19, Skeleton, get_skeleton
from rmpe.training.recipes.settings import DataSet

logger = logging.getLogger(__name__)

CROWD_PEOPLE = (6, 15)
"""Least and most people of a rendered crowd."""
FIRST_CROWD = 100_000
"""Seed of the first rendered crowd; the benchmarks' crowds have lower ones."""
SHOWN_SKIPPED = 5
"""Broken entries that are logged; all of them are written to a file."""


@dataclass(frozen=True)
class OwnFiles:
    """COCO-style files of a user."""

    annotations: Path
    """Training people."""
    images: Path
    """Folder of their pictures."""
    val_annotations: Path | None = None
    """People to score on."""
    val_images: Path | None = None
    """Folder of their pictures; None is the same folder."""


@dataclass(frozen=True, eq=False)
class TrainingPeople:
    """Who is trained on and who is scored on; both in the same skeleton."""

    train: KeypointSet
    """Training people."""
    validation: KeypointSet | None
    """Held-out people."""


@dataclass(frozen=True)
class _Layout:
    """Where a data set keeps its two splits, below ``--data``."""

    reader: Callable[[Path, Path], KeypointSet]
    train: tuple[str, str]
    validation: tuple[str, str]


_LAYOUTS: dict[str, _Layout] = {
    "coco": _Layout(
        read_coco_set,
        ("annotations/person_keypoints_train2017.json", "train2017"),
        ("annotations/person_keypoints_val2017.json", "val2017"),
    ),
    "crowdpose": _Layout(
        read_crowdpose_set,
        ("json/crowdpose_trainval.json", "images"),
        ("json/crowdpose_test.json", "images"),
    ),
    "mpii": _Layout(read_mpii_set, ("annot/train.json", "images"), ("annot/valid.json", "images")),
}


def read_data_set(
    name: DataSet, folder: Path | str, labels: Path | str | None = None
) -> TrainingPeople:
    """Read a data set from its usual folders.

    Args:
        name: ``coco`` (``annotations/``, ``train2017/``, ``val2017/``), ``crowdpose`` (``json/``,
            ``images/``), ``mpii`` (``annot/``, ``images/``), ``lspet`` (the pack ``lspet/``) or
            ``packs`` (that and those of everyday people).
        folder: what ``--data`` names.
        labels: what a teacher says of the everyday people of the packs.

    Raises:
        OSError: a file is missing.
        ValueError: a file is no such annotation.
    """
    root = Path(folder)
    if name == "packs":
        from rmpe.training.bundled.pose_people import read_pose_people

        return read_pose_people(root, labels)
    if name == "lspet":
        pack = root / "lspet" if (root / "lspet").is_dir() else root
        return TrainingPeople(read_lspet(pack, "train"), read_lspet(pack, "validation"))
    layout = _LAYOUTS[name]
    train, validation = (
        layout.reader(root / annotations, root / images)
        for annotations, images in (layout.train, layout.validation)
    )
    return TrainingPeople(train, validation)


def read_own_files(files: OwnFiles) -> TrainingPeople:
    """Read a user's COCO-style files; the skeleton is the one their ``categories`` name.

    Raises:
        OSError: a file is missing.
        ValueError: a file is no such annotation, or the two have different joints.
    """
    train = read_coco_set(files.annotations, files.images)
    if files.val_annotations is None:
        return TrainingPeople(train, None)
    validation = read_coco_set(files.val_annotations, files.val_images or files.images)
    if validation.skeleton.joints != train.skeleton.joints:
        raise ValueError(
            f"{files.val_annotations} names the joints {', '.join(validation.skeleton.joints)}, "
            f"{files.annotations} {', '.join(train.skeleton.joints)}; both need the same"
        )
    return TrainingPeople(train, validation)


def with_crowds(
    people: TrainingPeople, folder: Path | str, pictures: int, *, size: tuple[int, int] = (640, 360)
) -> TrainingPeople:
    """Return the people with rendered crowds of 6 to 15 beside them.

    The crowds are in COCO-19 joints. They are rendered into ``folder`` unless it holds them from
    an interrupted run. A tenth as many more are rendered for the score, which is theirs alone.

    Args:
        people: to train on, in any joints: the result has theirs.
        folder: gets ``train/`` and ``validation/``.
        pictures: number of training pictures.
        size: columns and rows of a picture.

    Raises:
        OSError: a picture cannot be written.
        ValueError: the joints share none with COCO-19's.
    """
    crowds = []
    for part, count, seed in (
        ("train", pictures, FIRST_CROWD),
        ("validation", max(pictures // 10, 1), FIRST_CROWD + pictures),
    ):
        root = Path(folder) / part
        file = root / "annotations.json"
        if not file.is_file():
            write_synthetic_set(root, count, CROWD_PEOPLE, seed, *size, COCO_19)
        read = read_coco_set(file, root / "images")
        crowds.append(in_skeleton(read, people.train.skeleton.name))
    return TrainingPeople(_joined(people.train, crowds[0]), crowds[1])


def _joined(first: KeypointSet, second: KeypointSet) -> KeypointSet:
    """Return both sets as one, the second's pictures and people counted on."""
    step = 1 + max((p.image_id for p in first.pictures if isinstance(p.image_id, int)), default=0)
    ids = [p.annotation_id for p in first.people if isinstance(p.annotation_id, int)]
    least = 1 + max(ids, default=0)
    moved = {
        p.image_id: replace(p, image_id=step + place) for place, p in enumerate(second.pictures)
    }
    people = tuple(
        replace(person, picture=moved[person.picture.image_id], annotation_id=least + place)
        for place, person in enumerate(second.people)
    )
    return KeypointSet(
        first.skeleton,
        (*first.pictures, *moved.values()),
        (*first.people, *people),
        (*first.skipped, *second.skipped),
    )


def in_skeleton(people: KeypointSet, skeleton_name: str) -> KeypointSet:
    """Return the people in another skeleton, matched by name; joints they lack are not annotated.

    Raises:
        ValueError: the skeleton is unknown, or shares no joint with the data's.
    """
    target = get_skeleton(skeleton_name)
    if target.joints == people.skeleton.joints:
        return people
    source = people.skeleton
    shared = [joint for joint in target.joints if joint in source.joints]
    if not shared:
        raise ValueError(f"skeleton {skeleton_name} shares no joint with the data's {source.name}")
    converted = [_converted(person, source, target) for person in people.people]
    kept = tuple(person for person in converted if person.visibility.any())
    return replace(people, skeleton=target, people=kept)


def _converted(person: AnnotatedPerson, source: Skeleton, target: Skeleton) -> AnnotatedPerson:
    points = np.zeros((target.joint_count, 2), np.float32)
    visibility = np.zeros(target.joint_count, np.uint8)
    weights = np.zeros(target.joint_count, np.float32)
    for place, joint in enumerate(target.joints):
        if joint in source.joints:
            points[place] = person.keypoints_xy[source.index(joint)]
            visibility[place] = person.visibility[source.index(joint)]
            weights[place] = person.joint_weights[source.index(joint)]
    return replace(person, keypoints_xy=points, visibility=visibility, weights=weights)


def report_skipped(people: TrainingPeople, output: Path) -> None:
    """Log how many entries are broken, name the first, and write all to ``skipped.txt``."""
    lines = [f"training: {line}" for line in people.train.skipped]
    if people.validation is not None:
        lines += [f"held out: {line}" for line in people.validation.skipped]
    path = output / "skipped.txt"
    if not lines:
        path.unlink(missing_ok=True)  # of an earlier run
        return
    for line in lines[:SHOWN_SKIPPED]:
        logger.warning("skipped: %s", line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    logger.warning("%d broken entries are skipped, all listed in %s", len(lines), path)
