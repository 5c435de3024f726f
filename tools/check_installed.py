"""Tries an installed rmpe as its user would, outside the checkout: every module, and the commands.

Run it with the Python of the environment that the wheel is installed in, with an unpacked source
distribution for the example clip and the docs: ``python check_installed.py FOLDER``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("rmpe", "tracking", "pipeline", "rmpe_cli")
PEOPLE = (100, 300)
"""Left edges of the people of the made set, in pixels."""


def main() -> None:
    """Run every check; the first that fails ends it with exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path, help="Folder of the source distribution.")
    source = parser.parse_args().source.resolve()
    clip = source / "examples" / "crossing.mp4"
    with tempfile.TemporaryDirectory() as folder:
        check_place()
        check_modules()
        check_answers(Path(folder))
        check_clip(clip, Path(folder))
        check_start_page(source / "docs" / "index.md", clip, Path(folder) / "start")
        check_scores(Path(folder))
        check_recipes()


def check_place() -> None:
    """Make sure that it is the installed package that is tried."""
    for name in (*PACKAGES, "cli"):
        place = Path(importlib.import_module(name).__file__ or "").resolve()
        installed = Path(sysconfig.get_paths()["purelib"]).resolve()
        expect(place.is_relative_to(installed), f"{name} lies in {place}, not in {installed}")


def check_modules() -> None:
    """Import every module of the packages."""
    names = [
        module.name
        for package in PACKAGES
        for module in pkgutil.walk_packages(
            importlib.import_module(package).__path__, f"{package}."
        )
        if not module.name.endswith("__main__")
    ]
    for name in names:
        importlib.import_module(name)
    tell(f"{len(names)} modules can be imported")


def check_answers(folder: Path) -> None:
    """Ask for version, help and self-test."""
    said = rmpe("--version", folder=folder)
    expect(version("rmpe") in said, f"--version says {said!r}, installed is {version('rmpe')}")
    expect("video" in rmpe(folder=folder), "rmpe alone shows no help")
    said = rmpe("doctor", folder=folder)
    expect("drawn people found" in said, f"the self-test says {said!r}")
    tell(said.splitlines()[-1].strip())


def check_clip(clip: Path, folder: Path) -> None:
    """Run the example clip, and what is done with its records."""
    rmpe("video", str(clip), "-o", "out", "--format", "coco", "--quiet", folder=folder)
    lines = (folder / "out/poses.ndjson").read_text("utf-8").splitlines()
    people = sum(len(json.loads(line).get("people", ())) for line in lines)
    expect(people > len(lines), f"{people} people in {len(lines)} lines of the example clip")
    for name in ("annotated.mp4", "summary.json", "coco-results.json"):
        expect((folder / "out" / name).stat().st_size > 0, f"{name} is empty")
    rmpe("report", "out/poses.ndjson", folder=folder)
    rmpe("convert", "out/poses.ndjson", "--to", "alphapose", folder=folder)
    rmpe("render", "out/poses.ndjson", "--quiet", folder=folder)
    tell(f"{people} people in the {len(lines) - 2} frames of {clip.name}")


def check_start_page(page: Path, clip: Path, folder: Path) -> None:
    """Type every command of the docs' start page."""
    import av

    (folder / "pictures").mkdir(parents=True)
    with av.open(str(clip)) as container:
        picture = next(container.decode(video=0))
        picture.to_image().save(folder / "pictures" / "a.jpg")
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    typed = [line[2:] for block in blocks for line in block.splitlines() if line[:2] == "$ "]
    lines = [shlex.split(line) for line in typed if not line.startswith("python -m pip install")]
    for program, *arguments in lines:
        expect(program == "rmpe", f"{page}: {program} is not the program")
        rmpe(*arguments, folder=folder)
    tell(f"{len(lines)} commands of the start page")


def check_scores(folder: Path) -> None:
    """Score poses that are the truth of a set of two people: the AP is 1."""
    keypoints = [
        [number for joint in range(17) for number in (left + 3 * joint, 100 + 9 * joint, 2)]
        for left in PEOPLE
    ]
    from rmpe.skeletons import COCO_17

    truth = {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 640, "height": 480}],
        "categories": [{"id": 1, "name": "person", "keypoints": COCO_17.joints}],
        "annotations": [
            {
                "id": place + 1,
                "image_id": 1,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [left, 100, 60, 160],
                "area": 9600,
                "keypoints": joints,
                "num_keypoints": 17,
            }
            for place, (left, joints) in enumerate(zip(PEOPLE, keypoints))
        ],
    }
    found = [
        {"image_id": 1, "category_id": 1, "keypoints": joints, "score": 0.9} for joints in keypoints
    ]
    (folder / "truth.json").write_text(json.dumps(truth), "utf-8")
    (folder / "found.json").write_text(json.dumps(found), "utf-8")
    files = ("--annotations", "truth.json", "--predictions", "found.json", "--json", "scores.json")
    said = rmpe("evaluate", "coco", *files, folder=folder)
    expect("1.000" in said.splitlines()[0], f"poses that are the truth score {said!r}")
    tell(said.splitlines()[0].strip())


def check_recipes() -> None:
    """Show every recipe that the help lists, in this process for speed."""
    from click.testing import CliRunner

    import cli
    from rmpe.training.runs import recipe_names

    for name in recipe_names():
        result = CliRunner().invoke(cli.rmpe_command, ["train", name, "--show"])
        expect(result.exit_code == 0, f"train {name} --show: {result.output} {result.exception}")
    tell(f"{len(recipe_names())} recipes can be shown")


def rmpe(*arguments: str, folder: Path) -> str:
    """Run the installed program in a folder and return what it says."""
    program = Path(sysconfig.get_path("scripts")) / "rmpe"
    ended = subprocess.run(
        [str(program), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    said = f"rmpe {' '.join(arguments)} ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
    expect(ended.returncode == 0, said)
    return ended.stdout


def expect(holds: bool, otherwise: str) -> None:
    """End with exit code 1 and a line if a check does not hold."""
    if not holds:
        sys.exit(f"error: {otherwise}")


def tell(line: str) -> None:
    """Print what was tried."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
