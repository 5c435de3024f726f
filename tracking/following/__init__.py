"""Our tracker's step from frame to frame: who is who by likelihoods, and why."""

from tracking.following.explanation import Candidate, Explanation, Reasons, reasons_of
from tracking.following.follower import Follower
from tracking.following.naming import LateNames, Naming

__all__ = [
    "Candidate",
    "Explanation",
    "Follower",
    "LateNames",
    "Naming",
    "Reasons",
    "reasons_of",
]
