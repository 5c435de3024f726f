"""PoseTrack 2018: one COCO-style file a sequence, 17 keypoints of which two ears are empty."""

from __future__ import annotations

from pathlib import Path

from rmpe.datasets.coco import read_coco_set
from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.json_files import files_in


def read_posetrack_set(
    annotations: Path | str, image_folder: Path | str | None = None
) -> KeypointSet:
    """Return the annotation of a sequence's file, or of all files of a folder as one set.

    Raises:
        OSError: a file cannot be opened.
        ValueError: a file is malformed, the folder has none, or files name different joints.
    """
    path = Path(annotations)
    files = files_in(path, "*.json") if path.is_dir() else [path]
    if not files:
        raise ValueError(f"{path} has no .json file")
    parts = [read_coco_set(file, image_folder) for file in files]
    skeletons = {part.skeleton for part in parts}
    if len(skeletons) > 1:
        raise ValueError(f"{path} has files of different joints")
    return KeypointSet(
        skeleton=parts[0].skeleton,
        pictures=tuple(picture for part in parts for picture in part.pictures),
        people=tuple(person for part in parts for person in part.people),
        skipped=tuple(
            f"{file.name}: {line}" for file, part in zip(files, parts) for line in part.skipped
        ),
    )
