"""What a run starts with: the network, the weights it takes over, what of it stays frozen."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

from rmpe.heatmaps.compact import OVER_CELLS
from rmpe.networks.variants import build_network
from rmpe.runtimes.preprocess import PreprocessedNetwork
from rmpe.skeletons import Skeleton
from rmpe.sstn import SpatialTransformer, SymmetricPose
from rmpe.training.data.person_crops import PersonCrops
from rmpe.training.data.records import collate
from rmpe.training.data.workers import start_method
from rmpe.training.loop._backbones import start_backbone
from rmpe.training.loop.heads import start_heads_near_zero
from rmpe.training.loop.transformer_start import start_transformer, view_crops
from rmpe.training.recipes.settings import NetworkRecipe
from rmpe.zoo import LoadedNetwork, load, load_bundled_pose
from rmpe.zoo.bundled import BUNDLED
from rmpe.zoo.conventions import Conventions

logger = logging.getLogger(__name__)

FOCUS_HEADS = ("centre", "from_centre")
"""Parts of a compact network that an unfocused one lacks."""


def starting_network(
    recipe: NetworkRecipe, skeleton: Skeleton, start: Path | None = None, resumed: bool = False
) -> nn.Module:
    """Return the recipe's network for a skeleton, with the weights it starts from.

    Args:
        recipe: names the network.
        skeleton: its joints.
        start: weights of the same network; None takes those of the recipe.
        resumed: whether a checkpoint will replace the weights anyway.

    Raises:
        ValueError: the variant is unknown, the weights to start from are another network's, or
            the recipe names a backbone that the network does not have.
        OSError: the weights to start from are missing.
    """
    if recipe.variant in BUNDLED:
        if recipe.backbone:
            raise ValueError(
                f"recipe {recipe.name}: got backbone {recipe.backbone}, but the compact network "
                "has no ResNet trunk; leave backbone= empty"
            )
        source = load_bundled_pose(recipe.variant) if start is None else load(start)
        # Maps of everybody, as the joint-candidate loss wants them, are not focused on one person.
        focused = hasattr(source.network, "centre") and recipe.loss == "classification"
        network = build_network(recipe.variant, skeleton.joint_count, focused=focused)
        name = "the bundled network" if start is None else str(start)
        _start_from(network, source, recipe, skeleton, name)
        return network
    # A SimCC head is made for one size of input; other networks take any.
    size = f"_{recipe.input_height}x{recipe.input_width}" if recipe.loss == "simcc" else ""
    network = build_network(recipe.variant + size, skeleton.joint_count)
    start_heads_near_zero(network, recipe.origin, skeleton.joint_count)
    if start is not None:
        _start_from(network, load(start), recipe, skeleton, str(start))
    elif recipe.backbone and not resumed:
        start_backbone(network, recipe.backbone)
    return network


def _start_from(
    network: nn.Module,
    source: LoadedNetwork,
    recipe: NetworkRecipe,
    skeleton: Skeleton,
    source_name: str,
) -> None:
    """Copy all weights that fit; a head of other joints takes those of equal name, said loudly.

    Logits are no start for maps of height 1, nor these for logits: such a head starts anew.
    """
    own, state = network.state_dict(), source.network.state_dict()
    if not any(key.startswith("centre.") for key in own):
        state = {key: value for key, value in state.items() if key.split(".")[0] not in FOCUS_HEADS}
    differing = [key for key in {*own, *state} if key not in own or key not in state]
    if differing:
        raise ValueError(
            f"{source_name} is another network; it differs at {', '.join(sorted(differing)[:4])}"
        )
    known = source.conventions.skeleton
    rows = [(skeleton.index(joint), known.index(joint)) for joint in skeleton.joints
            if joint in known.joints]  # fmt: skip
    other = [key for key in own if own[key].shape != state[key].shape]
    for key in other:
        per_joint = 2 if key.startswith("from_centre.") else 1
        if own[key].shape[1:] != state[key].shape[1:] or len(own[key]) != (
            per_joint * skeleton.joint_count
        ):
            raise ValueError(f"{source_name} is of another size; it differs at {key}")
        head = own[key].clone().unflatten(0, (-1, per_joint))
        stored = state[key].unflatten(0, (-1, per_joint))
        for mine, theirs in rows:
            head[mine] = stored[theirs]
        state[key] = head.flatten(0, 1)
    if other:
        fresh = [joint for joint in skeleton.joints if joint not in known.joints]
        logger.warning(
            "%s has other joints: %d of %d are taken over by name in %s, from scratch start: %s",
            source_name,
            len(rows),
            skeleton.joint_count,
            ", ".join(other),
            ", ".join(fresh) or "none",
        )
    own_codec = recipe.conventions(skeleton.name).codec
    if (source.conventions.codec in OVER_CELLS) != (own_codec in OVER_CELLS):
        heads = [key for key in own if key.startswith("head.output.")] or list(own)[-2:]
        state |= {key: own[key] for key in heads}
        logger.warning(
            "%s gives maps of another kind: %s start anew", source_name, ", ".join(heads)
        )
    network.load_state_dict(state)


def with_transformer(network: nn.Module, recipe: NetworkRecipe, joint_count: int) -> SymmetricPose:
    """Return the network, frozen, inside a spatial transformer with its parallel branch.

    What it is shown has the network's usual size and the recipe's crop less what that adds.
    """
    shown_hw = (
        round(recipe.input_height / recipe.crop_growth / 32) * 32,
        round(recipe.input_width / recipe.crop_growth / 32) * 32,
    )
    looked_at_hw = (max(shown_hw[0] // 64, 1) * 32, max(shown_hw[1] // 64, 1) * 32)
    transformer = SpatialTransformer(joint_count, looked_at_hw=looked_at_hw, shown_hw=shown_hw)
    symmetric = SymmetricPose(network.requires_grad_(False).eval(), transformer)
    symmetric.enable_parallel_branch()
    return symmetric


def start_localisation(
    whole: SymmetricPose,
    crops: PersonCrops,
    recipe: NetworkRecipe,
    conventions: Conventions,
    workers: int,
) -> None:
    """Let the localisation learn alone before both branches move it."""
    batches = DataLoader(
        crops,
        batch_size=32,
        sampler=range(recipe.transformer_start),
        num_workers=workers,
        collate_fn=collate,
        multiprocessing_context=start_method() if workers else None,
    )
    preprocessor = PreprocessedNetwork(
        nn.Identity(), conventions.colour_order, conventions.mean, conventions.std
    )
    views = view_crops(
        whole,
        preprocessor,
        batches,
        torch.from_numpy(conventions.skeleton.mirror_permutation),
        half_precision=recipe.precision == "bf16-mixed",
    )
    error = start_transformer(whole.transformer, views)
    logger.info("the transformer starts with a mean error of %.4f half crop sides", error)
