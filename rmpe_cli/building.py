"""From options to the estimator and how a run goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rmpe_cli.options import EstimatorChoices
from rmpe_cli.terminal.wrong_use import wrong_use

DETECT_BATCH_ON_GPU = 8
"""Frames of 1080p as float are 200 MB: room that every GPU has."""

if TYPE_CHECKING:
    from pipeline.options import RunOptions
    from rmpe.detectors.precomputed import PrecomputedBoxes
    from rmpe.estimator import PoseEstimator
    from rmpe.runtimes.threads import ThreadCounts


def build_estimator(
    choices: EstimatorChoices, openvino_threads: int, *, detect: bool = True
) -> PoseEstimator:
    """Return the estimator that the options ask for.

    Args:
        choices: the options.
        openvino_threads: threads of one network call.
        detect: whether a detector is needed; none is loaded if boxes come from a file either.
    """
    from pipeline.sources import find_nobody
    from rmpe.estimator import EstimatorOptions, PoseEstimator
    from rmpe.pose_nms import choose_nms
    from rmpe.pose_nms.pose_score import choose_pose_score
    from rmpe.zoo import LoadChoices
    from rmpe.zoo.presets import get_preset

    association = None
    if choices.association:
        from rmpe.association import AssociationParameters

        association = AssociationParameters()
    with wrong_use():
        preset = get_preset(choices.preset, choices.device)
        detected = detect and choices.boxes is None
        return PoseEstimator.build(
            detector=(choices.detector or preset.detector) if detected else find_nobody,
            network=choices.pose_network or preset.network,
            weights=str(choices.weights) if choices.weights else None,
            weights_choices=LoadChoices.from_text(choices.weights_as, choices.input_size),
            device=choices.device,
            runtime=choices.runtime,
            precision=choices.precision,
            threads=openvino_threads,
            sstn=choices.sstn,
            box_score=choices.box_score,
            options=EstimatorOptions(
                min_score=choices.min_score,
                max_people=choices.max_people,
                flip_test=choices.flip_test,
                batch_size=choices.batch_size,
                nms=choose_nms(choices.nms, choices.nms_parameters, choices.oks_threshold),
                pose_score=choose_pose_score(choices.pose_score),
                association=association,
            ),
        )


def build_on_worker(choices: EstimatorChoices, cores: int) -> PoseEstimator:
    """Return the estimator of a process that may use so many cores."""
    return build_estimator(choices, threads_for(choices, cores).openvino)


def threads_for(choices: EstimatorChoices, cores: int | None = None) -> ThreadCounts:
    """Set and return the threads of each library; without a detector all cores are the network's.

    Args:
        choices: the options.
        cores: cores to plan for; all that the process may use when None.
    """
    from rmpe.runtimes import limit_threads

    return limit_threads(cores, networks=2 if choices.boxes is None else 1)


def given_boxes(choices: EstimatorChoices) -> PrecomputedBoxes | None:
    """Return the boxes of the file given, None where none was."""
    from rmpe.detectors.precomputed import read_boxes

    if choices.boxes is None:
        return None
    try:
        return read_boxes(choices.boxes)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def run_options(
    choices: EstimatorChoices, detect_every: int = 1, detect_batch: int = 1
) -> RunOptions:
    """Return how the run goes; a ``detect_batch`` of 0 is what suits the device."""
    from pipeline.options import RunOptions

    boxes = given_boxes(choices)
    with wrong_use():
        return RunOptions(
            detect_every=detect_every,
            detect_batch=detect_batch or usual_detect_batch(choices, detect_every),
            boxes=boxes,
        )


def usual_detect_batch(choices: EstimatorChoices, detect_every: int) -> int:
    """Return how many frames the detector takes at a time: several on a GPU alone."""
    from rmpe.runtimes import choose_device
    from rmpe.runtimes.base import runs_without_torch

    if detect_every != 1 or choices.boxes is not None:
        return 1
    if runs_without_torch("auto", choices.device) or choose_device(choices.device).type == "cpu":
        return 1
    return DETECT_BATCH_ON_GPU
