"""Follow people through a clip: python examples/clip.py [CLIP] [--end SECONDS]"""

from __future__ import annotations

import argparse
from pathlib import Path

import rmpe

EXAMPLE = Path(__file__).parent / "crossing.mp4"


def main() -> None:
    """Print where everybody's nose is, frame by frame."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", nargs="?", default=str(EXAMPLE))
    parser.add_argument("--end", type=float)
    asked = parser.parse_args()
    for result in rmpe.video(asked.clip, end_s=asked.end):
        nose = result.skeleton.index("nose")
        places = {
            identity: tuple(point.round().astype(int).tolist())
            for identity, point in zip(result.ids.tolist(), result.keypoints_xy[:, nose])
        }
        print(f"{result.timestamp_s:.2f} s", places)


if __name__ == "__main__":
    main()
