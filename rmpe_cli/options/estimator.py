"""Which detector and pose network run, where, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from rmpe_cli.options.fields import FILE, as_json, option
from rmpe_cli.options.names import NMS_RULES, PRECISIONS, PRESETS, RUNTIMES


@dataclass(frozen=True)
class EstimatorChoices:
    """The options of the estimator. All of them decide what comes out of a run."""

    preset: str = option(
        "--preset",
        default="compact",
        type=click.Choice(PRESETS),
        help="Pair of detector and pose network, listed by rmpe models. All but the compact ones "
        "fetch or need published weights; auto takes what the machine bears.",
    )
    detector: str | None = option(
        "--detector",
        default=None,
        help="Person detector instead of the preset's: compact, torchvision:NAME, yolox:FILE or "
        "rtmdet:FILE (ONNX), or rtmdet: with OpenMMLab's own weights.",
    )
    pose_network: str | None = option(
        "--pose-network",
        default=None,
        help="Pose network of the catalogue (rmpe weights list), or hf:NAME of the hub, instead of "
        "the preset's.",
    )
    weights: Path | None = option(
        "--weights",
        default=None,
        type=FILE,
        help="Checkpoint of a pose network, whose family is recognised, or an ONNX file.",
    )
    weights_as: str | None = option(
        "--weights-as",
        default=None,
        help="Variant or origin of the checkpoint, where its keys cannot tell.",
    )
    input_size: str | None = option(
        "--input-size",
        default=None,
        metavar="HEIGHTxWIDTH",
        help="Input of the checkpoint's network, such as 384x288.",
    )
    device: str = option(
        "--device", default="auto", help="Where networks run: auto, cpu, cuda, cuda:N or mps."
    )
    runtime: Literal["auto", "torch", "openvino", "onnxruntime"] = option(
        "--runtime", default="auto", type=click.Choice(RUNTIMES), help="What runs the networks."
    )
    precision: Literal["auto", "fp32", "bf16", "fp16", "int8"] = option(
        "--precision",
        default="auto",
        type=click.Choice(PRECISIONS),
        help="Numbers that networks compute in; auto takes the shortest that the device is quick "
        "with.",
    )
    batch_size: int | None = option(
        "--batch-size",
        default=None,
        type=int,
        help="Most crops in one network call; by itself 4 on a CPU and 16 on a GPU.",
    )
    box_score: float | None = option(
        "--box-score",
        default=None,
        type=float,
        show_default=True,
        help="Leave out boxes that the detector scores less, instead of its own limit: lower finds "
        "more people, and more that are none.",
    )
    min_score: float = option(
        "--min-score", default=0.15, help="Leave out people whose pose scores less."
    )
    max_people: int = option(
        "--max-people", default=0, show_default=True, help="Most people in a frame; 0 takes all."
    )
    flip_test: bool = option(
        "--flip-test",
        default=False,
        is_flag=True,
        help="Average each crop with its mirror image: better and slower.",
    )
    association: bool = option(
        "--crowd",
        "--association",
        default=False,
        is_flag=True,
        help="Share joint candidates out among the people of a crowd (CrowdPose).",
    )
    sstn: bool = option(
        "--sstn",
        default=False,
        is_flag=True,
        help="Cut badly placed boxes anew before the pose (spatial transformer).",
    )
    boxes: Path | None = option(
        "--boxes",
        default=None,
        type=FILE,
        help="File of person boxes to use instead of a detector; see docs/formats.md.",
    )
    nms: Literal["pose", "oks", "oks-soft", "none"] = option(
        "--nms",
        default="pose",
        type=click.Choice(NMS_RULES),
        help="How poses of the same person are thinned out.",
    )
    nms_parameters: str = option(
        "--nms-parameters",
        default="alphapose",
        help="Constants of --nms pose: a set's name, or a .json file from learn-nms.",
    )
    oks_threshold: float = option(
        "--oks-threshold",
        default=0.9,
        help="For --nms oks and oks-soft: how alike two kept poses may be, 0 to 1.",
    )

    pose_score: str = option(
        "--pose-score",
        default="usual",
        help="What a pose scores: usual (box times joints), learned (the similarity to expect), or "
        "a .json file from learn-score.",
    )

    def identity(self) -> dict[str, Any]:
        """Return what makes a run on the same clip the same run, as JSON can hold it: all."""
        return as_json(self)

    def files(self) -> tuple[Path, ...]:
        """Return the files whose content decides what comes out of the run."""
        named = [self.weights, self.boxes]
        if self.nms_parameters.endswith(".json"):
            named.append(Path(self.nms_parameters))
        if self.pose_score.endswith(".json"):
            named.append(Path(self.pose_score))
        return tuple(path for path in named if path is not None)
