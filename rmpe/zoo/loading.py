"""From a checkpoint to a network that is ready to run, and what it expects around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from rmpe.networks.variants import FAMILIES, Family
from rmpe.zoo.card import read_card
from rmpe.zoo.catalogue import entry_of_file, find_entry
from rmpe.zoo.conventions import Conventions, Origin
from rmpe.zoo.download import FetchOptions, Progress
from rmpe.zoo.meaning import NOTHING_KNOWN, Evidence, LoadChoices, choose_variant, decide
from rmpe.zoo.reading.checkpoint import read_checkpoint
from rmpe.zoo.reading.keys import rename_keys, unwrap
from rmpe.zoo.reading.meta import skeleton_of_meta
from rmpe.zoo.reading.recognise import recognise
from rmpe.zoo.reading.transformer import split_transformer, wrap_with_transformer
from rmpe.zoo.unpacking import fetch_entry

SHOWN_KEYS = 4
"""Keys that an error lists of each kind."""


@dataclass(frozen=True)
class LoadedNetwork:
    """A network with its weights, in eval mode on the CPU."""

    network: nn.Module
    """(N, 3, H, W) → (N, K, h, w), or two outputs of SimCC, or a detector's; K may exceed the
    skeleton's joints, which come first."""
    family: str
    """Name of its row in ``rmpe.networks.variants.FAMILIES``."""
    variant: str
    """Which network of the family."""
    conventions: Conventions
    """How pictures go in and heatmaps are read."""
    origin: Origin
    """Whose conventions these are, a key of ``rmpe.zoo.conventions.CONVENTIONS``."""
    same_keys: tuple[str, ...]
    """Other variants and origins with exactly the same keys, to be named if the file is theirs."""
    source_keys: Mapping[str, str]
    """The network's key → the key in the file it came from."""
    finds: Literal["joints", "boxes"] = "joints"
    """What the network finds; boxes are a detector's."""


def load(
    source: str | Path,
    choices: LoadChoices | None = None,
    *,
    options: FetchOptions | None = None,
    progress: Progress | None = None,
) -> LoadedNetwork:
    """A published network by its file or its name in the catalogue.

    What the file means is decided in ``rmpe.zoo.meaning``, where the precedence is written down.

    Args:
        source: path of a checkpoint file, name of a catalogue entry, or ``hf:`` and a name of the
            Hugging Face hub or a folder.
        choices: what the user says of it.
        options: cache folder, offline, mirror, for a name.
        progress: told of every fetched chunk.

    Raises:
        OSError: the file is not there, or cannot be fetched.
        ValueError: the name is unknown, or the file is damaged, refused or of no known network.
    """
    if str(source).startswith("hf:"):
        from rmpe.zoo.hugging_face import load_vitpose

        return load_vitpose(str(source), choices)
    loaded = _load(source, choices, options, progress)
    if loaded.finds != "joints":
        raise ValueError(
            f"{source} holds {loaded.variant}, a person detector, which finds no joints; give it "
            "as the detector"
        )
    return loaded


def load_detector(
    source: str | Path,
    choices: LoadChoices | None = None,
    *,
    options: FetchOptions | None = None,
    progress: Progress | None = None,
) -> LoadedNetwork:
    """A published person detector by its file or its name in the catalogue.

    Args and raises: as :func:`load`.
    """
    loaded = _load(source, choices, options, progress)
    if loaded.finds != "boxes":
        raise ValueError(
            f"{source} holds {loaded.variant}, a pose network, which finds no boxes; give it as "
            "the network"
        )
    return loaded


def _load(
    source: str | Path,
    choices: LoadChoices | None,
    options: FetchOptions | None,
    progress: Progress | None,
) -> LoadedNetwork:
    path = Path(source)
    entry = entry_of_file(path.name)
    if not path.is_file():
        if path.suffix in (".pth", ".pt", ".tar", ".safetensors") and entry is None:
            raise FileNotFoundError(f"there is no checkpoint file {path}")
        entry = find_entry(str(source))
        if entry.is_onnx or entry.is_torchvision:
            raise ValueError(
                f"{entry.name!r} is no checkpoint that becomes a network here: it is "
                f"{'an ONNX file' if entry.is_onnx else 'built by torchvision'}"
            )
        path = fetch_entry(entry, options, progress)
    try:
        evidence = Evidence(card=read_card(path), entry=entry)
        loaded = from_state_dict(read_checkpoint(path), choices, evidence=evidence)
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


def from_state_dict(
    state: Mapping[str, Any],
    choices: LoadChoices | None = None,
    *,
    evidence: Evidence = NOTHING_KNOWN,
    families: Sequence[Family] = FAMILIES,
) -> LoadedNetwork:
    """Recognise a checkpoint's network from keys and shapes, build it and load it strictly.

    Args:
        state: ``name → tensor``, or a training checkpoint that holds it; original repositories'
            and OpenMMLab's key names; ``num_batches_tracked`` may be missing.
        choices: what the user says of it.
        evidence: what is known of the file beside its content.
        families: the networks that are looked for.

    Raises:
        ValueError: no network or not exactly one fits; the message names the nearest and the
            first keys that do not fit.
    """
    choices = choices or LoadChoices()
    if choices.skeleton_name is None and evidence.card is None:
        evidence = replace(evidence, meta_skeleton=skeleton_of_meta(state))
    tensors, transformer = split_transformer(unwrap(state))
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    names, is_openmmlab = rename_keys(shapes, families)
    ours = {names[key]: tensor for key, tensor in tensors.items()}
    source_keys = {ours_key: key for key, ours_key in names.items()}
    architecture = recognise({names[key]: shape for key, shape in shapes.items()}, families)
    variant = choose_variant(architecture, choices, evidence)
    with torch.device("meta"):
        network = architecture.build(variant)
    _check_keys(network, ours, source_keys, variant)
    network.to_empty(device="cpu")
    network.load_state_dict(_completed(network, ours), strict=True)
    _check_shared(network, ours, variant)
    family = architecture.family
    origins = (family.openmmlab_origin,) if is_openmmlab else architecture.origins()
    origin, conventions = decide(architecture, origins, choices, evidence)
    if transformer:
        network = wrap_with_transformer(network, transformer)
    return LoadedNetwork(
        network=network.eval(),
        family=family.name,
        variant=variant,
        conventions=conventions,
        origin=origin,
        same_keys=tuple(name for name in (*architecture.variants, *origins[1:]) if name != variant),
        source_keys=source_keys,
        finds=family.finds,
    )


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


def _check_shared(network: nn.Module, tensors: dict[str, Tensor], variant: str) -> None:
    """Raise where a file differs in what the network holds once under several names."""
    first: dict[int, str] = {}
    for key, value in network.state_dict().items():
        twin = first.setdefault(value.data_ptr(), key) if value.numel() else key
        if twin != key and not torch.equal(tensors[key], tensors[twin]):
            raise ValueError(
                f"the checkpoint does not fit {variant}: {key!r} and {twin!r} are one tensor there "
                "and differ in the file"
            )


def _completed(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, with zeros for the batch counters that old files lack."""
    return {
        key: tensors[key] if key in tensors else torch.zeros(value.shape, dtype=value.dtype)
        for key, value in network.state_dict().items()
    }
