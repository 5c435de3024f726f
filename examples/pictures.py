"""Find people in pictures and save them drawn: python examples/pictures.py PICTURE… [-o FOLDER]"""

from __future__ import annotations

import argparse

import rmpe


def main() -> None:
    """Print who is in each picture and write the drawn pictures and poses.ndjson."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("-o", "--output", default="pictures_rmpe")
    asked = parser.parse_args()
    estimator = rmpe.PoseEstimator("compact")
    results = estimator(asked.pictures)
    for result in results:
        print(result)
    for path in rmpe.save_results(results, asked.output):
        print(path)


if __name__ == "__main__":
    main()
