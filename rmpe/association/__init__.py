"""Joint candidates and their global association to people (CrowdPose, arXiv 1812.00324)."""

from rmpe.association._candidates import JointCandidates, find_candidates
from rmpe.association._graph import JointNodes, assign_nodes, merge_candidates
from rmpe.association.associate import AssociationParameters, associate, associate_people

__all__ = [
    "AssociationParameters",
    "JointCandidates",
    "JointNodes",
    "assign_nodes",
    "associate",
    "associate_people",
    "find_candidates",
    "merge_candidates",
]
