"""What the docs tell people to type: every command is run, and every option and file there is."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import fsspec
import pytest

import cli
from tests.helpers.stand_ins import stand_ins

__all__ = ["stand_ins"]

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
CODE = re.compile(r"^(?:    | {7})(.*)$|^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_RUN_HERE = {
    r"--preset (rtm|hrnet|wholebody)": "tests/zoo/test_presets.py: every preset, from a server",
    r"^weights fetch ": "tests/zoo/test_download.py: from a server, with weights of the test's own",
    r"^batch (?!.*--engine local)": "tests/pipeline/fleet/test_fleet.py: Ray's workers and nodes",
    r"^track .*--tracker": "tests/pipeline/stored/test_retrack.py: those of the package trackers",
    r"^video .*--crowd": "tests/training/test_joint_candidate_training.py: trained, then used",
    r"^train hrnet_w32_coco": "tests/training/test_network_training.py: runs of every recipe",
    r"^train RECIPE --data": "tests/training/test_network_training.py: runs of every recipe",
    r"^train compact-": "needs the pictures that the bundled networks learn from",
    r"FOLDER/run|--pose-score learned$": "needs the pictures that the bundled networks learn from",
}
"""Commands (as a pattern) that are not run, and where they are, or why they are not."""
SCRIPT = re.compile(r"python ((?:tools|tests|benchmarks|examples)/\S+\.py)(.*)")


def named(page: Path) -> str:
    """Return a page's name for the test's."""
    return str(page.relative_to(REPOSITORY))


def lines_of(page: Path) -> Iterator[str]:
    """Yield the lines of a page's code, continued ones joined."""
    for indented, fenced in CODE.findall(re.sub(r"\\\n\s*", " ", page.read_text("utf-8"))):
        for line in (indented or fenced).splitlines():
            yield line.strip()


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every command of the program on a page, without its name."""
    for line in lines_of(page):
        found = re.match(r"(?:\$ )?(?:.*(?:\||&&) )?(rmpe|python cli\.py) (.*)", line)
        if found:
            text = re.split(r"\s{3,}(?![-\"\w./]*\.\w|-)|\s+# | \| | && ", found[2])[0]
            yield shlex.split(text)


def reason_not_to_run(words: list[str]) -> str | None:
    """Return the pattern by which a command is not run."""
    line = " ".join(words)
    return next((pattern for pattern in NOT_RUN_HERE if re.search(pattern, line)), None)


PAGES_TO_TYPE = [
    page for page in PAGES if any(reason_not_to_run(words) is None for words in commands(page))
]


def with_stand_ins(words: list[str]) -> list[str]:
    """Return a command with cameras that are clips, a free port, and a short training."""
    if words[0] == "webcam":
        words = words if len(words) > 1 else ["webcam", "0"]
        words = [re.sub(r"^(\w+=)?(rtsp://.*|0)$", r"\1camera.mp4", word) for word in words]
        if "--serve" in words:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                words[words.index("--serve") + 1] = str(free.getsockname()[1])
    if words[0] == "train" and "--output" in words:
        words = ["compact_coco" if word == "RECIPE" else word for word in words]
        words += ["--set", "epochs=1", "--workers", "0"]
    return words


def fill_buckets(request: pytest.FixtureRequest, folder: Path) -> None:
    """Have local servers of the stores that the pages speak of, with clips and pictures."""
    request.getfixturevalue("staging")
    for scheme, kinds in (("s3", ("clips", "pictures")), ("gs", ("more",))):
        request.getfixturevalue(f"{scheme}_server")
        store = fsspec.filesystem(scheme)
        if not store.exists("bucket"):
            store.mkdir("bucket")
        for kind in kinds:
            for path in (folder / kind).iterdir():
                store.put_file(str(path), f"bucket/{kind}/{path.name}")


def bring(words: list[str], stored: Path) -> None:
    """Put stored poses where a command looks for them, if the page made none before."""
    for word in words:
        name = Path(word).parts[0]
        if name.endswith("clip_rmpe") and not Path(name).exists():
            shutil.copytree(stored, name)
        elif name == "poses.ndjson" and not Path(name).exists():
            shutil.copy(stored / name, name)


def typed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    """Run a command; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["rmpe", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code or 0


@pytest.fixture(scope="module")
def stored(stand_ins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on a clip of the stand-ins."""
    folder = tmp_path_factory.mktemp("stored") / "run"
    with pytest.MonkeyPatch.context() as patch:
        assert typed(["video", str(stand_ins / "clip.mp4"), "-o", str(folder)], patch) == 0
    return folder


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES_TO_TYPE, ids=named)
def test_what_a_page_says_can_be_typed(
    page: Path,
    stand_ins: Path,
    stored: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "here"
    shutil.copytree(stand_ins, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DISPLAY", raising=False)
    to_type = [words for words in commands(page) if reason_not_to_run(words) is None]
    if any("s3://" in word for words in to_type for word in words):
        fill_buckets(request, folder)
    for words in to_type:
        bring(words, stored)
        with (folder / "pipe.ts").open() as pipe:
            monkeypatch.setattr(sys, "stdin", pipe)
            code = typed(with_stand_ins(words), monkeypatch)
        said = capsys.readouterr()
        assert code == 0, f"{' '.join(words)}\n{said.out}{said.err}"


def test_what_is_not_run_here_is_run_there_or_cannot_be() -> None:
    every = [words for page in PAGES for words in commands(page)]
    for pattern, reason in NOT_RUN_HERE.items():
        assert any(re.search(pattern, " ".join(words)) for words in every), pattern
        place = reason.partition(":")[0]
        assert (REPOSITORY / place).exists() or reason.startswith("needs "), reason
    assert sum(reason_not_to_run(words) is None for words in every) > 70


def test_every_script_in_the_docs_is_there_with_its_options() -> None:
    checked = 0
    for page in PAGES:
        for line in lines_of(page):
            for path, rest in SCRIPT.findall(line):
                text = (REPOSITORY / path).read_text("utf-8")
                for option in re.findall(r"--[a-z][\w-]*", rest):
                    checked += 1
                    assert f'"{option}"' in text, f"{named(page)}: {path} {option}"
    assert checked > 10


def test_every_option_in_the_docs_is_there() -> None:
    checked = 0
    for page in PAGES:
        for words in commands(page):
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
