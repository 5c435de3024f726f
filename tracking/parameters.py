"""Every setting of our tracker, in frozen structs, and what it shares with PoseFlow's rules.

:class:`TrackerParameters`, ``DEFAULT``, are those of :mod:`tracking.following`. The defaults of
:class:`FeatureParameters` are those of PoseFlow's public implementation
(:mod:`tracking.poseflow.parameters`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FeatureParameters:
    """How ORB features are found in a frame and matched with those of the frame before."""

    maximum_features: int = 10000
    """Most features of one frame."""
    features_per_person: int | None = None
    """Features asked for per person, on top of ``base_features``; None: the maximum, always."""
    base_features: int = 0
    """Features asked for however few people there are; only with ``features_per_person``."""
    levels: int = 8
    """Levels of the picture pyramid, each 1.2 times smaller."""
    fast_threshold: int = 20
    """Contrast a corner needs, in grey levels."""
    longest_side_px: int | None = None
    """Pictures with a longer side are made smaller before features are sought; None: never."""
    surroundings: float | None = None
    """Features are sought in person boxes widened on every side by this share of the longer one;
    None: in the whole picture."""
    red_and_blue_swapped: bool = True
    """Grey as the public implementation makes it: 0.299 B + 0.587 G + 0.114 R."""
    search: Literal["lsh", "exhaustive"] = "lsh"
    """Approximate neighbours (12 tables, keys of 12 bits, probe level 2, 100 checks) or exact."""
    ratio: float = 0.8
    """A match counts when its distance is below this share of the second best one."""
    whole_pixels: bool = True
    """Whether the places of features are cut to integers."""

    def __post_init__(self) -> None:
        if self.maximum_features < 1 or self.levels < 1:
            raise ValueError(
                f"maximum_features is {self.maximum_features} and levels {self.levels}, "
                "needed is 1 or more"
            )
        if not 0 < self.ratio <= 1:
            raise ValueError(f"ratio is {self.ratio}, needed is a number above 0 and at most 1")
        if self.search not in ("lsh", "exhaustive"):
            raise ValueError(f"search is {self.search!r}, supported are 'lsh' and 'exhaustive'")


@dataclass(frozen=True)
class ReidParameters:
    """How people who were out of sight are known again, by colours, size and place.

    Evidence is in nats: 2.5 is odds of 12 to 1.
    """

    needed_evidence: float = 2.5
    """Evidence from which somebody is known again; with less there is a new identity."""
    needed_colours: float = 1.0
    """That much of it must come from colours, where half of the person or more is to be seen; of
    others colours must not speak against it."""
    needed_margin: float = 1.0
    """Evidence by which the best candidate leads the second; with less a new identity."""
    similarity_per_nat: float = 0.7
    """What a nat of evidence counts in the similarity."""
    preference_per_nat: float = 0.1
    """What a nat counts in the similarity where somebody matches by place already."""
    most_evidence: float = 6.0
    """Evidence above this counts as this."""
    doubt: float = 4.0
    """Evidence of colours against a match by place is heard from here on, after a short absence."""
    short_absence: int = 5
    """After so few frames out of sight people are known by place alone."""
    least_sightings: int = 3
    """People seen less often are not known again."""
    colour_noise: tuple[float, float, float] = (18.0, 10.0, 10.0)
    """How much brightness, red-green and yellow-blue change in any case, grey levels."""
    changed_share: float = 0.15
    """How often a joint's colours, or a person's size, are no guide."""
    independent_parts: float = 5.0
    """Parts of a body whose colours are independent of each other."""
    longest_memory: float = 50.0
    """Sightings over which colours are averaged."""
    size_spread: float = 0.06
    """Spread of the logarithm of a person's height on return at once."""
    upright_spread: float = 0.06
    """Spread of how far down in the picture a person is on return at once, in box sides; this and
    the size's grow in every frame by the drift seen in the clip."""
    usual_drift: float = 0.003
    """Drift up or down in a frame, in box sides, until the people in view tell."""
    crowd_spread: tuple[float, float] = (0.15, 0.12)
    """How far strangers are from the places, in box sides, and log heights of people known."""
    unlike_all: float = 0.2
    """How much each person known tells about strangers, beside heights and places at random."""
    reach_across: tuple[float, float] = (1.0, 0.02)
    """How far sideways people come back from where they were lost, in box sides: at once, and
    per frame."""
    anywhere_share: float = 0.3
    """How often people come back anywhere between left and right."""
    continued_similarity: float = 2.0
    """People who match somebody seen just before with a higher similarity have not come back."""


QUICK_FEATURES = FeatureParameters(
    maximum_features=700,
    features_per_person=15,
    base_features=200,
    levels=2,
    fast_threshold=25,
    longest_side_px=640,
    surroundings=0.5,
    red_and_blue_swapped=False,
    search="exhaustive",
    whole_pixels=False,
)
"""Few features, where people are: what tracking needs at the speed of a clip."""


@dataclass(frozen=True)
class MotionParameters:
    """How people move and how exactly their boxes say where they are."""

    usual_speed: tuple[float, float] = (0.6, 0.25)
    """Spread of speeds across and down the picture, heights per second."""
    first_speed: tuple[float, float] = (0.8, 0.35)
    """Spread of the speeds of people seen once: runners and riders are among them."""
    speed_memory_s: float = 2.0
    """Time over which a speed is forgotten."""
    box_noise: float = 0.06
    """Spread of a box's middle about the body's, in heights."""
    joint_noise: float = 0.05
    """Spread of the shift between two sightings as the joints show it, in heights."""


@dataclass(frozen=True)
class LikelihoodParameters:
    """What the terms of the similarity were fitted to; lengths in heights of the person."""

    usual_distance: float = 0.7
    """Spread of others about a place where somebody is expected."""
    box_noise: float = 0.06
    """Spread of a box's middle."""
    astray_share: float = 0.1
    """How often a box, a height or a joint is no guide."""
    astray_spread: float = 0.3
    """Spread of a box's middle then."""
    height_spread: float = 0.12
    """Spread of the logarithm of a height between two sightings."""
    height_drift: float = 0.1
    """What a second adds to it."""
    usual_heights: float = 0.35
    """Spread of the logarithm of heights among others."""
    joint_spread: float = 0.08
    """Spread of a joint about where it is expected."""
    joint_swing: float = 0.15
    """Most that a swinging limb adds to it; reached in ``swing_s``."""
    swing_s: float = 0.3
    """See ``joint_swing``."""
    independent_joints: float = 2.0
    """Joints that tell independently of each other."""
    even_features: float = 0.3
    """Share of common matches that says nothing."""
    features_per_nat: float = 0.15
    """Share of common matches that is worth a nat."""
    most_features: float = 2.5
    """Most nats of common matches, for or against."""
    fewest_matches: int = 6
    """With fewer matches in a person's box they say nothing."""
    colours_weight: float = 0.7
    """What a nat of colours counts at once; it counts whole after ``gap_s``."""
    most_colours: float = 6.0
    """Most nats of colours, for or against."""
    gap_nats: float = 4.0
    """Nats against somebody who was out of sight for ``gap_s`` or longer."""
    gap_s: float = 2.0
    """See ``gap_nats``."""
    copy_nats: float = 1.0
    """Nats against a box whose pose is that of another box."""
    hidden_share: float = 0.1
    """How often somebody whose lower part others cover is found by what shows of them."""
    least_covered: float = 0.5
    """Share of what is missing of a box that others must cover for it to be hidden by them."""
    front_share: float = 0.07
    """How often the pose found in the box of somebody wholly covered is that of who covers them."""


@dataclass(frozen=True)
class TrackerParameters:
    """How our tracker says who is who; times in seconds, lengths in heights of the person."""

    motion: MotionParameters = field(default_factory=MotionParameters)
    """How people move."""
    likelihood: LikelihoodParameters = field(default_factory=LikelihoodParameters)
    """What the terms of the similarity are worth."""
    reid: ReidParameters | None = field(default_factory=ReidParameters)
    """How people out of sight are known again; None: by place alone, colours are not looked at."""
    least_nats: float = 1.0
    """Evidence from which somebody is who was expected nearby."""
    sure_score: float = 0.6
    """Boxes that score less come second, and begin nobody before ``wait_sightings``."""
    wait_sightings: int = 3
    """Sightings after which somebody doubtful gets an identity."""
    wait_s: float = 0.3
    """Somebody who waits for an identity is forgotten after that time out of sight."""
    place_limit_s: float = 2.0
    """Somebody out of sight for longer is known again by appearance alone."""
    away_s: float = 0.2
    """Time out of sight from which somebody may be known again by appearance."""
    remember_s: float = 20.0
    """Time after which somebody out of sight is forgotten."""
    most_unseen: int = 150
    """People out of sight who are remembered, the latest ones."""
    sure_share: float = 0.9
    """With a lower probability that a box is theirs people keep the pose that they had."""
    doubt_overlap: float = 0.5
    """Somebody new who shares more than this of the smaller box with another waits as well."""
    alike_poses: float = 0.05
    """Two poses of a frame that are nearer than this, joint by joint, are one pose twice."""
    joint_radius: float = 0.15
    """Half the side of the square round a joint in which feature matches are counted."""
    joint_radius_unit: Literal["pixel", "person"] = "person"
    """Unit of ``joint_radius``."""
    minimum_joint_score: float | None = 0.0
    """Joints that do not score above this are left out; None: every joint counts."""
    top_joints: int = 17
    """Joints whose feature matches are averaged, the best ones."""
    box_margin: float = 0.1
    """Share of its sides by which the box round the joints is widened."""
    cut_share: float = 0.12
    """Everyone is new after a cut: when fewer than this share of features match; 0: never."""
    features: FeatureParameters = QUICK_FEATURES
    """Features and their matching."""

    def __post_init__(self) -> None:
        if self.remember_s <= 0 or self.most_unseen < 0 or self.wait_sightings < 1:
            raise ValueError(
                f"remember_s {self.remember_s}, most_unseen {self.most_unseen} and wait_sightings "
                f"{self.wait_sightings} must be above 0, 0 or more, and 1 or more"
            )


DEFAULT = TrackerParameters()
"""What this project uses: boxes and joints in one state, compared by likelihoods."""
