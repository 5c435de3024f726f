"""Ready-made scenes with known truth, and the file that a scene is written to."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rmpe.synthetic.person.motion import Gait, StayPut, WalkAlong
from rmpe.synthetic.person.people import PersonModel
from rmpe.synthetic.person.poses import random_placement
from rmpe.synthetic.world.backdrop import Backdrop
from rmpe.synthetic.world.camera import Camera
from rmpe.synthetic.world.rendering import Light
from rmpe.synthetic.world.scenes import Actor, Pan, Scene


def random_light(rng: np.random.Generator) -> Light:
    """Sun from any side in front of the people, or a cloudy day."""
    side = float(rng.uniform(-1.0, 1.0))
    sun = float(rng.choice([0.62, 0.5, 0.2]))
    return Light(
        direction=(side, float(rng.uniform(0.6, 1.2)), float(rng.uniform(0.2, 0.9))),
        sun=sun,
        sky=1.1 - sun + float(rng.uniform(-0.08, 0.05)),
        tint=(float(rng.uniform(0.88, 1.02)), 1.0, float(rng.uniform(0.98, 1.08))),
    )


def street_camera(width: int, height: int, rng: np.random.Generator) -> Camera:
    """Camera of a passer-by or on a pole, in which people at 6 m are about half a picture tall."""
    high = float(rng.uniform(1.5, 2.8))
    focal = 1.75 * height
    return Camera(width, height, focal, (0.0, high, 0.0), pitch=float(np.arctan2(high - 0.95, 7.0)))


def walkers_scene(
    count: int,
    width: int,
    height: int,
    seed: int,
    *,
    pan: float = 0.0,
    leaving_and_returning: bool = False,
    duration_s: float = 8.0,
    nearest: float = 4.5,
    farthest: float = 10.0,
    fps: float = 25.0,
) -> Scene:
    """`count` people who walk across the picture, on lanes of different depth, both ways.

    Args:
        count: number of people; ids are 1 to `count`.
        width: picture width, pixels.
        height: picture height, pixels.
        seed: the same arguments give the same scene.
        pan: greatest turn of the camera to either side, radians (0 to 1).
        leaving_and_returning: everybody walks out of the picture, turns round and comes back.
        duration_s: time in which everybody has passed, seconds.
        nearest: distance of the nearest lane from the camera, metres.
        farthest: distance of the farthest lane, metres.
        fps: frames per second.

    Raises:
        ValueError: `count` is negative or the lanes are not in order.
    """
    if count < 0 or not 0.0 < nearest <= farthest:
        raise ValueError(
            f"got {count} walkers from {nearest} to {farthest} m, "
            "needed are a count of 0 or more and 0 < nearest <= farthest"
        )
    rng = np.random.default_rng(seed)
    camera = street_camera(width, height, rng)
    lanes = np.linspace(nearest, farthest, max(count, 1))
    rng.shuffle(lanes)
    actors = []
    for number in range(count):
        actors.append(
            Actor(
                number + 1,
                PersonModel.random(rng),
                _crossing(
                    rng, camera, float(lanes[number]), number, duration_s, leaving_and_returning
                ),
            )
        )
    return Scene(
        camera,
        tuple(actors),
        Backdrop(camera, seed, pan, clear=farthest + 0.5),
        random_light(rng),
        Pan(pan),
        fps,
        seed=seed,
    )


def _crossing(
    rng: np.random.Generator,
    camera: Camera,
    distance: float,
    number: int,
    duration_s: float,
    returning: bool,
) -> WalkAlong:
    reach = camera.width / 2.0 / camera.focal * distance
    side = 1.0 if number % 2 == 0 else -1.0
    end = reach + 0.6
    begin = float(rng.uniform(-0.75, 0.0)) * reach
    drift = float(rng.uniform(-0.4, 0.4))
    points = [(side * begin, -distance), (side * end, -distance + drift)]
    if returning:
        points += [(side * (end + 0.5), -distance + drift), (-side * end, -distance)]
    length = float(np.linalg.norm(np.diff(np.array(points), axis=0), axis=1).sum())
    speed = float(np.clip(length / duration_s, 0.6, 2.2))
    return WalkAlong(tuple(points), speed, 0.0, Gait.random(rng), float(rng.random()))


def crossing_scene(width: int, height: int, seed: int = 0, fps: float = 25.0) -> Scene:
    """Six people on a street who cross each other's way within six seconds: the scene of the
    example clip."""
    rng = np.random.default_rng(seed)
    camera = Camera(width, height, 1.75 * height, (0.0, 1.75, 0.0), pitch=0.11)
    ways: list[tuple[tuple[tuple[float, float], ...], float]] = [
        (((-3.0, -5.2), (3.6, -5.0)), 1.05),
        (((3.1, -6.4), (-4.2, -6.2)), 1.20),
        (((-1.0, -9.5), (0.7, -4.3)), 0.80),
        (((4.6, -8.3), (-5.4, -8.6)), 1.45),
        (((1.1, -5.6), (2.4, -13.5)), 1.10),
        (((-5.2, -10.0), (6.0, -9.6)), 1.30),
    ]
    actors = [
        Actor(
            number + 1,
            PersonModel.random(rng),
            WalkAlong(points, speed, 0.0, Gait.random(rng), float(rng.random())),
        )
        for number, (points, speed) in enumerate(ways)
    ]
    return Scene(
        camera,
        tuple(actors),
        Backdrop(camera, seed, clear=13.5),
        random_light(rng),
        Pan(),
        fps,
        seed=seed,
    )


def crowd_scene(
    count: int,
    width: int,
    height: int,
    seed: int,
    *,
    spread: float = 0.38,
    rare: bool = False,
    fps: float = 25.0,
) -> Scene:
    """`count` people who stand so close together that they overlap in the picture.

    Args:
        count: number of people; ids are 1 to `count`.
        width: picture width, pixels.
        height: picture height, pixels.
        seed: the same arguments give the same scene.
        spread: metres of picture width for each person: smaller is denser.
        rare: sporting poses in place of everyday ones.
        fps: frames per second.

    Raises:
        ValueError: `count` is negative.
    """
    if count < 0:
        raise ValueError(f"got a crowd of {count}, needed is 0 or more")
    rng = np.random.default_rng(seed)
    distance = float(rng.uniform(5.5, 7.5)) + 0.12 * count
    camera = street_camera(width, height, rng)
    actors = []
    for number in range(count):
        place = (number - (count - 1) / 2.0) * spread + float(rng.normal(0.0, 0.12))
        depth = distance + float(rng.uniform(-1.2, 1.2))
        placement = random_placement(rng, rare, place, -depth)
        motion = StayPut(placement, float(rng.uniform(0.01, 0.08)), float(rng.uniform(2.0, 5.0)))
        actors.append(Actor(number + 1, PersonModel.random(rng), motion))
    return Scene(
        camera,
        tuple(actors),
        Backdrop(camera, seed, clear=distance + 1.5),
        random_light(rng),
        Pan(),
        fps,
        seed=seed,
    )


def write_clip(path: Path | str, scene: Scene, frames: int, fps: float | None = None) -> None:
    """Write the first `frames` frames as H.264 video, `fps` frames per second (the scene's own by
    default).

    Raises:
        ValueError: the picture's width or height is odd, which H.264's usual pixel format cannot
        hold.
        OSError: the file cannot be written.
    """
    camera = scene.camera
    if camera.width % 2 or camera.height % 2:
        raise ValueError(
            f"got a picture of {camera.width}x{camera.height} pixels, H.264 needs even sizes"
        )
    rate = Fraction(fps if fps is not None else scene.fps).limit_denominator(1001)
    try:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(
                "libx264", rate=rate, options={"crf": "24", "preset": "slow"}
            )
            stream.width, stream.height, stream.pix_fmt = camera.width, camera.height, "yuv420p"
            for frame in scene.frames(frames):
                picture = av.VideoFrame.from_ndarray(frame.image_bgr, format="bgr24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
    except av.FFmpegError as error:
        raise OSError(f"cannot write the clip {path}: {error}") from error
