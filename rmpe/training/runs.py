"""Every training run by its recipe's name: the front door of this room."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rmpe._door import extra_module

if TYPE_CHECKING:
    from rmpe.datasets.keypoint_set import KeypointSet
    from rmpe.training.recipes.settings import NetworkRecipe


@dataclass(frozen=True)
class RunRequest:
    """What a run may be given beside its recipe, its data and its output."""

    settings: tuple[str, ...] = ()
    """``name=value`` pairs that replace values of the recipe."""
    annotations: Path | None = None
    """COCO-style file of the user's training people, in place of ``data``."""
    images: Path | None = None
    """Folder of their pictures."""
    val_annotations: Path | None = None
    """COCO-style file of the people to score on."""
    val_images: Path | None = None
    """Folder of their pictures; None is ``images``."""
    start: Path | None = None
    """Weights to start from; each recipe has its own."""
    resume: Path | None = None
    """``last.ckpt`` of an interrupted run of the same recipe, settings and people."""
    proposals: str | None = None
    """Boxes as a detector errs, for recipes that sample them: a file of them, or the name of a
    detector that is run on the training pictures first."""
    labels: Path | None = None
    """What a teacher says of the packs: its poses for the compact pose networks
    (``tools/compact/teach_poses.py``), people in unknown regions for the detector
    (``tools/compact/label_people.py``)."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to train."""
    devices: int = 1
    """Processes on each machine."""
    machines: int = 1
    """Machines."""
    workers: int = 2
    """Processes that make crops, for each training process."""
    progress: bool = False
    """Whether a bar is shown on stderr."""
    log: tuple[str, ...] = ()
    """Where the log goes beside the run's folder: ``wandb``."""


def run_recipe(
    name: str, data: Path | str | None, output: Path | str, request: RunRequest | None = None
) -> Path:
    """Train by a recipe's name; return the weights' path.

    Args:
        name: one of :func:`recipe_names`.
        data: folder of the data set; network recipes take the request's annotations instead.
        output: folder for checkpoints, logs and the weights.
        request: the rest.

    Raises:
        ValueError: the recipe is unknown, something does not fit, or Lightning is not installed.
        OSError: a file is missing.
    """
    request = request or RunRequest()
    extra_module("lightning", "train", "training")
    from rmpe.training.bundled.detector_recipes import DETECTOR_RECIPES, run_detector_recipe

    if name in _network_recipes():
        return _run_network_recipe(name, data, output, request)
    if name not in DETECTOR_RECIPES:
        raise ValueError(f"got recipe {name!r}, supported are {', '.join(recipe_names())}")
    if data is None or request.annotations is not None:
        raise ValueError(f"recipe {name} trains on the data packs: give --data, no --annotations")
    if request.settings:
        raise ValueError(f"recipe {name} is fixed: it makes the bundled weights; give no --set")
    if request.log:
        raise ValueError(f"recipe {name} logs into its folder alone: give no --log")
    return run_detector_recipe(
        name,
        data,
        output,
        start=request.start,
        resume=request.resume,
        device=request.device,
        labels=request.labels,
    )


def quiet_lightning() -> None:
    """Keep Lightning's own notices, hints and warnings off the screen; this room's stay.

    Its levels are set when it is imported, so that this imports it where it is installed.
    """
    try:
        import lightning.pytorch  # noqa: F401
    except ImportError:
        return
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\.")


def is_first_process() -> bool:
    """Return whether this is the process that speaks, of those that train together.

    Lightning starts the others with the same command and numbers them.
    """
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK"))


def recipe_names() -> list[str]:
    """Return every recipe's name."""
    from rmpe.training.bundled.detector_recipes import DETECTOR_RECIPES

    return [*_network_recipes(), *DETECTOR_RECIPES]


def describe_recipe(name: str, settings: Sequence[str] = ()) -> str:
    """Return the fields of a recipe, one a line, settings in place.

    Raises:
        ValueError: there is none of that name, or a setting does not fit.
    """
    from rmpe.training.bundled.detector_recipes import DETECTOR_RECIPES
    from rmpe.training.recipes.settings import describe

    networks = _network_recipes()
    if name in networks:
        return describe(networks[name].with_settings(settings))
    if name not in DETECTOR_RECIPES:
        raise ValueError(f"got recipe {name!r}, supported are {', '.join(recipe_names())}")
    if settings:
        raise ValueError(f"recipe {name} is fixed: it makes the bundled weights; give no --set")
    return describe(DETECTOR_RECIPES[name]())


def _network_recipes() -> dict[str, NetworkRecipe]:
    from rmpe.training.bundled.pose_recipes import POSE_RECIPES
    from rmpe.training.recipes.published import NETWORK_RECIPES

    return {**NETWORK_RECIPES, **POSE_RECIPES}


def _run_network_recipe(
    name: str, data: Path | str | None, output: Path | str, request: RunRequest
) -> Path:
    from rmpe.training.data.people import OwnFiles, read_data_set, read_own_files, with_crowds
    from rmpe.training.loop.run import RunOptions, train_network

    recipe = _network_recipes()[name].with_settings(request.settings)
    if request.annotations is not None and request.images is not None and data is None:
        files = OwnFiles(
            request.annotations, request.images, request.val_annotations, request.val_images
        )
        people = read_own_files(files)
    elif data is not None and request.annotations is None:
        people = read_data_set(recipe.dataset, data, request.labels)
    else:
        raise ValueError(
            f"recipe {name} needs either --data with the folder of {recipe.dataset}, or "
            "--annotations with --images"
        )
    if recipe.crowd_pictures:
        people = with_crowds(people, Path(output) / "crowds", recipe.crowd_pictures)
    options = RunOptions(
        start=request.start,
        resume=request.resume,
        proposals=_proposal_file(request.proposals, people.train, Path(output)),
        device=request.device,
        devices=request.devices,
        machines=request.machines,
        workers=request.workers,
        progress=request.progress,
        log=request.log,
    )
    return train_network(people, output, recipe, options)


def _proposal_file(given: str | None, people: KeypointSet, output: Path) -> Path | None:
    """Return the file of sampled boxes, made with a detector if it is a detector that is given."""
    from rmpe.detectors import build_detector
    from rmpe.training.data.proposal_fitting import fit_proposals

    if given is None or Path(given).is_file():
        return None if given is None else Path(given)
    generator = fit_proposals(people, build_detector(given))
    output.mkdir(parents=True, exist_ok=True)
    generator.save(output / "proposals.npz")
    return output / "proposals.npz"
