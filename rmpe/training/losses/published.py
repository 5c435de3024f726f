"""What the published networks are trained on: errors of maps, of coordinates, of a choice of cells.

Heatmaps are (N, K, h, w), joints (N, K, 2) in pixels of the network's input, weights (N, K) with 0
for a joint that teaches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from rmpe.heatmaps import Codec, MegviiCodec, SimccCodec
from rmpe.heatmaps.megvii import SmoothedCodec
from rmpe.training.losses.cells import cell_targets, spatial_cross_entropy
from rmpe.training.losses.simcc import simcc_loss
from rmpe.training.recipes.settings import NetworkRecipe


class JointTruth(NamedTuple):
    """Where the joints of N crops are, in pixels of the network's input."""

    keypoints_xy: Tensor
    """(N, K, 2)."""
    weights: Tensor
    """(N, K); 0 where a joint is not annotated or outside the crop."""
    others_xy: Tensor
    """Joints of the other people in the crop, (N, M, K, 2)."""
    others_weights: Tensor
    """(N, M, K)."""


def joint_errors(heatmaps: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Return half the mean squared error over the cells of each joint's map, (N, K).

    Accumulated in float32, whatever the network's format is. Source of the half: the public code of
    SimpleBaseline and HRNet.
    """
    # (N, K, h, w) -> (N, K)
    return 0.5 * weights * (heatmaps.float() - targets).square().mean((2, 3))


def heatmap_error(heatmaps: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of :func:`joint_errors` over all joints, unknown ones counting 0."""
    return joint_errors(heatmaps, targets, weights).mean()


def hard_heatmap_error(heatmaps: Tensor, targets: Tensor, weights: Tensor, count: int) -> Tensor:
    """Return the mean of the ``count`` greatest :func:`joint_errors` of every person (OHKM).

    Chen et al., CPN, CVPR 2018, section 3.3; 8 of COCO's 17 joints there. With fewer joints than
    ``count`` all are taken.
    """
    errors = joint_errors(heatmaps, targets, weights)  # (N, K)
    return errors.topk(min(count, errors.shape[1]), 1).values.mean()


def coordinate_error(
    points_xy: Tensor, truth_xy: Tensor, weights: Tensor, size_wh: tuple[int, int]
) -> Tensor:
    """Return the mean absolute error of the known joints, as a part of the crop's sides.

    Sun et al., Integral human pose regression, ECCV 2018, section 3 (L1).
    """
    size = points_xy.new_tensor(size_wh)  # (2,)
    errors = ((points_xy - truth_xy).abs() / size).sum(-1)  # (N, K)
    return (weights * errors).sum() / weights.sum().clamp(min=1.0)


def crowd_targets(
    codec: Codec, truth: JointTruth, height: int, width: int, interference: float
) -> Tensor:
    """Return the maps T + µC of the joint-candidate loss, (N, K, height, width).

    T are the person's own joints, C those of the others in the crop: where several of them overlap
    the highest counts. With µ = 0 it is the usual target. Li et al., CrowdPose, CVPR 2019, eq. 1-2.

    Args:
        codec: the network's.
        truth: joints of the person and of the others.
        height: rows of a map.
        width: columns of a map.
        interference: µ.
    """
    own = codec.encode(truth.keypoints_xy, truth.weights, height, width)  # T
    if interference == 0 or truth.others_xy.shape[1] == 0:
        return own
    people, others, joints = truth.others_weights.shape
    # The others are encoded as people of their own, (N * M, K, h, w), then joined: C.
    maps = codec.encode(
        truth.others_xy.reshape(people * others, joints, 2),
        truth.others_weights.reshape(people * others, joints),
        height,
        width,
    )
    # (N, M, K, h, w) -> (N, K, h, w)
    return own + interference * maps.view(people, others, joints, height, width).amax(1)


def output_codec(recipe: NetworkRecipe, codec: Codec, output: int) -> Codec:
    """Return the codec that encodes the target of one supervised output.

    Raises:
        ValueError: the recipe gives kernels or a sigma that the codec has no use for.
    """
    if recipe.output_kernels:
        if not isinstance(codec, SmoothedCodec | MegviiCodec):
            raise ValueError(
                f"recipe {recipe.name}: got output_kernels, but the targets of {recipe.origin} are "
                "no blurred pixels; supported are the codecs of mspn and cpn"
            )
        return replace(codec, target_kernel_size=recipe.output_kernels[output])
    if recipe.target_sigma and recipe.loss == "heatmap":
        if not hasattr(codec, "sigma"):
            raise ValueError(
                f"recipe {recipe.name}: got target_sigma {recipe.target_sigma:g}, but the targets "
                f"of {recipe.origin} have none"
            )
        return replace(codec, sigma=recipe.target_sigma)  # type: ignore[call-arg]
    return codec


def check_output_count(recipe: NetworkRecipe, count: int) -> None:
    """Raise ValueError unless the recipe speaks of ``count`` supervised outputs."""
    for field in ("output_kernels", "output_weights"):
        given = len(getattr(recipe, field))
        if given not in (0, count):
            raise ValueError(
                f"recipe {recipe.name}: got {given} {field}, the network has {count} outputs"
            )
    if any(not 0 <= output < count for output in recipe.hard_outputs):
        raise ValueError(
            f"recipe {recipe.name}: got hard_outputs {recipe.hard_outputs}, the network has "
            f"outputs 0 to {count - 1}"
        )


def output_losses(
    recipe: NetworkRecipe, codec: Codec, outputs: Sequence[Tensor], truth: JointTruth
) -> list[Tensor]:
    """Return the weighted loss of every supervised output; their sum is trained.

    Intermediate supervision (Hourglass) is several outputs with equal targets, coarse-to-fine
    supervision (MSPN, RSN, CPN) several outputs with narrower and narrower ones.

    Args:
        recipe: kind, targets and weights.
        codec: the network's.
        outputs: maps of the network, first supervised output first.
        truth: the joints.

    Raises:
        ValueError: the recipe's lists do not fit the number of outputs.
    """
    check_output_count(recipe, len(outputs))
    if isinstance(codec, SimccCodec):
        return [_simcc_loss(codec, outputs, truth)]
    losses = []
    for place, heatmaps in enumerate(outputs):
        loss = _output_loss(recipe, output_codec(recipe, codec, place), heatmaps, truth, place)
        losses.append(loss * (recipe.output_weights[place] if recipe.output_weights else 1.0))
    return losses


def _simcc_loss(codec: SimccCodec, outputs: Sequence[Tensor], truth: JointTruth) -> Tensor:
    """The loss of columns and rows, a mean over the people where the published one is a sum."""
    columns, rows = outputs  # (N, K, columns), (N, K, rows)
    width, height = (round(axis.shape[-1] / codec.bins_per_pixel) for axis in (columns, rows))
    *targets, weights = codec.encode_rows(truth.keypoints_xy, truth.weights, height, width)
    loss = simcc_loss((columns.float(), rows.float()), (targets[0], targets[1]), weights)
    return loss / max(len(columns), 1)


def _output_loss(
    recipe: NetworkRecipe, codec: Codec, heatmaps: Tensor, truth: JointTruth, place: int
) -> Tensor:
    height, width = heatmaps.shape[-2:]
    if recipe.loss == "integral":
        points, _ = codec.decode(heatmaps)  # (N, K, 2); gradients pass
        size = (width * codec.stride, height * codec.stride)
        return coordinate_error(points, truth.keypoints_xy, truth.weights, size)
    if recipe.loss == "classification":
        chances = cell_targets(truth.keypoints_xy, height, width, recipe.target_sigma or 1.0)
        return spatial_cross_entropy(heatmaps, chances, truth.weights)
    targets = crowd_targets(codec, truth, height, width, recipe.interference)
    if recipe.hard_joints and place in recipe.hard_outputs:
        return hard_heatmap_error(heatmaps, targets, truth.weights, recipe.hard_joints)
    return heatmap_error(heatmaps, targets, truth.weights)
