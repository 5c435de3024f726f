"""Whether a run may go on from a checkpoint: only as the run that was interrupted."""

from __future__ import annotations

import csv
import hashlib
import json
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only

from rmpe.datasets.keypoint_set import KeypointSet
from rmpe.training.data.people import TrainingPeople
from rmpe.training.recipes.settings import NetworkRecipe

RUN_KEY = "rmpe_run"
"""Where a checkpoint keeps the :func:`run_record` of its run."""
OPEN_ENDED = ("steps", "halving")
"""Schedules whose rates do not depend on how many epochs there will be."""


def run_record(
    recipe: NetworkRecipe, people: TrainingPeople, proposals: Path | None
) -> dict[str, Any]:
    """Return what makes a run the run it is, as JSON values: recipe, people, sampled boxes.

    Devices, machines and workers are no part of it: they leave the losses as they are.

    Raises OSError when the file of proposals is missing.
    """
    validation = people.validation
    sampled = proposals if recipe.proposals_from >= 0 else None
    return {
        "recipe": json.loads(recipe.as_json()),
        "training people": _fingerprint(people.train),
        "held-out people": None if validation is None else _fingerprint(validation),
        "proposals": None if sampled is None else _digest(sampled.read_bytes()),
    }


def check_resumable(checkpoint: Path, record: Mapping[str, Any]) -> int:
    """Return the optimiser steps that a checkpoint holds, if the run may go on from it.

    More epochs than before are allowed where the schedule does not depend on their number. Held-out
    people may come or go, but not be others: the best epoch is chosen among all.

    Args:
        checkpoint: ``last.ckpt`` of the interrupted run.
        record: the :func:`run_record` of this one.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is no whole checkpoint of a network recipe's run, or something that changes
            the run differs; the message says what.
    """
    stored = _read(checkpoint)
    before = stored[RUN_KEY]
    there, here = before["recipe"]["name"], record["recipe"]["name"]
    if there != here:
        raise ValueError(f"{checkpoint} is of a run of recipe {there}, got recipe {here}")
    differing = [
        f"{name} {before['recipe'].get(name)!r} there, {value!r} here"
        for name, value in record["recipe"].items()
        if before["recipe"].get(name) != value
        and not (name == "epochs" and record["recipe"]["schedule"] in OPEN_ENDED)
    ]
    for part in ("training people", "held-out people", "proposals"):
        either_none = before[part] is None or record[part] is None
        if before[part] != record[part] and not (part == "held-out people" and either_none):
            differing.append(
                f"{part} {before[part] or 'none'} there, {record[part] or 'none'} here"
            )
    if differing:
        raise ValueError(
            f"{checkpoint} is of another run: {'; '.join(differing)}; repeat the settings and files"
            " of the interrupted run, or begin a new one without --resume"
        )
    if record["recipe"]["epochs"] < stored["epoch"] + 1:
        raise ValueError(
            f"{checkpoint} has {stored['epoch'] + 1} epochs, got epochs="
            f"{record['recipe']['epochs']}; give at least as many"
        )
    return int(stored["global_step"])


def _read(path: Path) -> dict[str, Any]:
    """Return a checkpoint, its tensors left in the file; data alone, never code."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"{path} is no checkpoint that can be read; give last.ckpt of a run"
        ) from error
    if not isinstance(stored, dict) or RUN_KEY not in stored:
        raise ValueError(f"{path} is no checkpoint of a network recipe's run; give its last.ckpt")
    if "optimizer_states" not in stored:
        raise ValueError(f"{path} holds weights alone; a run goes on from its last.ckpt")
    return stored


def _fingerprint(people: KeypointSet) -> str:
    """Return the number of people and a digest of their annotation, wherever the folder is."""
    found = hashlib.sha256(json.dumps(people.skeleton.joints).encode())
    for person in people.people:
        found.update(f"{person.picture.path.name} {person.annotation_id}".encode())
        for values in (person.box_xyxy, person.keypoints_xy, person.joint_weights):
            found.update(values.tobytes())
    return f"{len(people.people)} ({found.hexdigest()[:8]})"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


@rank_zero_only  # type: ignore[untyped-decorator]
def keep_metrics(log: CSVLogger, steps: int) -> None:
    """Give a new log the rows that its file has of the first ``steps`` steps.

    A logger of Lightning begins its file anew; a run that goes on keeps what it has written.
    """
    path = Path(log.log_dir) / "metrics.csv"
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row.get("step") or "").isdigit()]
    for row in rows:
        if int(row["step"]) < steps:
            values = {name: value for name, value in row.items() if name != "step" and value}
            log.experiment.log_metrics(values, int(row["step"]))  # type: ignore[arg-type]
    log.save()


class BestCheckpoint(ModelCheckpoint):
    """Keeps the best weights of the whole run, also when it goes on in another folder."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what is best so far, with its file."""
        best = Path(state_dict["best_model_path"])
        folder = Path(str(self.dirpath))
        if state_dict["dirpath"] != self.dirpath and best.is_file():
            kept = folder / best.name
            folder.mkdir(parents=True, exist_ok=True)
            rank_zero_only(shutil.copyfile)(best, kept)
            state_dict = state_dict | {
                "dirpath": self.dirpath,
                "best_model_path": str(kept),
                "kth_best_model_path": str(kept),
                "best_k_models": {str(kept): state_dict["best_model_score"]},
                "last_model_path": "",
            }
        super().load_state_dict(state_dict)
