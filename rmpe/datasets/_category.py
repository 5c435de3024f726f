"""The category of a COCO-style file that people are annotated under, and its joints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rmpe.joint_names import PERSON_NAMES, common_names
from rmpe.skeletons import SKELETONS, Skeleton, skeleton_from_names

_PAIR_KEYS = ("flip_pairs", "mirror_pairs", "swap_pairs", "symmetry", "keypoint_flip_map")
_PERMUTATION_KEYS = ("flip_idx", "flip_indices")


@dataclass(frozen=True)
class PersonCategory:
    """What the people of a file are filed under."""

    item: Mapping[str, Any]
    """The category as the file has it; empty where the file has none."""
    ids: tuple[int | str, ...]
    """Its id; empty where every annotation counts."""

    def has(self, annotation: Mapping[str, Any]) -> bool:
        """Return whether an annotation is of this category; one that names none is."""
        given = annotation.get("category_id")
        return not self.ids or given is None or any(_is_same(given, own) for own in self.ids)


def choose_category(
    document: Mapping[str, Any], name: str, wanted: str | None, joints_are_known: bool
) -> tuple[PersonCategory, tuple[str, ...]]:
    """Return the people's category and what was chosen in finding it.

    It is the one that names keypoints; of several, the one called person.

    Args:
        document: a COCO-style document.
        name: what to call it in messages.
        wanted: name or id of the category, if it was given.
        joints_are_known: the category need not name its joints.

    Raises:
        ValueError: no category names keypoints, several do and none is called person, or the
            wanted one is not there.
    """
    given = document.get("categories") or ()
    listed = given if isinstance(given, Sequence) else ()
    categories = [c for c in listed if isinstance(c, Mapping) and _is_id(c.get("id"))]
    if wanted is not None:
        named = [c for c in categories if wanted in (str(c.get("name")), str(c["id"]))]
        if len(named) != 1:
            raise ValueError(
                f"{name} has no category {wanted!r}; there are {_listed(categories) or 'none'}"
            )
        return PersonCategory(named[0], (named[0]["id"],)), ()
    with_joints = [c for c in categories if c.get("keypoints")]
    candidates = with_joints or (categories if joints_are_known else [])
    if not candidates and not joints_are_known:
        raise ValueError(
            f"{name}: no category names its keypoints; give one the list of its joints' names, "
            'such as "keypoints": ["nose", "left_hand", …], or name a --skeleton'
        )
    people = [c for c in candidates if str(c.get("name", "")).strip().lower() in PERSON_NAMES]
    if len(candidates) <= 1:
        ids = tuple(c["id"] for c in candidates)
        return PersonCategory(candidates[0] if candidates else {}, ids), ()
    if len(people) != 1:
        raise ValueError(
            f"{name} has keypoints of several categories, {_listed(candidates)}; choose one with "
            "--category"
        )
    note = f"of the categories {_listed(candidates)}, {people[0].get('name')} is taken"
    return PersonCategory(people[0], (people[0]["id"],)), (note,)


def skeleton_of_category(
    category: Mapping[str, Any], name: str, renamed: Mapping[str, str] | None = None
) -> Skeleton:
    """Return the skeleton of a COCO category: ``keypoints``, and ``skeleton`` counted from 1.

    Names are put in this program's spelling, so that ``l_knee`` is ``left_knee``. Mirror pairs are
    those of the names, or those that the category lists by index or name.

    Args:
        category: the category.
        name: what to call its file in messages.
        renamed: this program's names of joints by the category's own.

    Raises:
        ValueError: joints are no list of different names, or listed pairs or renamed joints are
            none of them.
    """
    names = category.get("keypoints")
    if not isinstance(names, Sequence) or isinstance(names, str):
        raise ValueError(f"{name}: keypoints is no list of joints' names")
    known = {joint for skeleton in SKELETONS.values() for joint in skeleton.joints}
    own = [str(joint) for joint in names]
    for joint in renamed or ():
        if joint not in own:
            raise ValueError(f"{name} has no joint {joint!r}; it has {', '.join(own)}")
    asked = [(renamed or {}).get(joint, joint) for joint in own]
    plain = tuple(joint.strip().lower().replace(" ", "_") for joint in asked)
    # JHMDB's head is a joint of its own; elsewhere it is the top of the head.
    is_known = any(skeleton.joints == plain for skeleton in SKELETONS.values())
    joints = plain if is_known else common_names(asked, known)
    limbs = category.get("skeleton")
    pairs = limbs if isinstance(limbs, Sequence) else ()
    return skeleton_from_names(
        str(category.get("name", "custom")),
        joints,
        tuple(
            (pair[0] - 1, pair[1] - 1)
            for pair in pairs
            if isinstance(pair, Sequence)
            and len(pair) == 2
            and all(isinstance(end, int) and 1 <= end <= len(joints) for end in pair)
        ),
        _listed_pairs(category, own, name),
    )


def _listed_pairs(
    category: Mapping[str, Any], names: Sequence[str], file: str
) -> tuple[tuple[int, int], ...] | None:
    """Return the mirror pairs that a category lists, None if it lists none."""
    for key in _PERMUTATION_KEYS:
        partners = category.get(key)
        if partners:
            if sorted(partners) != list(range(len(names))):
                raise ValueError(f"{file}: {key} is no order of the {len(names)} joints from 0")
            return tuple((place, other) for place, other in enumerate(partners) if place < other)
    for key in _PAIR_KEYS:
        pairs = category.get(key)
        if not pairs:
            continue
        ends = [end for pair in pairs for end in pair]
        # Indices count from 0 as trainers have them, or from 1 as COCO's limbs do: then the last
        # joint can be named by its number.
        first = 1 if len(names) in ends and 0 not in ends else 0
        places = [names.index(e) if e in names else e - first for e in ends if _is_end(e, names)]
        if len(places) < len(ends) or len(set(places)) < len(places) or len(ends) % 2:
            raise ValueError(f"{file}: {key} are no pairs of joints, got {pairs!r}")
        return tuple((min(pair), max(pair)) for pair in zip(places[::2], places[1::2], strict=True))
    return None


def _is_end(end: Any, names: Sequence[str]) -> bool:
    return end in names or (
        isinstance(end, int) and not isinstance(end, bool) and 0 <= end <= len(names)
    )


def _is_id(value: Any) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _is_same(given: Any, own: Any) -> bool:
    return bool(given == own) or str(given) == str(own)


def _listed(categories: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{c.get('name', 'without name')} ({c['id']})" for c in categories)
