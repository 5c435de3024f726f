"""Pose-guided proposals generator (RMPE, section 3.3): more training boxes, as a detector errs."""

from rmpe.proposals.atomic import AtomicPoses
from rmpe.proposals.generator import ProposalGenerator, match_boxes

__all__ = ["AtomicPoses", "ProposalGenerator", "match_boxes"]
