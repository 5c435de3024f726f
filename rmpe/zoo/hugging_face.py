"""Pose networks of the Hugging Face hub: ViTPose and ViTPose++, by name or from a folder.

Download, cache, offline mode and resume are the hub library's own (``HF_HOME``,
``HF_HUB_OFFLINE``).
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from rmpe._door import extra_module
from rmpe.skeletons import get_skeleton
from rmpe.zoo.conventions import CONVENTIONS
from rmpe.zoo.download import FetchOptions
from rmpe.zoo.loading import LoadedNetwork
from rmpe.zoo.meaning import JOINT_COUNT_SKELETONS, LoadChoices

PREFIX = "hf:"
_Colours = tuple[float, float, float]

_HOW_TO_GET = (
    "; where there is a network, `hf download {name} --local-dir FOLDER` fetches it, and hf:FOLDER "
    "takes it from there"
)


class VitPose(nn.Module):
    """A ``VitPoseForPoseEstimation`` as a network of ours: (N, 3, H, W) → heatmaps (N, K, h, w)."""

    def __init__(self, model: nn.Module, expert: int | None) -> None:
        super().__init__()
        self.model = model
        self.expert = expert

    def forward(self, x: Tensor) -> Tensor:
        if self.expert is None:
            return self.model(x).heatmaps
        # One number for all crops: engines do not follow one that is as long as the batch.
        index = torch.tensor([self.expert], device=x.device)
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
    model, processor = from_hub(
        name, "VitPoseForPoseEstimation", "VitPoseImageProcessor", "a ViTPose"
    )
    model.set_attn_implementation("eager")
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
    mean, std = _normalisation(processor)
    conventions = dataclasses.replace(
        CONVENTIONS["vitpose"],
        skeleton_name=skeleton_name,
        input_height=height,
        input_width=width,
        mean=mean,
        std=std,
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


def _normalisation(processor: Any) -> tuple[_Colours, _Colours]:
    """Return mean and deviation, for values of 0..1, of what an image processor does to bytes."""
    mean, std = (0.0,) * 3, (1.0,) * 3
    if processor.do_normalize:
        mean, std = processor.image_mean, processor.image_std
    largest = 255 * (processor.rescale_factor if processor.do_rescale else 1)
    red, green, blue = (value / largest for value in mean)
    by_red, by_green, by_blue = (value / largest for value in std)
    return (red, green, blue), (by_red, by_green, by_blue)


def is_in_hubs_cache(source: str) -> bool:
    """Return whether the weights of ``hf:NAME`` lie in the hub library's cache of this machine."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return False
    found = try_to_load_from_cache(source.removeprefix(PREFIX), "model.safetensors")
    return isinstance(found, str)


def from_hub(name: str, model_class: str, processor_class: str, wanted: str) -> tuple[Any, Any]:
    """Return a model of transformers, in float32 and whole, and its image processor.

    Args:
        name: on the hub, or a folder.
        model_class: name in ``transformers`` of what loads the model.
        processor_class: name of what loads its image processor.
        wanted: what is needed, in words, for the message about a model of another kind.

    Raises:
        ValueError: a package is not installed, or the model is of another kind or incomplete.
        OSError: it cannot be fetched or read.
    """
    transformers = extra_module("transformers", "hf", f"{wanted} of the hub")
    options: dict[str, Any] = {"local_files_only": True} if FetchOptions().offline else {}
    wanted_class = getattr(transformers, model_class)
    try:
        config = transformers.AutoConfig.from_pretrained(name, **options)
        if not _loads(transformers, wanted_class, config):
            raise ValueError(f"{name} is a {config.model_type}, needed is {wanted}")
        with _quiet(transformers.logging):
            model, report = wanted_class.from_pretrained(
                *(name,), dtype=torch.float32, output_loading_info=True, **options
            )
        processor = getattr(transformers, processor_class).from_pretrained(name, **options)
    except ImportError as error:  # a backbone of timm's, a tokenizer
        raise ValueError(f"{name} needs another package: {_sentence(error)}") from error
    except RuntimeError as error:
        reason = "weights of other shapes" if "mismatched" in str(error) else _sentence(error)
        raise ValueError(f"{name} does not fit its own configuration: {reason}") from error
    except (OSError, SafetensorError) as error:
        hint = "" if Path(name).is_dir() else _HOW_TO_GET.format(name=name)
        raise OSError(
            f"could not load {name} from the hub or a folder: {_sentence(error)}{hint}"
        ) from error
    if report["missing_keys"]:
        first = sorted(report["missing_keys"])[0]
        raise ValueError(f"{name} is incomplete: {first} and perhaps others are not in its weights")
    return model, processor


@contextmanager
def _quiet(library_logging: Any) -> Iterator[None]:
    """Keep the library from reporting what is said here, and its progress off files."""
    level = library_logging.get_verbosity()
    library_logging.set_verbosity_error()
    if not sys.stderr.isatty():
        library_logging.disable_progress_bar()
    try:
        yield
    finally:
        library_logging.set_verbosity(level)


def _loads(transformers: Any, model_class: Any, config: Any) -> bool:
    """Return whether the class builds a model of that configuration."""
    one: type | None = getattr(model_class, "config_class", None)
    if one is not None:
        return isinstance(config, one)
    return type(config) in transformers.MODEL_FOR_OBJECT_DETECTION_MAPPING


def _sentence(error: Exception) -> str:
    """Return the first line of what the library says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
