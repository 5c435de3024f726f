"""The loss of SimCC networks: discretised Kullback-Leibler divergence of columns and rows.

Jiang et al., RTMPose, 2023, section 3.3 (mmpose's ``KLDiscretLoss``).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def simcc_loss(
    outputs: tuple[Tensor, Tensor],
    targets: tuple[Tensor, Tensor],
    weights: Tensor | None = None,
    *,
    beta: float = 10.0,
    target_beta: float | None = 10.0,
) -> Tensor:
    """Return the loss of columns and rows: a sum over people, joints and axes, divided by K.

    A term is the mean over bins of KL(softmax(β_t target) ‖ softmax(β logits)).

    Args:
        outputs: logits of columns (N, K, Lx) and rows (N, K, Ly).
        targets: of the same shapes, as ``SimccCodec.encode_rows`` gives them.
        weights: of each joint, (N, K); all 1 when None.
        beta: inverse temperature β of the logits; RTMPose's recipes have 10.
        target_beta: that of the targets' softmax, β_t; None takes the targets as they are.
    """
    total = outputs[0].new_zeros(())
    for logits, target in zip(outputs, targets, strict=True):
        log_found = functional.log_softmax(logits * beta, dim=-1)
        wanted = target if target_beta is None else functional.softmax(target * target_beta, -1)
        # (N, K, L) -> (N, K)
        terms = functional.kl_div(log_found, wanted, reduction="none").mean(-1)
        total = total + (terms if weights is None else terms * weights).sum()
    return total / outputs[0].shape[1]
