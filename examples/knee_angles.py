"""From a clip to knee angles: python examples/knee_angles.py [CLIP] [-o FOLDER] [--end SECONDS]"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import rmpe
from rmpe.kinematics import MeasureOptions, write_measures

EXAMPLE = Path(__file__).parent / "crossing.mp4"


def main() -> None:
    """Write the clip's poses and measures, and print the range of the longest person's knees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", nargs="?", default=str(EXAMPLE))
    parser.add_argument("-o", "--output", default="knee_angles")
    parser.add_argument("--end", type=float)
    asked = parser.parse_args()
    rmpe.video(asked.clip, end_s=asked.end).save(asked.output, video=False)
    records = rmpe.read_records(Path(asked.output) / "poses.ndjson")
    measures = rmpe.measure_clip(records, MeasureOptions(person="longest"))
    write_measures(Path(asked.output) / "measures", measures)
    for person in measures.people:
        for side in ("left", "right"):
            knee = person.named(f"{side}_knee").values
            print(
                f"person {person.person.identity}, {side} knee: "
                f"{np.nanmin(knee):.0f} to {np.nanmax(knee):.0f} degrees"
            )


if __name__ == "__main__":
    main()
