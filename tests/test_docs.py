"""What the docs tell people to type: every `console` block is run, and every option there is."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import fsspec
import pytest

import cli
from rmpe.skeletons import COCO_17, COCO_19, convert_joints
from rmpe.synthetic import walkers_scene, write_clip

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^(?:    | {7})(.*)$|^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_RUN = ("python -m pip install",)
"""Beginnings of lines that change the environment of the tests."""


def commands(block: str) -> list[str]:
    """Return the lines after ``$`` of a block, continued lines joined."""
    lines = block.replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def pages_with_console() -> list[Path]:
    """Return the pages that have something to run."""
    return [page for page in PAGES if CONSOLE.search(page.read_text("utf-8"))]


def named(page: Path) -> str:
    """Return a page's name for the test's."""
    return str(page.relative_to(REPOSITORY))


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what the pages speak of: clips, pictures, a truth and what was found."""
    folder = tmp_path_factory.mktemp("stand_ins")
    scene = walkers_scene(3, 640, 360, seed=1)
    write_clip(folder / "my_clip.mp4", scene, 30)
    for name in ("training.mp4", "dance.mp4", "camera.mp4"):
        shutil.copy(folder / "my_clip.mp4", folder / name)
    (folder / "clips").mkdir()
    for name in "ab":
        write_clip(folder / "clips" / f"{name}.mp4", walkers_scene(1, 320, 180, seed=3), 4)
    (folder / "list.txt").write_text("my_clip.mp4\n")
    (folder / "pictures").mkdir()
    frame = scene.frame_at(0)
    cv2.imwrite(str(folder / "pictures" / "a.jpg"), frame.image_bgr)
    joints, _ = convert_joints(
        frame.keypoints_xy, frame.visible.astype("float32"), COCO_19, COCO_17
    )
    people = [[value for x, y in person.tolist() for value in (x, y, 2)] for person in joints]
    kind = {"image_id": 1, "category_id": 1}
    truth = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 360}],
        "categories": [{"id": 1, "name": "person", "keypoints": COCO_17.joints}],
        "annotations": [
            {
                **kind,
                "id": row + 1,
                "iscrowd": 0,
                "keypoints": person,
                "num_keypoints": 17,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1) / 2,
            }
            for row, (person, (x1, y1, x2, y2)) in enumerate(zip(people, frame.boxes_xyxy.tolist()))
        ],
    }
    found = [{**kind, "keypoints": person, "score": 0.9} for person in people]
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "found.json").write_text(json.dumps(found))
    return folder


def with_stand_ins(command: str) -> list[str]:
    """Return the words of a command, a camera replaced by a clip and the port by a free one."""
    words = shlex.split(command)
    if "webcam" in words:
        words = [re.sub(r"^(\w+=)?rtsp://.*", r"\1camera.mp4", word) for word in words]
        if "--serve" in words:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                words[words.index("--serve") + 1] = str(free.getsockname()[1])
    return words


def fill_bucket(request: pytest.FixtureRequest, clips: Path) -> None:
    """Have a local S3 server with the bucket that the pages speak of."""
    request.getfixturevalue("s3_server")
    request.getfixturevalue("staging")
    store = fsspec.filesystem("s3")
    store.mkdir("bucket")
    for clip in clips.iterdir():
        store.put_file(str(clip), f"bucket/clips/{clip.name}")


@pytest.mark.parametrize("page", pages_with_console(), ids=named)
def test_what_a_page_says_can_be_typed(
    page: Path,
    stand_ins: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "here"
    shutil.copytree(stand_ins, folder)
    monkeypatch.chdir(folder)
    text = page.read_text("utf-8")
    if "$ rmpe" in text and "s3://" in "".join(CONSOLE.findall(text)):
        fill_bucket(request, folder / "clips")
    for block in CONSOLE.findall(text):
        for command in commands(block):
            if command.startswith(NOT_RUN):
                continue
            words = with_stand_ins(command)
            assert words[0] == "rmpe", f"{command}: only rmpe is run here"
            monkeypatch.setattr(sys, "argv", words)
            with pytest.raises(SystemExit) as stop:
                cli.main()
            said = capsys.readouterr()
            assert stop.value.code in (None, 0), f"{command}\n{said.out}{said.err}"


def mentions() -> Iterator[tuple[Path, list[str]]]:
    """Yield the words of every command of the program in a page's code, as far as they are one."""
    for page in PAGES:
        for indented, fenced in CODE.findall(page.read_text("utf-8").replace("\\\n", " ")):
            for line in (indented or fenced).splitlines():
                found = re.match(r"(?:\$ )?(?:.*\| )?(rmpe|python cli\.py) (.*)", line.strip())
                if found:
                    text = re.split(r"\s{3,}(?![-\"\w./]*\.\w|-)|\s+# | \| | && ", found[2])[0]
                    yield page, shlex.split(text)


def test_every_option_in_the_docs_is_there() -> None:
    checked = 0
    for page, words in mentions():
        command: click.Command = cli.rmpe_command
        place = 0
        while place < len(words) and isinstance(command, click.Group):
            if words[place].startswith("-"):
                break
            assert words[place] in command.commands, f"{named(page)}: {' '.join(words)}"
            command = command.commands[words[place]]
            place += 1
        known = {
            name for option in command.params for name in (*option.opts, *option.secondary_opts)
        } | {"--help", "-h"}
        for word in words[place:]:
            if re.match(r"--?[a-z]", word):
                checked += 1
                assert word.partition("=")[0] in known, f"{named(page)}: {' '.join(words)}"
    assert checked > 50


def test_the_program_has_one_name() -> None:
    for page in PAGES:
        text = page.read_text("utf-8")
        allowed = 2 if page.name == "README.md" else 1 if page.name == "commands.md" else 0
        assert text.count("python cli.py") <= allowed, f"{named(page)}: call it rmpe"
