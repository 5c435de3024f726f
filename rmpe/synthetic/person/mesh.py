"""Small coloured quads in the world, and the tubes and shells that bodies are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mesh:
    """Q quads of one person. Quads that lie over others (eyes, prints) are drawn later by their
    `lift`."""

    corners: FloatArray
    """(Q, 4, 3) metres, in the world."""
    normals: FloatArray
    """(Q, 3) unit vectors pointing out of the body."""
    colours: FloatArray
    """(Q, 3) BGR 0..255 before lighting."""
    lift: FloatArray
    """(Q,) metres by which a quad counts as nearer when sorted by depth."""

    @staticmethod
    def join(parts: list[Mesh]) -> Mesh:
        """All quads of `parts` in one mesh."""
        return Mesh(
            np.concatenate([part.corners for part in parts]),
            np.concatenate([part.normals for part in parts]),
            np.concatenate([part.colours for part in parts]),
            np.concatenate([part.lift for part in parts]),
        )


@dataclass(frozen=True)
class Rings:
    """R oval cross-sections, from which a tube is lofted."""

    centres: FloatArray
    """(R, 3) metres."""
    sides: FloatArray
    """(R, 3) unit vectors, the direction of an oval's half-width."""
    fronts: FloatArray
    """(R, 3) unit vectors, the direction of an oval's half-depth."""
    half_widths: FloatArray
    """(R,) metres."""
    half_depths: FloatArray
    """(R,) metres."""

    def surface(self, angles: FloatArray, squareness: float = 2.0) -> FloatArray:
        """Points (R, A, 3) of the ovals at `angles` (A,): 0 is the side, pi/2 the front; 2 is an
        ellipse."""
        power = 2.0 / squareness
        cosine, sine = np.cos(angles), np.sin(angles)
        across = np.sign(cosine) * np.abs(cosine) ** power
        along = np.sign(sine) * np.abs(sine) ** power
        return (
            self.centres[:, None]
            + self.sides[:, None] * (self.half_widths[:, None] * across)[..., None]
            + self.fronts[:, None] * (self.half_depths[:, None] * along)[..., None]
        )


def ring_angles(count: int) -> FloatArray:
    """Angles (count,) of the middles of a ring's quads."""
    return (np.arange(count) + 0.5) * 2.0 * np.pi / count


def loft(rings: Rings, colours: FloatArray, squareness: float = 2.0, lift: float = 0.0) -> Mesh:
    """Tube through R rings; `colours` (R - 1, A, 3) BGR, one for each of its (R - 1) * A quads."""
    count = colours.shape[1]
    points = rings.surface(np.arange(count) * 2.0 * np.pi / count, squareness)
    return shell(points, rings.centres, colours, lift)


def shell(points: FloatArray, centres: FloatArray, colours: FloatArray, lift: float = 0.0) -> Mesh:
    """Closed bands through R rows of A points (R, A, 3) about `centres` (R, 3); `colours` (R - 1,
    A, 3)."""
    following = np.roll(points, -1, axis=1)
    corners = np.stack([points[:-1], following[:-1], following[1:], points[1:]], axis=2)
    middles = (centres[:-1] + centres[1:])[:, None] / 2.0
    corners = corners.reshape(-1, 4, 3)
    inside = np.broadcast_to(middles, points[:-1].shape).reshape(-1, 3)
    return quads(corners, colours.reshape(-1, 3), inside, lift)


def quads(corners: FloatArray, colours: FloatArray, inside: FloatArray, lift: float = 0.0) -> Mesh:
    """Mesh of (Q, 4, 3) corners whose normals point away from the points `inside` (Q, 3) or
    (3,)."""
    normals = _unit(_cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]))
    outward = np.einsum("qi,qi->q", normals, corners.mean(axis=1) - inside)
    normals = np.where(outward[:, None] < 0.0, -normals, normals)
    return Mesh(corners, normals, colours, np.full(len(corners), lift))


def bent_tube(
    points: tuple[FloatArray, FloatArray, FloatArray],
    sides: tuple[FloatArray, FloatArray],
    profile: FloatArray,
    bend_radius: float,
) -> Rings:
    """Rings along two straight bones that meet in a rounded joint.

    Args:
        points: upper end, joint and lower end of the limb, (3,) each.
        sides: side vectors (3,) of the upper and the lower bone, unit length.
        profile: (R, 3) rows of place (0 upper end, 1 joint, 2 lower end; may reach beyond),
            half-width, half-depth.
        bend_radius: share of a bone's length, next to the joint, over which the tube is bent.
    """
    upper, joint, lower = points
    place = profile[:, 0]
    first, second = joint - upper, lower - joint
    straight = np.where(
        (place < 1.0)[:, None],
        upper + first * place[:, None],
        joint + second * (place - 1.0)[:, None],
    )
    blend = np.clip((place - 1.0 + bend_radius) / (2.0 * bend_radius), 0.0, 1.0)[:, None]
    begin, end = joint - first * bend_radius, joint + second * bend_radius
    curve = begin * (1 - blend) ** 2 + 2 * joint * blend * (1 - blend) + end * blend**2
    bent = (blend > 0.0) & (blend < 1.0)
    # The full curve cuts the corner that a knee or an elbow has, so keep a good part of it.
    centres = np.where(bent, 0.5 * curve + 0.5 * straight, straight)
    tangents = _unit(_unit(first) * (1 - blend) + _unit(second) * blend)
    side = sides[0] * (1 - blend) + sides[1] * blend
    fronts = _unit(_cross(tangents, side))
    return Rings(centres, _unit(_cross(fronts, tangents)), fronts, profile[:, 1], profile[:, 2])


def straight_tube(
    begin: FloatArray, end: FloatArray, side: FloatArray, profile: FloatArray
) -> Rings:
    """Rings along one bone; rows of `profile` (R, 3) are place (0 begin, 1 end), half-width,
    half-depth."""
    axis = end - begin
    front = _unit(_cross(_unit(axis), side))
    count = len(profile)
    side = _cross(front, _unit(axis))
    return Rings(
        begin + axis * profile[:, :1],
        np.broadcast_to(side, (count, 3)),
        np.broadcast_to(front, (count, 3)),
        profile[:, 1],
        profile[:, 2],
    )


def resample(profile: list[tuple[float, ...]], count: int) -> FloatArray:
    """`count` rows that interpolate the rows of `profile`, whose first column rises, at even steps
    of the row number."""
    rows = np.array(profile, dtype=np.float64)
    steps = np.linspace(0.0, len(rows) - 1.0, count)
    numbers = np.arange(len(rows))
    return np.stack([np.interp(steps, numbers, column) for column in rows.T], axis=1)


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
    return np.asarray(vectors / np.maximum(lengths, 1e-12)[..., None])


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross products (..., 3); numpy's own takes longer for arrays as small as these."""
    return np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        axis=-1,
    )
