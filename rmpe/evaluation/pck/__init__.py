"""Shares of right joints (PCK): MPII's PCKh by head size, LSP's PCK@0.2 by torso length."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmpe.evaluation.pck.lsp import evaluate_lsp, read_lsp_truth
    from rmpe.evaluation.pck.mpii import evaluate_mpii, read_mpii_truth
    from rmpe.evaluation.pck.scores import JointErrors, PckScores, pck_scores, torso_lengths

_HOMES = {
    "evaluate_lsp": "rmpe.evaluation.pck.lsp",
    "evaluate_mpii": "rmpe.evaluation.pck.mpii",
    "read_lsp_truth": "rmpe.evaluation.pck.lsp",
    "read_mpii_truth": "rmpe.evaluation.pck.mpii",
    "PckScores": "rmpe.evaluation.pck.scores",
    "JointErrors": "rmpe.evaluation.pck.scores",
    "pck_scores": "rmpe.evaluation.pck.scores",
    "torso_lengths": "rmpe.evaluation.pck.scores",
}

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


def __getattr__(name: str) -> Any:
    """Load a name the first time it is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'rmpe.evaluation.pck' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
