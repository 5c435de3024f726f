"""Names as data sets and tools spell them: of people, of sides, one spelling for the same joint."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Literal

PERSON_NAMES = frozenset({"person", "people", "persons", "human", "pedestrian"})
"""What the category of people is called, in lower case."""

Side = Literal["left", "right", ""]

_SIDES: dict[str, Side] = {"left": "left", "l": "left", "right": "right", "r": "right"}
_OTHER: dict[Side, Side] = {"left": "right", "right": "left", "": ""}
# Joints that some sets call otherwise; the values are this program's words.
_SAME: dict[str, str] = {
    "head": "head_top",
    "head_bottom": "neck",
    "upper_neck": "neck",
    "bigtoe": "big_toe",
    "smalltoe": "small_toe",
}
_BODY = frozenset(
    {"eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "foot", "hand"}
    | {"big_toe", "small_toe", "thumb", "pinky", "index", "mouth"}
)


def split_side(name: str) -> tuple[Side, str]:
    """Return the side that a joint's name says and the rest of it, in lower case with ``_``.

    Understood are ``left_knee``, ``l_knee``, ``knee_l``, ``knee.L``, ``LKnee``, ``LeftKnee``,
    ``Knee (left)``, ``hand_left_3``, ``leftknee`` and, of well-known joints, ``lknee``.

    Example:
        >>> split_side("knee.L"), split_side("RBigToe"), split_side("nose")
        (('left', 'knee'), ('right', 'big_toe'), ('', 'nose'))
    """
    words = _words(name)
    sides = [place for place, word in enumerate(words) if word in ("left", "right")]
    if not sides:
        sides = [place for place in {0, len(words) - 1} if words and words[place] in _SIDES]
    if len(sides) == 1 and len(words) > 1:
        rest = [word for place, word in enumerate(words) if place != sides[0]]
        return _SIDES[words[sides[0]]], "_".join(rest)
    plain = "_".join(words)
    for side in ("left", "right"):
        if plain.startswith(side) and len(plain) > len(side):
            return _SIDES[side], plain.removeprefix(side).strip("_")
        if plain.endswith(side) and len(plain) > len(side):
            return _SIDES[side], plain.removesuffix(side).strip("_")
    if plain[:1] in _SIDES and _SAME.get(plain[1:], plain[1:]) in _BODY:
        return _SIDES[plain[0]], plain[1:]
    return "", plain


def _words(name: str) -> list[str]:
    """Return the words of a name: LeftKnee, left-knee and left.knee are left, knee."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.strip())
    return [word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word]


def mirror_partners(names: Sequence[str]) -> list[int]:
    """Return the place of every joint's mirror partner by its name, its own where it has none."""
    sides = [split_side(name) for name in names]
    places = {side: place for place, side in enumerate(sides)}
    return [
        places.get((_OTHER[side], rest), place) if side else place
        for place, (side, rest) in enumerate(sides)
    ]


def common_names(names: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Return joint names in this program's spelling, as far as that is safe.

    A name with a side becomes ``left_…`` or ``right_…`` where the other side is among the names
    too, or where the result is a known joint; others are put in lower case with ``_``. Names are
    left as they are if two of them would become one.

    Args:
        names: joints as a file names them.
        known: joints that this program knows.
    """
    partners = mirror_partners(names)
    result = []
    for place, name in enumerate(names):
        side, rest = split_side(name)
        rest = _SAME.get(rest, rest)
        sided = f"{side}_{rest}" if side else rest
        if side and partners[place] == place and sided not in known:
            sided = "_".join(_words(name))
        result.append(sided or name)
    return tuple(result) if len(set(result)) == len(result) else tuple(map(str, names))
