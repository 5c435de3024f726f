"""Where a body is and how fast, with what is not known of both: a Kalman filter, in body heights.

A person walks on with a speed that is forgotten over some seconds (Ornstein-Uhlenbeck), so that
the doubt after a gap follows from its length and a speed from before it is not believed for ever.
The two axes are filtered apart; all spreads are shares of the person's height, all times seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from tracking.parameters import FloatArray, MotionParameters


@dataclass(frozen=True, eq=False)
class Bodies:
    """Middles and velocities of N people when they were last seen."""

    places_xy: FloatArray
    """Middles in pixels, (N, 2)."""
    velocities_xy: FloatArray
    """Pixels per second, (N, 2)."""
    covariances: FloatArray
    """Of place and velocity, axis by axis: variance of the place, covariance, variance of the
    velocity, in square heights (and per second), (N, 2, 3)."""

    def __len__(self) -> int:
        return len(self.places_xy)

    def select(self, index: NDArray) -> Bodies:
        """Return the people at ``index``."""
        return Bodies(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def replaced(self, index: NDArray, others: Bodies) -> Bodies:
        """Return the people with those at ``index`` (integers) replaced by others."""
        arrays = {f.name: getattr(self, f.name).copy() for f in fields(self)}
        for name, array in arrays.items():
            array[index] = getattr(others, name)
        return Bodies(**arrays)

    def moved(self, matrix: FloatArray) -> Bodies:
        """Return the people as a camera's motion (2, 3) moves them."""
        turn = matrix[:, :2].T
        return replace(
            self,
            places_xy=self.places_xy @ turn + matrix[:, 2],
            velocities_xy=self.velocities_xy @ turn,
        )


def start_bodies(middles_xy: FloatArray, parameters: MotionParameters) -> Bodies:
    """Return people of unknown speed, seen once."""
    count = len(middles_xy)
    covariances = np.zeros((count, 2, 3))
    covariances[..., 0] = parameters.box_noise**2
    covariances[..., 2] = np.square(parameters.first_speed)
    return Bodies(np.asarray(middles_xy, np.float64), np.zeros((count, 2)), covariances)


def predict_bodies(bodies: Bodies, gaps_s: FloatArray, parameters: MotionParameters) -> Bodies:
    """Return the people as they are expected ``gaps_s`` (N,) later."""
    memory = parameters.speed_memory_s
    gaps = np.asarray(gaps_s, np.float64)[:, None]
    kept = np.exp(-gaps / memory)  # (N, 1): share of a velocity that is left
    reach = memory * (1 - kept)  # (N, 1): seconds that a velocity carries
    place, both, speed = np.moveaxis(bodies.covariances, -1, 0)  # (N, 2) each
    usual = np.square(parameters.usual_speed)
    # the noise of an Ornstein-Uhlenbeck process and of its integral
    gone = 1 - kept
    added_speed = usual * (1 - kept**2)
    added_both = usual * memory * gone**2
    added_place = usual * memory**2 * (2 * gaps / memory - 3 + 4 * kept - kept**2)
    covariances = np.stack(
        [
            place + 2 * reach * both + reach**2 * speed + np.maximum(added_place, 0.0),
            kept * (both + reach * speed) + added_both,
            kept**2 * speed + added_speed,
        ],
        -1,
    )
    return Bodies(
        bodies.places_xy + reach * bodies.velocities_xy, kept * bodies.velocities_xy, covariances
    )


def observe_places(
    expected: Bodies,
    middles_xy: FloatArray,
    noise: FloatArray,
    heights_px: FloatArray,
    shares: FloatArray,
) -> Bodies:
    """Return the people after middles were seen that are likely theirs.

    Args:
        expected: where they should be, N.
        middles_xy: what was seen, (N, 2).
        noise: spread of a middle about the body's, in heights, (N,).
        heights_px: their heights, (N,).
        shares: probability that it was they who were seen, (N,).
    """
    place, both, speed = np.moveaxis(expected.covariances, -1, 0)
    total = place + np.square(noise)[:, None]
    gain_place, gain_speed = place / total, both / total
    off = middles_xy - expected.places_xy
    share = np.asarray(shares)[:, None]
    # in doubt whether it was they, both cases are kept as one spread
    apart = share * (1 - share) * (off / heights_px[:, None]) ** 2
    covariances = np.stack(
        [
            place - share * gain_place * place + gain_place**2 * apart,
            both - share * gain_place * both + gain_place * gain_speed * apart,
            speed - share * gain_speed * both + gain_speed**2 * apart,
        ],
        -1,
    )
    return Bodies(
        expected.places_xy + share * gain_place * off,
        expected.velocities_xy + share * gain_speed * off,
        covariances,
    )


def observe_speeds(bodies: Bodies, velocities_xy: FloatArray, noise: FloatArray) -> Bodies:
    """Return the people after their speeds were seen, with a spread ``noise`` (N,), heights/s."""
    place, both, speed = np.moveaxis(bodies.covariances, -1, 0)
    total = speed + np.square(noise)[:, None]
    gain_place, gain_speed = both / total, speed / total
    off = velocities_xy - bodies.velocities_xy
    covariances = np.stack(
        [place - gain_place * both, (1 - gain_speed) * both, (1 - gain_speed) * speed], -1
    )
    return Bodies(
        bodies.places_xy + gain_place * off,
        bodies.velocities_xy + gain_speed * off,
        covariances,
    )
