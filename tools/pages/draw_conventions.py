"""Draw what the angles of `measure` mean: docs/images/angles.svg.

python tools/pages/draw_conventions.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "angles.svg"
INK, LIGHT, BEND, HORIZON = "#1c2733", "#9aa8b6", "#c9430f", "#1f6fb5"


def _pose(
    hip: float, knee: float, ankle: float, shoulder: float, elbow: float, neck: float
) -> dict[str, np.ndarray]:
    """Return joints of a figure that faces right, by the angles it has; metres, y upwards."""

    def ray(degrees: float, length: float) -> np.ndarray:
        turn = np.radians(degrees)
        return length * np.array([np.cos(turn), np.sin(turn)])

    trunk = 86.0
    joints = {"pelvis": np.array([0.0, 0.95])}
    joints["neck"] = joints["pelvis"] + ray(trunk, 0.52)
    joints["head top"] = joints["neck"] + ray(trunk - neck, 0.27)
    thigh = trunk - 180 + hip
    joints["knee"] = joints["pelvis"] + ray(thigh, 0.44)
    joints["ankle"] = joints["knee"] + ray(thigh - knee, 0.43)
    joints["heel"] = joints["ankle"] + ray(thigh - knee, 0.07)
    joints["toes"] = joints["heel"] + ray(thigh - knee + 90 + ankle, 0.22)
    arm = trunk - 180 + shoulder
    joints["elbow"] = joints["neck"] + ray(arm, 0.3)
    joints["wrist"] = joints["elbow"] + ray(arm + elbow, 0.26)
    joints["hand"] = joints["wrist"] + ray(arm + elbow + 18, 0.1)
    return joints


LIMBS = (
    *(("pelvis", "neck"), ("neck", "head top"), ("pelvis", "knee"), ("knee", "ankle")),
    *(
        ("ankle", "heel"),
        ("heel", "toes"),
        ("neck", "elbow"),
        ("elbow", "wrist"),
        ("wrist", "hand"),
    ),
)


def _direction(first: np.ndarray, second: np.ndarray) -> float:
    step = second - first
    return float(np.degrees(np.arctan2(step[1], step[0])))


def _arc(
    axes: Axes,
    centre: np.ndarray,
    start: float,
    turn: float,
    radius: float,
    text: str,
    colour: str,
    at: tuple[float, float],
) -> None:
    """Draw an angle from a direction by a turn, an arrow at its end, and its name at an offset."""
    low, high = (start, start + turn) if turn > 0 else (start + turn, start)
    axes.add_patch(Arc(centre, 2 * radius, 2 * radius, theta1=low, theta2=high, color=colour, lw=2))
    end = np.radians(start + turn)
    tip = centre + radius * np.array([np.cos(end), np.sin(end)])
    along = np.sign(turn) * np.array([-np.sin(end), np.cos(end)])
    arrow = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", tip, tip - 0.03 * along, arrowprops=arrow)
    x, y = centre + np.array(at)
    axes.text(x, y, text, color=colour, ha="left", va="center", fontsize=10)


def _body(axes: Axes, joints: dict[str, np.ndarray]) -> None:
    for first, second in LIMBS:
        ends = np.array([joints[first], joints[second]])
        axes.plot(ends[:, 0], ends[:, 1], color=INK, lw=4, solid_capstyle="round")
    axes.plot(*joints["head top"], "o", color=INK, ms=16)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_xlim(-0.85, 0.95)
    axes.set_ylim(-0.1, 1.95)


def _extension(axes: Axes, first: np.ndarray, second: np.ndarray, length: float = 0.24) -> None:
    """Draw a segment's continuation, from which a joint's bend is counted."""
    step = (second - first) / np.linalg.norm(second - first)
    ends = np.array([second, second + length * step])
    axes.plot(ends[:, 0], ends[:, 1], color=LIGHT, lw=1.5, ls="--")


def _joint_angles(axes: Axes) -> None:
    hip, knee, ankle, shoulder, elbow, neck = 48.0, 62.0, 14.0, 52.0, 58.0, 22.0
    j = _pose(hip, knee, ankle, shoulder, elbow, neck)
    _body(axes, j)

    def along(first: str, second: str) -> float:
        return _direction(j[first], j[second])

    for first, second in (("neck", "pelvis"), ("pelvis", "knee"), ("neck", "elbow")):
        _extension(axes, j[first], j[second])
    _extension(axes, j["pelvis"], j["neck"], 0.34)
    _extension(axes, j["elbow"], j["wrist"], 0.2)
    foot = along("heel", "toes")
    square = np.radians(foot - ankle)
    ends = np.array([j["heel"], j["heel"] + 0.26 * np.array([np.cos(square), np.sin(square)])])
    axes.plot(ends[:, 0], ends[:, 1], color=LIGHT, lw=1.5, ls="--")
    down = along("neck", "pelvis")
    arcs = (
        ("pelvis", down, hip, 0.2, "hip flexion +", (-0.5, -0.16)),
        ("knee", along("pelvis", "knee"), -knee, 0.17, "knee flexion +", (0.06, -0.22)),
        ("neck", down, shoulder, 0.17, "shoulder flexion +", (-0.68, -0.12)),
        ("elbow", along("neck", "elbow"), elbow, 0.13, "elbow flexion +", (0.17, -0.05)),
        ("wrist", along("elbow", "wrist"), 18.0, 0.16, "wrist flexion +", (0.1, 0.13)),
        ("neck", along("pelvis", "neck"), -neck, 0.34, "neck flexion +", (0.18, 0.36)),
        ("heel", foot - ankle, ankle, 0.24, "ankle dorsiflexion +", (0.27, 0.0)),
    )
    for joint, start, turn, radius, text, at in arcs:
        _arc(axes, j[joint], start, turn, radius, text, BEND, at)
    x, y = j["heel"] + (0.27, -0.07)
    axes.text(x, y, "0: square to the shank", color=LIGHT, fontsize=9)
    axes.set_title("Joint angles: 0 when standing straight", fontsize=12, color=INK)


def _segment_angles(axes: Axes) -> None:
    j = _pose(30.0, 40.0, 0.0, 30.0, 40.0, 12.0)
    _body(axes, j)
    segments = (
        ("trunk", "pelvis", "neck", 0.22, (0.22, 0.1)),
        ("head", "neck", "head top", 0.16, (0.18, 0.1)),
        ("thigh", "pelvis", "knee", 0.16, (0.17, -0.11)),
        ("shank", "knee", "ankle", 0.16, (0.14, -0.16)),
        ("arm", "neck", "elbow", 0.13, (0.14, -0.1)),
        ("forearm", "elbow", "wrist", 0.11, (0.22, 0.02)),
        ("foot", "heel", "toes", 0.2, (0.25, -0.03)),
    )
    for name, first, second, radius, at in segments:
        start = j[first]
        axes.plot([start[0], start[0] + radius + 0.1], [start[1]] * 2, color=LIGHT, lw=1.5, ls="--")
        degrees = _direction(start, j[second])
        _arc(axes, start, 0.0, degrees, radius, f"{name} {degrees:+.0f}°", HORIZON, at)
    title = "Segment angles: from the horizontal, counterclockwise +"
    axes.set_title(title, fontsize=12, color=INK)


def main() -> None:
    """Write the drawing."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    figure = Figure(figsize=(11, 6), layout="tight")
    _joint_angles(figure.add_subplot(1, 2, 1))
    _segment_angles(figure.add_subplot(1, 2, 2))
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main()
