"""What a file of weights means: joints, input, colours, crop and decoding, decided in one place.

The first of these that says something about a fact decides it:

1. the user's :class:`LoadChoices`;
2. shapes that fix it (a SimCC head's bins tell the input size);
3. the card inside a file that ``train`` or ``export`` wrote;
4. the data set that the checkpoint's own ``meta`` names (OpenMMLab's files do);
5. the catalogue's entry of that file name;
6. the usual conventions of the family's origin, and the usual skeleton of its joint count.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmpe.skeletons import SKELETONS, Skeleton, get_skeleton
from rmpe.zoo.card import WeightsCard
from rmpe.zoo.catalogue import CatalogueEntry
from rmpe.zoo.conventions import CONVENTIONS, Conventions, Origin

if TYPE_CHECKING:
    from rmpe.zoo.reading.recognise import Architecture

JOINT_COUNT_SKELETONS = {
    14: "crowdpose14",
    15: "posetrack15",
    16: "mpii16",
    17: "coco17",
    19: "coco19",
    21: "hand21",
    26: "halpe26",
    33: "coco17",
    68: "face68",
    133: "wholebody133",
    136: "halpe136",
}
"""Skeleton to assume for a number of heatmaps; of 33 (the 2018 model) the first 17 are used."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadChoices:
    """What a user says of a checkpoint; None takes what is known of it otherwise."""

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

    @classmethod
    def from_text(
        cls, name: str | None, input_size: str | None, skeleton_name: str | None = None
    ) -> LoadChoices:
        """The choices of a command line.

        Args:
            name: an origin, or else a variant; either may be among a file's ``same_keys``.
            input_size: height x width, such as ``384x288``.
            skeleton_name: key in ``rmpe.skeletons.SKELETONS``.

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
        return cls(name if origin is None else None, origin, skeleton_name, size_hw)


@dataclass(frozen=True)
class Evidence:
    """What is known of a file beside its keys and shapes; None where nothing is."""

    card: WeightsCard | None = None
    """The card inside it."""
    meta_skeleton: Skeleton | None = None
    """Joints of the data set that its own ``meta`` names."""
    entry: CatalogueEntry | None = None
    """The catalogue's entry of its file name."""


NOTHING_KNOWN = Evidence()


def choose_variant(architecture: Architecture, choices: LoadChoices, evidence: Evidence) -> str:
    """Return which of the variants with the same keys a file is.

    Raises:
        ValueError: the keys are not those of the variant that is asked for.
    """
    wanted = choices.variant or (evidence.card.variant if evidence.card else None)
    if wanted is None:
        return architecture.variants[0]
    if wanted not in architecture.variants:
        raise ValueError(
            f"the checkpoint does not fit variant {wanted!r}: its keys and shapes are those of "
            f"{' or '.join(architecture.variants)}"
        )
    return wanted


def decide(
    architecture: Architecture,
    origins: tuple[str, ...],
    choices: LoadChoices,
    evidence: Evidence = NOTHING_KNOWN,
) -> tuple[Origin, Conventions]:
    """Return whose conventions the weights follow, and these.

    Args:
        architecture: what the keys and shapes tell.
        origins: whose conventions such weights may follow, the usual first.
        choices: what the user says.
        evidence: what else is known of the file.

    Raises:
        ValueError: a name is unknown, or the joints or the size do not go with the network.
    """
    card, entry = evidence.card, evidence.entry
    wanted = choices.origin or (card.origin if card else origins[0])
    origin = next((known for known in CONVENTIONS if known == wanted), None)
    if origin is None:
        raise ValueError(f"got origin {wanted!r}, supported are {', '.join(CONVENTIONS)}")
    if architecture.family.finds == "boxes":
        height, width = choices.input_size_hw or architecture.found.usual_size_hw or (640, 640)
        detector = CONVENTIONS[origin]
        return origin, dataclasses.replace(detector, input_height=height, input_width=width)
    carded = card.conventions if card and choices.origin in (None, card.origin) else None
    usual = carded or CONVENTIONS[origin]
    if choices.skeleton_name:
        skeleton = get_skeleton(choices.skeleton_name)
    elif carded:
        skeleton = carded.skeleton
    else:
        skeleton = _skeleton(architecture, evidence, origin)
    if skeleton.joint_count > architecture.joint_count:
        raise ValueError(
            f"skeleton {skeleton.name!r} has {skeleton.joint_count} joints, the checkpoint "
            f"{architecture.joint_count} heatmaps"
        )
    height, width = _input_size(architecture, skeleton, choices, evidence, usual, bool(carded))
    codec = choices.codec or (usual.codec if carded else None) or (entry.codec if entry else None)
    return origin, dataclasses.replace(
        usual,
        skeleton_name=skeleton.name,
        own_skeleton=None if SKELETONS.get(skeleton.name) == skeleton else skeleton,
        input_height=height,
        input_width=width,
        codec=codec or _usual_codec(architecture, origin, usual.codec, height),
    )


def _skeleton(architecture: Architecture, evidence: Evidence, origin: Origin) -> Skeleton:
    """The joints by meta, catalogue or count, in that order; a guess among several is told."""
    count = architecture.joint_count
    meta = evidence.meta_skeleton
    if meta is not None:
        if meta.joint_count != count:
            raise ValueError(
                f"the checkpoint says its joints are {meta.name}'s {meta.joint_count}, but it has "
                f"{count} heatmaps; name the skeleton"
            )
        return meta
    if evidence.entry is not None:
        return get_skeleton(evidence.entry.skeleton_name)
    if count not in JOINT_COUNT_SKELETONS:
        raise ValueError(
            f"the checkpoint has {count} heatmaps, which no skeleton is usual for; name it"
        )
    usual = get_skeleton(JOINT_COUNT_SKELETONS[count])
    others = [s.name for s in SKELETONS.values() if s.joint_count == count and s != usual]
    # Only OpenMMLab publishes networks of 17 joints that are not COCO's.
    if others and (count != 17 or origin in ("openmmlab", "openmmlab_megvii")):
        log.warning(
            "the file does not say which its %d joints are: taken as %s; others of that number "
            "are %s",
            count,
            usual.name,
            ", ".join(others),
        )
    return usual


def _input_size(
    architecture: Architecture,
    skeleton: Skeleton,
    choices: LoadChoices,
    evidence: Evidence,
    usual: Conventions,
    from_card: bool,
) -> tuple[int, int]:
    """Rows and columns of the input."""
    fixed, asked = architecture.found.input_size_hw, choices.input_size_hw
    if fixed is not None:
        if asked not in (None, fixed):
            raise ValueError(
                f"got input size {asked[0]}x{asked[1]}, the network takes {fixed[0]}x{fixed[1]} "
                "only"
            )
        return fixed
    height, width = usual.input_height, usual.input_width
    if not from_card:
        if skeleton.name == "mpii16":
            height, width = 256, 256  # MPII's people are cut out as squares.
        height, width = architecture.found.usual_size_hw or (height, width)
        if evidence.entry is not None:
            height, width = evidence.entry.input_height, evidence.entry.input_width
    height, width = asked or (height, width)
    if height < 32 or width < 32 or height % 32 or width % 32:
        raise ValueError(f"got input size {height}x{width}, multiples of 32 are needed")
    return height, width


def _usual_codec(architecture: Architecture, origin: str, codec: str, height: int) -> str:
    """The origin's codec, where it does not depend on the network."""
    if codec == "simcc" and height > 256:
        return "simcc_384"
    # AlphaPose trained its 136-joint networks in three ways, told apart by their heads.
    if origin == "alphapose" and architecture.joint_count == 136:
        if "fastpose_res50" in architecture.variants:
            return "sigmoid_integral"
        if "fastpose_res50_dcn_wide" in architecture.variants:
            return "alphapose_combined"
    return codec
