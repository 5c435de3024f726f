"""Shares of right joints (PCK): MPII's PCKh by head size, LSP's PCK@0.2 by torso length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.evaluation.pck.lsp import evaluate_lsp, read_lsp_truth
    from rmpe.evaluation.pck.mpii import evaluate_mpii, read_mpii_truth
    from rmpe.evaluation.pck.scores import JointErrors, PckScores, pck_scores, torso_lengths

__all__ = [
    "JointErrors",
    "PckScores",
    "evaluate_lsp",
    "evaluate_mpii",
    "pck_scores",
    "read_lsp_truth",
    "read_mpii_truth",
    "torso_lengths",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "JointErrors": "rmpe.evaluation.pck.scores",
        "PckScores": "rmpe.evaluation.pck.scores",
        "evaluate_lsp": "rmpe.evaluation.pck.lsp",
        "evaluate_mpii": "rmpe.evaluation.pck.mpii",
        "pck_scores": "rmpe.evaluation.pck.scores",
        "read_lsp_truth": "rmpe.evaluation.pck.lsp",
        "read_mpii_truth": "rmpe.evaluation.pck.mpii",
        "torso_lengths": "rmpe.evaluation.pck.scores",
    },
)
