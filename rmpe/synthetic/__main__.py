"""Write a synthetic clip: ``python -m rmpe.synthetic crossing examples/crossing.mp4``."""

from __future__ import annotations

import argparse

from rmpe.synthetic.world.clips import crossing_scene, crowd_scene, walkers_scene, write_clip
from rmpe.synthetic.world.scenes import Scene

SCENES = ("crossing", "walkers", "crowd")


def main() -> None:
    """Parse the command line, render the clip and write it."""
    parser = argparse.ArgumentParser(prog="python -m rmpe.synthetic", description=__doc__)
    parser.add_argument("scene", choices=SCENES, help="kind of scene")
    parser.add_argument("output", help="video file to write, H.264 in MP4")
    parser.add_argument("--people", type=int, default=6, help="people in walkers and crowd")
    parser.add_argument("--width", type=int, default=960, help="pixels, even")
    parser.add_argument("--height", type=int, default=540, help="pixels, even")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of the clip")
    parser.add_argument("--fps", type=float, default=25.0, help="frames a second")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same clip")
    parser.add_argument("--pan", type=float, default=0.0, help="turn of the camera, radians")
    given = parser.parse_args()
    write_clip(given.output, _scene(given), round(given.seconds * given.fps))


def _scene(given: argparse.Namespace) -> Scene:
    size = (given.width, given.height)
    if given.scene == "crossing":
        return crossing_scene(*size, given.seed, given.fps)
    if given.scene == "crowd":
        return crowd_scene(given.people, *size, given.seed, fps=given.fps)
    return walkers_scene(
        given.people,
        *size,
        given.seed,
        pan=given.pan,
        duration_s=max(given.seconds, 1.0),
        fps=given.fps,
    )


if __name__ == "__main__":
    main()
