"""The constants of parametric pose-NMS, as named sets and as a file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

FILE_SCHEMA = "rmpe-pose-nms/1"


@dataclass(frozen=True)
class PoseNmsParameters:
    """Which rule suppresses, and its constants.

    The names of the constants are those of the public AlphaPose code.

    Raises:
        ValueError: a constant lies outside what its rule allows.
    """

    rule: Literal["alphapose", "rmpe", "paper"] = "alphapose"
    """``alphapose``: plain pixels, joint count, weighted merging; ``rmpe``: distances over the
    reference length, merging to the best score; ``paper``: box-gated and squared, no merging."""
    delta1: float = 1.0
    """Scale of the joint scores inside tanh (sigma 1 of the paper)."""
    mu: float = 1.7
    """Weight of the spatial similarity (lambda of the paper)."""
    delta2: float = 2.65
    """Scale of the distances inside exp: pixels, reference lengths, or squared pixels, by rule."""
    gamma: float = 22.48
    """A pose more similar than this to the reference pose is suppressed (eta of the paper)."""
    score_threshold: float = 0.3
    """Lowest best joint score of a person kept (``rmpe``: lowest mean joint score)."""
    match_threshold: float = 5.0
    """Joints that must coincide for the count rule; only ``alphapose`` has it."""
    alpha: float = 0.1
    """Reference length over the longer side of the box; in ``paper`` the joint box over it."""
    area_threshold: float = 0.0
    """Lowest 2.25 * extent of the joints kept, in square pixels."""
    match_radius_px: float = 7.0
    """Upper limit of the count rule's radius."""
    merge_radius_px: float = 15.0
    """Upper limit of the merging radius; ``rmpe`` has none."""
    whole_body_joint_counts: tuple[int, ...] = (133, 136)
    """Skeleton sizes that take the whole-body form of ``alphapose``: body, face and hands apart."""

    def __post_init__(self) -> None:
        if self.rule not in ("alphapose", "rmpe", "paper"):
            raise ValueError(f"got rule {self.rule!r}, supported are alphapose, rmpe, paper")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and not math.isfinite(value):
                raise ValueError(f"{field.name} is {value}, needed is a finite number")
        for name in ("delta1", "delta2", "alpha"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, needed is a number above 0")
        for name in ("mu", "gamma", "match_radius_px", "merge_radius_px"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, needed is at least 0")
        object.__setattr__(self, "whole_body_joint_counts", tuple(self.whole_body_joint_counts))


ALPHAPOSE = PoseNmsParameters()
"""AlphaPose's constants for bodies, and for whole bodies trained with heatmaps."""

WHOLE_BODY_HEATMAP = ALPHAPOSE
"""The same set under the name of its second use: 133 and 136 joints, trained with heatmaps."""

WHOLE_BODY_REGRESSION = PoseNmsParameters(
    mu=1.65, delta2=8.0, gamma=3.6, score_threshold=0.01, match_threshold=3.0, alpha=0.15
)
"""AlphaPose's constants for 133 and 136 joints trained by regression."""

RMPE = PoseNmsParameters(
    rule="rmpe", delta1=0.01, mu=2.08, delta2=2.08, gamma=22.48, score_threshold=0.2, alpha=0.1
)
"""The constants of the original RMPE code for 16 MPII joints."""

PAPER = PoseNmsParameters(
    rule="paper", delta1=0.3, mu=1.7, delta2=49.0, gamma=8.0, score_threshold=0.0, alpha=0.1
)
"""The formula of the paper, which prints no constants: a start for ``learn-nms``."""

PARAMETER_SETS: dict[str, PoseNmsParameters] = {
    "alphapose": ALPHAPOSE,
    "whole-body-heatmap": WHOLE_BODY_HEATMAP,
    "whole-body-regression": WHOLE_BODY_REGRESSION,
    "rmpe": RMPE,
    "paper": PAPER,
}


def get_parameters(name: str) -> PoseNmsParameters:
    """Return the parameter set of that name, or read it if ``name`` is a ``.json`` file.

    Raises:
        ValueError: there is no such set; the message lists the names.
    """
    if name in PARAMETER_SETS:
        return PARAMETER_SETS[name]
    if name.endswith(".json"):
        return load_parameters(Path(name))
    raise ValueError(
        f"got pose-NMS parameters {name!r}, supported are {', '.join(PARAMETER_SETS)} "
        "or a .json file written by learn-nms"
    )


def save_parameters(
    path: Path, parameters: PoseNmsParameters, notes: dict[str, Any] | None = None
) -> None:
    """Write parameters as JSON; ``notes`` (how they were found) are kept beside them."""
    content = {"schema": FILE_SCHEMA, "parameters": asdict(parameters), "notes": notes or {}}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_parameters(path: Path) -> PoseNmsParameters:
    """Read parameters that :func:`save_parameters` wrote.

    Raises:
        ValueError: the file is not of that kind, or names an unknown parameter.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict) or content.get("schema") != FILE_SCHEMA:
        raise ValueError(f"{path} is not a pose-NMS parameters file ({FILE_SCHEMA})")
    values = content.get("parameters")
    known = {field.name for field in fields(PoseNmsParameters)}
    if not isinstance(values, dict) or not set(values) <= known:
        raise ValueError(f"{path}: parameters are {values}, supported are {sorted(known)}")
    return replace(ALPHAPOSE, **values)
