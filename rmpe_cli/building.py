"""From options to the estimator and how a run goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rmpe_cli.wrong_use import wrong_use

if TYPE_CHECKING:
    from pipeline.assemble import RunOptions
    from rmpe.estimator import PoseEstimator


def build_estimator(given: dict[str, Any], openvino_threads: int) -> PoseEstimator:
    """Return the estimator that the options ask for."""
    from pipeline.assemble import find_nobody
    from rmpe.association import AssociationParameters
    from rmpe.estimator import EstimatorOptions, PoseEstimator
    from rmpe.pose_nms import choose_nms
    from rmpe.zoo import LoadChoices
    from rmpe.zoo.presets import get_preset

    with wrong_use():
        preset = get_preset(given["preset"])
        return PoseEstimator.build(
            detector=find_nobody if given["boxes"] else given["detector"] or preset.detector,
            network=given["pose_network"] or preset.network,
            weights=given["weights"],
            weights_choices=LoadChoices.from_text(given["weights_as"], given["input_size"]),
            device=given["device"],
            runtime=given["runtime"],
            precision=given["precision"],
            threads=openvino_threads,
            sstn=given.get("sstn", False),
            options=EstimatorOptions(
                min_score=given["min_score"],
                max_people=given["max_people"],
                flip_test=given["flip_test"],
                batch_size=given["batch_size"],
                nms=choose_nms(given["nms"], given["nms_parameters"], given["oks_threshold"]),
                association=AssociationParameters() if given.get("association") else None,
            ),
        )


def build_on_worker(given: dict[str, Any], cores: int) -> PoseEstimator:
    """Return the estimator of a process that may use so many cores."""
    from rmpe.runtimes import limit_threads

    return build_estimator(given, limit_threads(cores).openvino)


def run_options(given: dict[str, Any]) -> RunOptions:
    """Return how the run goes; checks the record formats too, before anything is loaded."""
    from pipeline.assemble import RunOptions
    from rmpe.detectors.precomputed import read_boxes
    from rmpe.formats import get_format

    boxes = None
    if given["boxes"]:
        try:
            boxes = read_boxes(given["boxes"])
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    with wrong_use():
        for name in given["formats"]:
            get_format(name)
        return RunOptions(detect_every=given.get("detect_every", 1), boxes=boxes)
