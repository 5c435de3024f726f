"""What a file of trained weights says of itself: recipe, joints, conventions; its metadata."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from rmpe.geometry.crop import CropStyle
from rmpe.skeletons import SKELETONS, Skeleton
from rmpe.zoo.conventions import CONVENTIONS, Conventions, Origin

CARD_KEY = "rmpe"
CARD_VERSION = 1


@dataclass(frozen=True)
class WeightsCard:
    """The card of a file."""

    variant: str
    """Network, as recognition names it."""
    origin: Origin
    """Whose conventions the run started from."""
    conventions: Conventions
    """How pictures go in and heatmaps are read."""
    recipe: Mapping[str, Any]
    """Every field of the run's recipe."""
    scores: Mapping[str, float]
    """Held-out scores of these weights; empty if nothing was held out."""

    def as_metadata(self) -> dict[str, str]:
        """Return the metadata of a safetensors file."""
        conventions = dataclasses.asdict(self.conventions)
        conventions["own_skeleton"] = dataclasses.asdict(self.conventions.skeleton)
        card = {
            "version": CARD_VERSION,
            "variant": self.variant,
            "origin": self.origin,
            "conventions": conventions,
            "recipe": dict(self.recipe),
            "scores": dict(self.scores),
        }
        return {CARD_KEY: json.dumps(card, sort_keys=True), "format": "pt"}


def read_card(path: Path) -> WeightsCard | None:
    """Return the card of a safetensors file; None for other files and files without one.

    Raises:
        ValueError: there is a card that cannot be understood.
    """
    if path.suffix != ".safetensors":
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except SafetensorError:
        return None  # The reading of the weights says what is wrong with the file.
    if CARD_KEY not in metadata:
        return None
    return parse_card(metadata[CARD_KEY], path.name)


def parse_card(text: str, file_name: str) -> WeightsCard:
    """Return the card of its text in a file's metadata.

    Raises:
        ValueError: it cannot be understood; the message names the file.
    """
    try:
        return _card(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"the card inside {file_name} cannot be understood ({error!r}); it may come from a "
            f"later version, this one reads cards of version {CARD_VERSION}"
        ) from error


def _card(card: Mapping[str, Any]) -> WeightsCard:
    if card["version"] != CARD_VERSION:
        raise ValueError(f"version {card['version']}")
    if card["origin"] not in CONVENTIONS:
        raise ValueError(f"origin {card['origin']!r}")
    conventions = dict(card["conventions"])
    joints = conventions["own_skeleton"]
    skeleton = Skeleton(
        joints["name"],
        tuple(joints["joints"]),
        tuple((int(first), int(second)) for first, second in joints["limbs"]),
        tuple(joints["sigmas"]),
    )
    known = SKELETONS.get(skeleton.name)
    style = dict(conventions["crop_style"])
    style["border_bgr"] = tuple(style["border_bgr"])
    conventions |= {
        "own_skeleton": None if known == skeleton else skeleton,
        "crop_style": CropStyle(**style),
        "mean": tuple(conventions["mean"]),
        "std": tuple(conventions["std"]),
    }
    return WeightsCard(
        card["variant"], card["origin"], Conventions(**conventions), card["recipe"], card["scores"]
    )
