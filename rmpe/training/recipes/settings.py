"""Every training run of a published network as a value: typed, printable, hashable, overridable.

``HRNET_W32.with_settings(["epochs=20", "batch_size=16"])`` is what ``--set`` does. The values are
those of the papers and, where a paper is silent, of its public code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from rmpe.heatmaps.compact import OVER_CELLS
from rmpe.zoo.conventions import CONVENTIONS, Conventions, Origin

LossKind = Literal["heatmap", "integral", "classification", "simcc"]
OptimiserKind = Literal["adam", "rmsprop", "relative_adam"]
ScheduleKind = Literal["steps", "linear", "halving", "cosine"]
ScaleDraw = Literal["normal", "uniform"]
DataSet = Literal["coco", "crowdpose", "mpii", "lspet", "packs"]


@dataclass(frozen=True)
class NetworkRecipe:
    """One run of a pose network, beside its pictures.

    Raises:
        ValueError: a value is out of its range; the message says which.
    """

    name: str
    """What the run is called; the weights' file is named after it."""
    variant: str
    """Network, a name that ``rmpe.networks.variants`` builds."""
    origin: Origin
    """Whose colours, crop and codec, a key of ``rmpe.zoo.conventions.CONVENTIONS``."""
    dataset: DataSet = "coco"
    """Layout of the folder given with ``--data``; ``packs`` are those of the bundled networks."""
    skeleton: str = ""
    """Joints to train, matched by name; empty takes those of the data."""
    input_height: int = 256
    """Rows of the crop."""
    input_width: int = 192
    """Columns of the crop."""
    backbone: str = ""
    """torchvision weights that the trunk starts from, such as ``ResNet50_Weights.IMAGENET1K_V1``;
    empty starts from scratch."""

    epochs: int = 140
    """Passes over the people."""
    epoch_people: int = 0
    """People that make an epoch, those that follow making the next; 0 is all of them."""
    batch_size: int = 128
    """People in one optimiser step, over all processes and accumulated batches."""
    accumulate: int = 1
    """Forward passes that one optimiser step is made of."""
    optimiser: OptimiserKind = "adam"
    """``relative_adam`` suits networks without batch norms (``compact``)."""
    rate: float = 1e-3
    """Learning rate at the start."""
    weight_decay: float = 0.0
    """L2 penalty of the optimiser."""
    schedule: ScheduleKind = "steps"
    """``steps`` multiplies by ``rate_factor`` at every one of ``rate_drops``, ``halving`` halves
    every ``halving_people``, ``linear`` and ``cosine`` fall to 0 at the end."""
    rate_drops: tuple[int, ...] = ()
    """Epochs, from 0, at whose start the rate drops."""
    rate_factor: float = 0.1
    """What a drop multiplies by."""
    halving_people: int = 3_600_000
    """People seen between two halvings."""
    warm_up_steps: int = 0
    """Steps over which the rate rises from nothing."""
    average_decay: float = 0.0
    """Decay a step of the averaged weights that are scored and written; 0 averages nothing."""
    clip_gradient: float = 0.0
    """Largest norm of the gradient; 0 does not limit it."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    """Number format of the network's arithmetic."""
    seed: int = 1
    """Seed of initial weights, order and augmentation."""

    loss: LossKind = "heatmap"
    """``heatmap`` is the squared error of maps, ``integral`` the error of the soft-argmax,
    ``classification`` the cross-entropy over the cells, ``simcc`` the divergence of columns and
    rows (RTMPose)."""
    target_sigma: float = 0.0
    """Standard deviation of the target in cells; 0 takes the codec's."""
    output_kernels: tuple[int, ...] = ()
    """Gaussian kernel of each supervised output's target, first output first (codecs of blurred
    pixels); empty takes the codec's for all."""
    output_weights: tuple[float, ...] = ()
    """Factor of each supervised output's loss; empty is 1 for all."""
    hard_joints: int = 0
    """OHKM: joints of the greatest loss that count in ``hard_outputs``; 0 counts all."""
    hard_outputs: tuple[int, ...] = ()
    """Supervised outputs with OHKM."""
    interference: float = 0.0
    """µ of the joint-candidate loss: height of other people's joints in the target."""
    teacher_weight: float = 0.0
    """Weight of the divergence from a teacher's maps, for people that carry some."""
    teacher_joints: int = 17
    """The teacher's joints, the first ones of the skeleton."""
    absent_weight: float = 0.0
    """Weight of an even map for annotated joints that are cut off or outside the crop."""
    crowd_pictures: int = 0
    """Rendered pictures of 6 to 15 overlapping people that are added to the data."""
    frozen: tuple[str, ...] = ()
    """Parts of the network, by the path to them, whose weights stay as they are."""
    frozen_depthwise: bool = False
    """Whether the filters of all depthwise convolutions stay too: a third of a step on a CPU."""
    output_rate_factor: float = 1.0
    """Rate of the output layers in units of ``rate`` (``relative_adam``)."""
    transformer: bool = False
    """Train a spatial transformer around the frozen network (SSTN)."""
    transformer_regression: float = 0.0
    """Weight of the direct regression of the transform beside the two branches."""
    transformer_start: int = 0
    """Crops on which the transformer first learns alone, by regression, each looked at once."""
    crop_growth: float = 1.0
    """Sides of the crop over those of the network's own rule; a transformer needs what lies
    around the person, and the crop as many more pixels."""

    flip_share: float = 0.5
    """Share of mirrored crops."""
    rotation_degrees: float = 40.0
    """Spread of the turn: standard deviation cut at two of them, or half width if uniform."""
    rotation_share: float = 0.6
    """Share of the crops that are turned."""
    scale_low: float = 0.7
    """Smallest factor of the crop's size."""
    scale_high: float = 1.3
    """Greatest factor."""
    random_draw: ScaleDraw = "normal"
    """Distribution of scale and turn inside their limits."""
    shift_share: float = 0.0
    """Greatest shift of the crop's centre, in sides of the box."""
    half_body_share: float = 0.0
    """Share of the people of more than ``half_body_joints`` joints of whom one half is cropped."""
    half_body_joints: int = 8
    """See there."""
    any_turn_share: float = 0.0
    """Share of the crops turned by any angle at all."""
    refit_turned: bool = False
    """Whether the crop of a turned person is fitted to the body as it then stands."""
    cut_share: float = 0.0
    """Share of the people of whom a side or the lower part is cut away."""
    beside_share: float = 0.0
    """Share of the crops with another person set beside the one in the middle."""
    cover_share: float = 0.0
    """Share of the crops with a piece of another crop laid over."""
    blur_share: float = 0.0
    """Share of the crops with a loss of sharpness."""
    colour_spread: float = 0.0
    """Largest relative change of a channel's gain; the gamma changes twice as much."""
    proposals_from: int = -1
    """Epoch from which boxes are sampled as the detector errs (DPG); -1 never does."""

    def __post_init__(self) -> None:
        limits = (
            ("epochs", self.epochs >= 1, "1 or more"),
            ("epoch_people", self.epoch_people >= 0, "0 or more"),
            ("accumulate", self.accumulate >= 1, "1 or more"),
            (
                "batch_size",
                self.batch_size >= 1 and self.batch_size % self.accumulate == 0,
                "a positive multiple of accumulate",
            ),
            ("rate", self.rate > 0, "above 0"),
            ("input_height", self.input_height >= 32 and self.input_height % 32 == 0, "32, 64 …"),
            ("input_width", self.input_width >= 32 and self.input_width % 32 == 0, "32, 64 …"),
            ("average_decay", 0 <= self.average_decay < 1, "0 up to below 1"),
            ("scale_low", 0 < self.scale_low <= self.scale_high, "above 0, at most scale_high"),
            ("interference", 0 <= self.interference <= 1, "0 to 1"),
            ("crop_growth", self.crop_growth >= 1, "1 or more"),
            ("crowd_pictures", self.crowd_pictures >= 0, "0 or more"),
            ("transformer_start", self.transformer_start >= 0, "0 or more"),
            ("origin", self.origin in CONVENTIONS, ", ".join(CONVENTIONS)),
            (
                "loss",
                (self.loss == "simcc") == (self.origin == "openmmlab_rtm"),
                "simcc for RTMPose, and for RTMPose only",
            ),
        )
        for field, holds, allowed in limits:
            if not holds:
                raise ValueError(f"recipe {self.name}: got {field} {getattr(self, field)!r}, "
                                 f"allowed is {allowed}")  # fmt: skip

    def conventions(self, skeleton_name: str) -> Conventions:
        """Return what the trained weights will expect around them."""
        usual = CONVENTIONS[self.origin]
        codec = usual.codec
        if self.loss == "integral":
            codec = "softmax_integral"
        elif self.loss == "classification" and codec not in OVER_CELLS:
            codec = "compact"
        elif self.loss == "simcc":
            codec = "simcc_384" if self.input_height > 256 else "simcc"
        if self.loss == "heatmap" and codec in OVER_CELLS:
            codec = "compact_maps"
        return replace(
            usual,
            crop_style=usual.crop_style.grown(self.crop_growth),
            skeleton_name=skeleton_name,
            input_height=self.input_height,
            input_width=self.input_width,
            codec=codec,
        )

    def with_settings(self, settings: Iterable[str]) -> NetworkRecipe:
        """Return the recipe with ``name=value`` settings in place; tuples are ``1,2,3``.

        Raises:
            ValueError: a name is unknown (the fields are listed) or a value does not fit its type.
        """
        hints = get_type_hints(type(self))
        changed: dict[str, Any] = {}
        for setting in settings:
            field, equals, text = (part.strip() for part in setting.partition("="))
            if not equals or field not in hints:
                raise ValueError(
                    f"got the setting {setting!r}, supported are name=value with the names "
                    f"{', '.join(hints)}"
                )
            changed[field] = _parse(field, text, hints[field])
        return replace(self, **changed)

    def as_json(self) -> str:
        """Return all fields as JSON text; equal recipes give equal text."""
        return json.dumps(asdict(self), sort_keys=True)

    def digest(self) -> str:
        """Return twelve hexadecimal digits that tell recipes apart in any process."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:12]


def describe(recipe: Any) -> str:
    """Return one ``name = value`` line for each field of a recipe, a dataclass."""
    width = max(len(field.name) for field in fields(recipe))
    return "\n".join(f"{f.name:<{width}} = {getattr(recipe, f.name)!r}" for f in fields(recipe))


def _parse(field: str, text: str, hint: Any) -> Any:
    """Return ``text`` as the field's type."""
    if get_origin(hint) is Literal:
        if text not in get_args(hint):
            raise ValueError(f"got {field} {text!r}, supported are {', '.join(get_args(hint))}")
        return text
    try:
        if get_origin(hint) is tuple:
            return tuple(get_args(hint)[0](part) for part in text.split(",") if part.strip())
        if hint is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
                text.lower()
            ]
        return hint(text)
    except (KeyError, ValueError) as error:
        kind = str(hint) if get_origin(hint) else hint.__name__
        raise ValueError(f"got {field} {text!r}, needed is a {kind}") from error
