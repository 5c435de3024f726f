"""Pose networks of the Hugging Face hub: ViTPose and ViTPose++, by name or from a folder.

Download, cache, offline mode and resume are the hub library's own (``HF_HOME``,
``HF_HUB_OFFLINE``).
"""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import torch
from torch import Tensor, nn

from rmpe.skeletons import get_skeleton
from rmpe.zoo.conventions import CONVENTIONS
from rmpe.zoo.loading import LoadedNetwork
from rmpe.zoo.meaning import JOINT_COUNT_SKELETONS, LoadChoices

PREFIX = "hf:"

log = logging.getLogger(__name__)


class VitPose(nn.Module):
    """A ``VitPoseForPoseEstimation`` as a network of ours: (N, 3, H, W) → heatmaps (N, K, h, w)."""

    def __init__(self, model: nn.Module, expert: int | None) -> None:
        super().__init__()
        self.model = model
        self.expert = expert

    def forward(self, x: Tensor) -> Tensor:
        if self.expert is None:
            return self.model(x).heatmaps
        index = torch.full((len(x),), self.expert, dtype=torch.int64, device=x.device)
        return self.model(x, dataset_index=index).heatmaps

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The heatmaps alone."""
        return [self(x)]


def load_vitpose(source: str, choices: LoadChoices | None = None) -> LoadedNetwork:
    """Return the ViTPose of a hub name or a folder, such as ``hf:usyd-community/vitpose-base``.

    ``hf:NAME#3`` takes ViTPose++'s expert for data set 3 (0 COCO, 1 AI Challenger, 2 MPII,
    3 AP-10K, 4 APT-36K, 5 COCO-WholeBody); without a number it is COCO's.

    Raises:
        ValueError: transformers is not installed, or it is no ViTPose.
        OSError: it cannot be fetched or read.
    """
    choices = choices or LoadChoices()
    name, _, number = source.removeprefix(PREFIX).partition("#")
    model, processor = _pretrained(name)
    experts = int(getattr(model.config.backbone_config, "num_experts", 1))
    if number and not (number.isdigit() and int(number) < experts):
        raise ValueError(f"got expert {number!r} of {name}, which has {experts}")
    height, width = (int(side) for side in model.config.backbone_config.image_size)
    if choices.input_size_hw not in (None, (height, width)):
        raise ValueError(f"got input size {choices.input_size_hw}, {name} takes {height}x{width}")
    count = int(model.config.num_labels)
    skeleton_name = choices.skeleton_name or JOINT_COUNT_SKELETONS.get(count)
    if skeleton_name is None:
        raise ValueError(f"{name} has {count} heatmaps, which no skeleton is usual for; name it")
    if get_skeleton(skeleton_name).joint_count > count:
        raise ValueError(f"skeleton {skeleton_name!r} has more joints than {name}'s {count} maps")
    conventions = dataclasses.replace(
        CONVENTIONS["vitpose"],
        skeleton_name=skeleton_name,
        input_height=height,
        input_width=width,
        mean=tuple(processor.image_mean),
        std=tuple(processor.image_std),
        codec=choices.codec or "vitpose",
    )
    network = VitPose(model, int(number or 0) if experts > 1 else None).eval()
    return LoadedNetwork(
        network=network,
        family="vitpose",
        variant=name.rsplit("/", 1)[-1],
        conventions=conventions,
        origin="vitpose",
        same_keys=(),
        source_keys={key: key.removeprefix("model.") for key in network.state_dict()},
    )


def _pretrained(name: str) -> tuple[Any, Any]:
    try:
        import transformers
    except ImportError as error:
        raise ValueError(
            'networks of the hub need transformers: python -m pip install "rmpe[hf]"'
        ) from error
    try:
        config = transformers.AutoConfig.from_pretrained(name)
        if config.model_type != "vitpose":
            raise ValueError(f"{name} is a {config.model_type}, needed is a ViTPose")
        model = transformers.VitPoseForPoseEstimation.from_pretrained(
            name, dtype=torch.float32, attn_implementation="eager"
        )
        return model, transformers.VitPoseImageProcessor.from_pretrained(name)
    except OSError as error:
        first = str(error).splitlines()[0]
        raise OSError(f"could not load {name} from the hub or a folder: {first}") from error
