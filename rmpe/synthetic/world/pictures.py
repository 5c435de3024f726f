"""Single pictures with known truth, for training detectors and pose networks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person.motion import StayPut
from rmpe.synthetic.person.people import PersonModel
from rmpe.synthetic.person.poses import random_placement
from rmpe.synthetic.world.backdrop import Backdrop, Place
from rmpe.synthetic.world.camera import Camera
from rmpe.synthetic.world.clips import random_light
from rmpe.synthetic.world.scenes import Actor, Scene, SyntheticFrame

UintArray = npt.NDArray[np.uint8]


def random_pose_picture(
    rng: np.random.Generator,
    width: int = 320,
    height: int = 320,
    *,
    rare: bool = True,
    background_bgr: UintArray | None = None,
) -> SyntheticFrame:
    """Picture of one person in a pose drawn at random (with `rare`: sports, jumps, upside down),
    for training.

    `background_bgr` (height, width, 3) stands in for the street.
    """
    return random_people_picture(
        rng, 1, width, height, rare=rare, background_bgr=background_bgr, tallest=0.85
    )


def random_people_picture(
    rng: np.random.Generator,
    count: int,
    width: int,
    height: int,
    *,
    rare: bool = False,
    background_bgr: UintArray | None = None,
    tallest: float = 0.9,
    smallest: float = 0.25,
) -> SyntheticFrame:
    """Picture of `count` people spread over it, for training.

    Args:
        rng: source of everything random.
        count: number of people, 0 or more; some may be cut off by the edge or hide others.
        width: picture width, pixels.
        height: picture height, pixels.
        rare: sporting poses in place of everyday ones.
        background_bgr: picture (height, width, 3) that stands in for the street.
        tallest: height of a standing adult in the foreground, as a share of the picture's height.
        smallest: the same for one in the background.
    """
    focal = float(rng.uniform(1.1, 2.4)) * height
    high = float(rng.uniform(0.7, 2.6))
    near, far = 1.75 * focal / (tallest * height), 1.75 * focal / (smallest * height)
    aim = near * float(rng.uniform(1.0, 1.2))
    camera = Camera(
        width, height, focal, (0.0, high, 0.0), pitch=float(np.arctan2(high - 0.9, aim))
    )
    actors = []
    for number in range(count):
        depth = near if count == 1 else float(near + (far - near) * rng.random() ** 1.5)
        depth *= float(rng.uniform(1.0, 1.25))
        reach = width / 2.0 / focal * depth
        x = float(rng.uniform(-0.3, 0.3) if count == 1 else rng.uniform(-1.0, 1.0)) * reach
        placement = random_placement(rng, rare, x, -depth)
        actors.append(Actor(number + 1, PersonModel.random(rng), StayPut(placement)))
    seed = int(rng.integers(1 << 30))
    backdrop: Backdrop | UintArray
    if background_bgr is None:
        places: tuple[Place, ...] = ("street", "park", "hall")
        place = places[int(rng.choice(3, p=(0.6, 0.25, 0.15)))]
        backdrop = Backdrop(camera, seed, place=place, clear=min(1.25 * far, 40.0))
    else:
        backdrop = background_bgr
    scene = Scene(
        camera,
        tuple(actors),
        backdrop,
        random_light(rng),
        noise=float(rng.uniform(0.0, 5.0)),
        blur=float(rng.uniform(0.3, 1.0)),
        seed=seed,
    )
    return scene.frame_at(0)
