"""Further training of the bundled detector on the data packs, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from rmpe.training.bundled.detector import START_WEIGHTS, DetectorRecipe, train_detector
from rmpe.training.bundled.person_boxes import (
    PersonPicture,
    add_second_round,
    is_held_out,
    read_detect_pack,
    read_flickr_people,
    read_lspet_boxes,
)
from rmpe.training.bundled.synthetic_boxes import render_people_pictures

SYNTHETIC_SEED = 1


def fine_tuning() -> DetectorRecipe:
    """A short run over all packs: small steps, so that what the weights know stays."""
    return DetectorRecipe()


DETECTOR_RECIPES: dict[str, Callable[[], DetectorRecipe]] = {"compact-detector": fine_tuning}
"""Name at the command line to recipe."""


def read_training_pictures(
    data: Path | str, labels: Path | str | None = None, synthetic: int = 150
) -> list[PersonPicture]:
    """Read the pictures of all packs, none of them held out, and render some.

    Args:
        data: folder of the packs ``detect``, ``lspet`` and ``flickr_people``.
        labels: labels of unknown regions, as ``tools/compact/label_people.py`` writes them.
        synthetic: number of rendered pictures.

    Raises:
        OSError: a pack is missing.
        ValueError: the labels are not JSON.
    """
    folder = Path(data)
    pictures = [p for p in read_detect_pack(folder / "detect") if not is_held_out(p.name)]
    pictures += read_lspet_boxes(folder / "lspet") + read_flickr_people(folder / "flickr_people")
    if labels is not None:
        try:
            pictures = add_second_round(pictures, json.loads(Path(labels).read_text()))
        except json.JSONDecodeError as error:
            raise ValueError(f"{labels}, line {error.lineno}: not JSON: {error.msg}") from error
    empty = [p for p in pictures if p.source == "empty"]
    return pictures + render_people_pictures(synthetic, SYNTHETIC_SEED, empty)


def run_detector_recipe(
    name: str,
    data: Path | str,
    output: Path | str,
    *,
    start: Path | str | None = None,
    resume: Path | str | None = None,
    device: str = "auto",
    labels: Path | str | None = None,
) -> Path:
    """Train by a recipe's name on a folder of data packs; return the weights' path.

    Raises:
        ValueError: the recipe is unknown, or a file does not fit.
        OSError: a pack is missing.
    """
    if name not in DETECTOR_RECIPES:
        raise ValueError(f"got recipe {name!r}, supported are {', '.join(DETECTOR_RECIPES)}")
    pictures = read_training_pictures(data, labels)
    first = START_WEIGHTS if start is None else start
    return train_detector(
        pictures,
        output,
        recipe=DETECTOR_RECIPES[name](),
        start=first,
        resume=resume,
        device=device,
    )
