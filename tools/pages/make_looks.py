"""Make the pictures of docs/showing.md: the example clip, drawn people, in every look of `render`.

python tools/pages/make_looks.py
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
CLIP = REPOSITORY / "examples" / "crossing.mp4"
FOLDER = REPOSITORY / "docs" / "images" / "looks"
FRAME, END_S = 70, 3.0
WIDTH = 480
LOOKS = {
    "default": [],
    "black": ["--background", "black", "--no-boxes"],
    "white": ["--background", "white", "--no-boxes"],
    "blur": ["--background", "blur"],
    "transparent": ["--background", "transparent", "--no-boxes"],
    "ids": ["--palette", "ids", "--no-boxes"],
    "openpose": ["--palette", "openpose", "--no-boxes"],
    "flat": ["--style", "flat", "--no-boxes"],
    "ellipses": ["--style", "ellipses", "--no-boxes"],
    "controlnet": [
        *("--background", "black", "--palette", "openpose", "--style", "ellipses"),
        *("--line-width", "4", "--joint-size", "8", "--no-boxes", "--no-ids"),
    ],
    "wide": ["--line-width", "8", "--joint-size", "14", "--no-boxes"],
    "no_joints": ["--joint-size", "0", "--no-boxes", "--no-ids"],
    "boxes": ["--no-limbs"],
    "trails": ["--trails", "40", "--palette", "ids", "--no-boxes"],
    "only": ["--only", "4", "--no-boxes"],
    "small": ["--size", "240x"],
    "min_joint_score": ["--min-joint-score", "0.6", "--no-boxes"],
}
RATES = (25, 5)
"""Frames a second of the films in the picture of ``--fps``: a row each of what one second shows."""
STRIP = 6


def main() -> None:
    """Write a picture for each look."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run("video", CLIP, "-o", folder, "--no-video", "--quiet", "--end", END_S)
        for look, options in LOOKS.items():
            run("render", folder, "-o", folder / look, "--video", CLIP, "--quiet", *options)
            picture = cv2.imread(str(folder / look / f"{FRAME:06d}.png"), cv2.IMREAD_UNCHANGED)
            if picture.shape[1] > WIDTH:
                size = (WIDTH, round(picture.shape[0] * WIDTH / picture.shape[1]))
                picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            clear = picture.shape[2] == 4
            how = [] if clear else [cv2.IMWRITE_JPEG_QUALITY, 85]
            cv2.imwrite(str(FOLDER / f"{look}{'.png' if clear else '.jpg'}"), picture, how)
        rows = [strip(folder, rate) for rate in RATES]
        cv2.imwrite(str(FOLDER / "fps.jpg"), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])


def strip(folder: Path, rate: int) -> NDArray[np.uint8]:
    """Return the first pictures of the clip at a rate, side by side with their times."""
    target = folder / f"rate{rate}"
    run("render", folder, "-o", target, "--video", CLIP, "--quiet", "--fps", rate, "--no-boxes")
    pictures = []
    for number in range(STRIP):
        picture = cv2.imread(str(target / f"{number:06d}.png"))
        size = (WIDTH // 3, round(picture.shape[0] * WIDTH / 3 / picture.shape[1]))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        text = f"{number / rate:.2f} s"
        cv2.putText(picture, text, (4, size[1] - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 3)
        cv2.putText(picture, text, (4, size[1] - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255,) * 3, 1)
        pictures.append(picture)
    return np.asarray(np.hstack(pictures), np.uint8)


def run(*arguments: object) -> None:
    """Run one command of the program."""
    line = [sys.executable, "cli.py", *map(str, arguments)]
    subprocess.run(line, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
