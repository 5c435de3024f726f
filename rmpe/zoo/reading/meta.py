"""Which joints a checkpoint says it was trained on: the data set in OpenMMLab's ``meta``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rmpe.skeletons import SKELETONS, Skeleton, skeleton_from_names

DATASET_SKELETONS = {
    "coco": "coco17",
    "humanart": "coco17",
    "ochuman": "coco17",
    "crowdpose": "crowdpose14",
    "aic": "aic14",
    "mpii": "mpii16",
    "posetrack18": "posetrack17",
    "jhmdb": "jhmdb15",
    "lsp": "lsp14",
    "halpe26": "halpe26",
    "halpe": "halpe136",
    "coco_wholebody": "wholebody133",
    "ubody2d": "wholebody133",
    "coco_wholebody_face": "face68",
    "300w": "face68",
    "coco_wholebody_hand": "hand21",
    "onehand10k": "hand21",
    "freihand": "hand21",
    "rhd2d": "hand21",
    "panoptic_hand2d": "hand21",
}
"""OpenMMLab's names of data sets → their joints."""


def skeleton_of_meta(checkpoint: Mapping[str, Any]) -> Skeleton | None:
    """Return the joints that a checkpoint's ``meta.dataset_meta`` names, or None if it names none.

    A known data set is known by its name; of others the names of the joints are read.

    Raises:
        ValueError: it names a data set whose joints are not known here and does not list them.
    """
    meta = checkpoint.get("meta")
    described = meta.get("dataset_meta") if isinstance(meta, Mapping) else None
    if not isinstance(described, Mapping):
        return None
    name = str(described.get("dataset_name", "")).lower()
    if name in DATASET_SKELETONS:
        return SKELETONS[DATASET_SKELETONS[name]]
    names = described.get("keypoint_id2name")
    if isinstance(names, Mapping) and names:
        joints = tuple(str(names[place]) for place in sorted(names, key=int))
        links = described.get("skeleton_links")
        limbs = tuple((int(a), int(b)) for a, b in links) if isinstance(links, list) else ()
        return skeleton_from_names(name or "own", joints, limbs)
    if not name:
        return None
    raise ValueError(
        f"the checkpoint says it was trained on {name!r}, whose joints are not known here; name "
        f"the skeleton, one of {', '.join(SKELETONS)}"
    )
