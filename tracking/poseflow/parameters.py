"""Every setting of PoseFlow's rules.

The defaults are those of the public implementation, ``POSEFLOW_REFERENCE``; ``POSEFLOW_EXTENDED``
is the published similarity with moving people, colours and returns, by which flows of a whole clip
are built.

Source: Xiu et al., "Pose Flow: Efficient Online Pose Tracking", BMVC 2018 (arXiv 1802.00977), and
the behaviour of its public implementation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from tracking.parameters import QUICK_FEATURES, FeatureParameters, ReidParameters

Weights = tuple[float, float, float, float]
"""Weights of (features in boxes, box overlap, features at joints, joint overlap)."""


@dataclass(frozen=True)
class PoseFlowParameters:
    """How people of one frame are given the identities of people seen before.

    The defaults are those of the public implementation.
    """

    link_frames: int = 100
    """Updates for which a person who is no longer seen stays a candidate."""
    most_unseen: int | None = None
    """People out of sight who stay candidates, the latest ones; None: all of them."""
    top_joints: int = 7
    """Joint terms are the mean over this many best joints."""
    joint_radius: float = 30.0
    """Half the side of the square round a joint, in units of ``joint_radius_unit``."""
    joint_radius_unit: Literal["pixel", "person"] = "pixel"
    """Pixels, or the longer side of the person's box."""
    match_threshold: float = 0.2
    """A pair is one person only when its similarity is above this."""
    previous_weights: Weights = (1.0, 2.0, 1.0, 2.0)
    """Weights for candidates seen in the frame just before."""
    older_weights: Weights = (0.0, 1.0, 0.0, 1.0)
    """Weights for candidates last seen earlier."""
    box_margin: float = 0.1
    """Share of its width and height by which the box round the joints is widened on each side."""
    minimum_joint_score: float | None = None
    """Joints that do not score above this are left out; None: every joint counts."""
    predict_motion: bool = False
    """Whether candidates are moved by the camera's and their own motion before comparing."""
    velocity_memory: float = 0.7
    """Share of a person's earlier velocity kept at every sighting; with ``predict_motion``."""
    longest_prediction: int = 20
    """Frames over which a velocity is believed; with ``predict_motion``."""
    older_half_life: float = math.inf
    """Frames after which the similarity of somebody out of sight counts half."""
    reid: ReidParameters | None = None
    """How people out of sight are known again by their appearance; None: by place alone."""
    cut_share: float = 0.0
    """Everyone is new after a cut: when fewer than this share of features match; 0: never."""
    features: FeatureParameters = field(default_factory=FeatureParameters)
    """Features and their matching."""

    def __post_init__(self) -> None:
        if self.link_frames < 1 or self.top_joints < 1:
            raise ValueError(
                f"link_frames {self.link_frames} and top_joints {self.top_joints} must be 1 or more"
            )
        if self.joint_radius_unit not in ("pixel", "person"):
            raise ValueError(
                f"joint_radius_unit is {self.joint_radius_unit!r}, supported are 'pixel', 'person'"
            )
        if self.joint_radius <= 0:
            raise ValueError(f"joint_radius is {self.joint_radius}, needed is a positive number")
        if len(self.previous_weights) != 4 or len(self.older_weights) != 4:
            raise ValueError("previous_weights and older_weights have four numbers each")


POSEFLOW_REFERENCE = PoseFlowParameters()
"""The public implementation's rules and options; identities are equal to its own."""

POSEFLOW_EXTENDED = PoseFlowParameters(
    joint_radius=0.15,
    joint_radius_unit="person",
    minimum_joint_score=0.0,
    top_joints=17,
    match_threshold=0.5,
    previous_weights=(1.0, 1.0, 1.0, 3.0),
    older_weights=(0.0, 2.0, 0.0, 4.0),
    link_frames=500,
    most_unseen=150,
    velocity_memory=0.9,
    older_half_life=20.0,
    reid=ReidParameters(),
    predict_motion=True,
    cut_share=0.12,
    features=QUICK_FEATURES,
)
"""The published similarity, people and camera expected to go on moving, and people who return."""
