"""From a checkpoint to a network that is ready to run, and what it expects around it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rmpe.skeletons import get_skeleton
from rmpe.zoo.card import read_card
from rmpe.zoo.catalogue import CatalogueEntry, entry_of_file, find_entry
from rmpe.zoo.checkpoint import read_checkpoint
from rmpe.zoo.conventions import CONVENTIONS, Conventions, Origin
from rmpe.zoo.download import FetchOptions, Progress, fetch
from rmpe.zoo.keys import KeyLayout, detect_layout, our_keys, unwrap
from rmpe.zoo.recognise import Architecture, recognise
from rmpe.zoo.symmetric import around, split_transformer

JOINT_COUNT_SKELETONS = {
    14: "crowdpose14",
    15: "posetrack15",
    16: "mpii16",
    17: "coco17",
    19: "coco19",
    26: "halpe26",
    33: "coco17",
    136: "halpe136",
}
"""Skeleton to assume for a number of heatmaps; of 33 (the 2018 model) the first 17 are used."""

SHOWN_KEYS = 4
"""Keys that an error lists of each kind."""


@dataclass(frozen=True)
class LoadedNetwork:
    """A network with its weights, in eval mode on the CPU."""

    network: nn.Module
    """(N, 3, H, W) → (N, K, h, w); K may exceed the skeleton's joints, which come first."""
    family: str
    """``fastpose``, ``simplepose``, ``simplebaseline``, ``hrnet``, ``cpn``, ``mspn``, ``rsn``,
    ``hourglass``, ``hourglass52`` or ``compact``."""
    variant: str
    """Which network of the family."""
    conventions: Conventions
    """How pictures go in and heatmaps are read."""
    origin: str
    """Whose conventions these are, a key of ``rmpe.zoo.conventions.CONVENTIONS``."""
    same_keys: tuple[str, ...]
    """Other variants and origins with exactly the same keys, to be named if the file is theirs."""
    source_keys: Mapping[str, str]
    """The network's key → the key in the file it came from."""


@dataclass(frozen=True)
class LoadChoices:
    """What the keys of a checkpoint cannot tell; None takes the usual."""

    variant: str | None = None
    """A variant among those with the same keys, such as ``pose_resnet50_caffe``."""
    origin: Origin | None = None
    """Whose conventions, such as ``alphapose`` for an HRNet that AlphaPose trained."""
    skeleton_name: str | None = None
    """Key in ``rmpe.skeletons.SKELETONS``."""
    input_size_hw: tuple[int, int] | None = None
    """Height and width of the network's input in pixels."""
    codec: str | None = None
    """Key in ``rmpe.heatmaps.CODECS``."""
    conventions: Conventions | None = None
    """Everything of this, as the weights' own trainer wrote it down; the above is not used then."""

    @classmethod
    def from_text(cls, name: str | None, input_size: str | None) -> LoadChoices:
        """The choices of a command line.

        Args:
            name: an origin, or else a variant; either may be among a file's ``same_keys``.
            input_size: height x width, such as ``384x288``.

        Raises:
            ValueError: the size is not of that form.
        """
        size_hw = None
        if input_size is not None:
            match = re.fullmatch(r"(\d+)x(\d+)", input_size)
            if match is None:
                raise ValueError(f"got input size {input_size!r}, expected is one like 384x288")
            size_hw = (int(match[1]), int(match[2]))
        origin = next((known for known in CONVENTIONS if known == name), None)
        return cls(variant=name if origin is None else None, origin=origin, input_size_hw=size_hw)


def load(
    source: str | Path,
    choices: LoadChoices | None = None,
    *,
    options: FetchOptions | None = None,
    progress: Progress | None = None,
) -> LoadedNetwork:
    """A published network by its file or its name in the catalogue.

    A file that carries the name of a catalogue entry takes that entry's input size, skeleton and
    codec, a file that ``train`` wrote what it says of itself; ``choices`` come before both.

    Args:
        source: path of a checkpoint file, or name of a catalogue entry.
        choices: what the keys cannot tell.
        options: cache folder, offline, mirror, for a name.
        progress: told of every fetched chunk.

    Raises:
        OSError: the file is not there, or cannot be fetched.
        ValueError: the name is unknown, or the file is damaged, refused or of no known network.
    """
    path = Path(source)
    entry = entry_of_file(path.name)
    if not path.is_file():
        if path.suffix in (".pth", ".pt", ".tar", ".safetensors") and entry is None:
            raise FileNotFoundError(f"there is no checkpoint file {path}")
        entry = find_entry(str(source))
        if entry.kind != "pose":
            raise ValueError(f"{entry.name!r} is a detector; a pose network was expected")
        path = fetch(entry.address, entry.sha256_prefix, options, progress)
    choices = choices or LoadChoices()
    if entry is not None:
        choices = _with_entry(choices, entry)
    card = read_card(path)
    if card is not None and choices == LoadChoices():
        choices = LoadChoices(card.variant, card.origin, conventions=card.conventions)
    try:
        loaded = from_state_dict(read_checkpoint(path), choices)
    except ValueError as error:
        if path.name in str(error):
            raise
        raise ValueError(f"{path.name}: {error}") from error
    if entry is not None and loaded.variant != entry.variant:
        raise ValueError(
            f"{path.name} holds {loaded.variant}, the catalogue says {entry.variant}; rename the "
            "file if it is another"
        )
    return loaded


def from_state_dict(state: Mapping[str, Any], choices: LoadChoices | None = None) -> LoadedNetwork:
    """Recognise a checkpoint's network from keys and shapes, build it and load it strictly.

    Args:
        state: ``name → tensor``, or a training checkpoint that holds it; original repositories'
            and OpenMMLab's key names; ``num_batches_tracked`` may be missing.
        choices: what the keys cannot tell.

    Raises:
        ValueError: no network or not exactly one fits; the message names the nearest and the
            first keys that do not fit.
    """
    choices = choices or LoadChoices()
    tensors, transformer = split_transformer(unwrap(state))
    layout = detect_layout(list(tensors))
    names = our_keys(list(tensors), layout)
    ours = {names[key]: tensor for key, tensor in tensors.items()}
    architecture = recognise({key: tuple(tensor.shape) for key, tensor in ours.items()})
    variant = _choose_variant(architecture, choices.variant)
    with torch.device("meta"):
        network = architecture.builders[variant]()
    _check_keys(network, ours, {ours_key: key for key, ours_key in names.items()}, variant)
    network.to_empty(device="cpu")
    network.load_state_dict(_completed(network, ours), strict=True)
    origins = _origins(architecture, layout)
    return LoadedNetwork(
        network=(around(network, transformer) if transformer else network).eval(),
        family=architecture.family,
        variant=variant,
        conventions=_conventions(architecture, origins, choices),
        origin=choices.origin or origins[0],
        same_keys=tuple(name for name in (*architecture.builders, *origins[1:]) if name != variant),
        source_keys={ours_key: key for key, ours_key in names.items()},
    )


def _with_entry(choices: LoadChoices, entry: CatalogueEntry) -> LoadChoices:
    """The choices, with what the catalogue knows where they say nothing."""
    return dataclasses.replace(
        choices,
        skeleton_name=choices.skeleton_name or entry.skeleton_name,
        input_size_hw=choices.input_size_hw or (entry.input_height, entry.input_width),
        codec=choices.codec or entry.codec,
    )


def _choose_variant(architecture: Architecture, wanted: str | None) -> str:
    names = list(architecture.builders)
    if wanted is None:
        return names[0]
    if wanted not in architecture.builders:
        raise ValueError(
            f"the checkpoint does not fit variant {wanted!r}: its keys and shapes are those of "
            f"{' or '.join(names)}"
        )
    return wanted


def _check_keys(
    network: nn.Module, tensors: dict[str, Tensor], source_keys: dict[str, str], variant: str
) -> None:
    """Raise unless the tensors are exactly the network's."""
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    missing = [
        key for key in expected if key not in tensors and not key.endswith("num_batches_tracked")
    ]
    unexpected = [source_keys[key] for key in tensors if key not in expected]
    reshaped = [
        f"{source_keys[key]} {tuple(tensors[key].shape)} instead of {shape}"
        for key, shape in expected.items()
        if key in tensors and tuple(tensors[key].shape) != shape
    ]
    complaints = [
        f"{label}: {', '.join(keys[:SHOWN_KEYS])}"
        + (f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else "")
        for label, keys in (
            ("missing", missing),
            ("not the network's", unexpected),
            ("of another shape", reshaped),
        )
        if keys
    ]
    if complaints:
        raise ValueError(
            f"the checkpoint is nearest to {variant} but does not fit it; {'; '.join(complaints)}"
        )


def _completed(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, with zeros for the batch counters that old files lack."""
    return {
        key: tensors[key] if key in tensors else torch.zeros(value.shape, dtype=value.dtype)
        for key, value in network.state_dict().items()
    }


def _origins(architecture: Architecture, layout: KeyLayout) -> tuple[Origin, ...]:
    """Whose conventions weights of this architecture and layout may follow, the usual first."""
    family, joint_count = architecture.family, architecture.joint_count
    if layout == "openmmlab":
        return ("openmmlab_megvii",) if family in ("mspn", "rsn") else ("openmmlab",)
    if family in ("mspn", "rsn"):
        return ("megvii_mpii", "megvii") if joint_count == 16 else ("megvii", "megvii_mpii")
    if family == "fastpose":
        is_2018 = "duc_se_resnet101" in architecture.builders
        return ("alphapose_2018", "alphapose") if is_2018 else ("alphapose", "alphapose_2018")
    by_family: dict[str, tuple[Origin, ...]] = {
        "simplepose": ("alphapose",),
        "simplebaseline": ("simplebaseline",),
        "hrnet": ("hrnet", "alphapose"),
        "cpn": ("cpn",),
        "hourglass": ("hourglass",),
        "hourglass52": ("openmmlab",),
        "compact": ("compact",),
    }
    return by_family[family]


def _conventions(
    architecture: Architecture, origins: tuple[Origin, ...], choices: LoadChoices
) -> Conventions:
    joint_count = architecture.joint_count
    if choices.conventions is not None:
        own = choices.conventions.skeleton
        if own.joint_count > joint_count:
            raise ValueError(
                f"the file names {own.joint_count} joints, its network has {joint_count} heatmaps"
            )
        return choices.conventions
    origin = choices.origin or origins[0]
    if origin not in CONVENTIONS:
        raise ValueError(f"got origin {origin!r}, supported are {', '.join(CONVENTIONS)}")
    usual = CONVENTIONS[origin]
    skeleton_name = choices.skeleton_name or JOINT_COUNT_SKELETONS.get(joint_count)
    if skeleton_name is None:
        raise ValueError(
            f"the checkpoint has {joint_count} heatmaps, which no skeleton is usual for; name it"
        )
    skeleton = get_skeleton(skeleton_name)
    if skeleton.joint_count > joint_count:
        raise ValueError(
            f"skeleton {skeleton_name!r} has {skeleton.joint_count} joints, the checkpoint "
            f"{joint_count} heatmaps"
        )
    height, width = usual.input_height, usual.input_width
    if skeleton_name == "mpii16":
        height, width = 256, 256
    if architecture.family == "hourglass52":
        height, width = 256, 256
    height, width = choices.input_size_hw or (height, width)
    if height < 32 or width < 32 or height % 32 or width % 32:
        raise ValueError(f"got input size {height}x{width}, multiples of 32 are needed")
    return dataclasses.replace(
        usual,
        skeleton_name=skeleton_name,
        input_height=height,
        input_width=width,
        codec=choices.codec or _usual_codec(architecture, origin, usual.codec),
    )


def _usual_codec(architecture: Architecture, origin: str, codec: str) -> str:
    """AlphaPose trained its 136-joint networks in three ways, told apart by their heads."""
    if origin == "alphapose" and architecture.joint_count == 136:
        if "fastpose_res50" in architecture.builders:
            return "sigmoid_integral"
        if "fastpose_res50_dcn_wide" in architecture.builders:
            return "alphapose_combined"
    return codec
