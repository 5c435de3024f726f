"""Options as fields of dataclasses: their names, what makes a run the same run, and the help."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from click.testing import CliRunner

import cli
import rmpe_cli
from pipeline.live.policy import POLICIES
from rmpe.drawing import Background, LimbStyle, Palette
from rmpe.formats import FORMATS
from rmpe.formats.table import TABLE_SUFFIXES
from rmpe.kinematics.outputs import OUTPUT_FORMATS, PLOT_FORMATS
from rmpe.pose_nms.choice import NMS_NAMES
from rmpe.report import ClipMode
from rmpe.runtimes import Precision, RuntimeName
from rmpe.training.runs import recipe_names
from rmpe.zoo.presets import AUTO, PRESETS, WITHOUT_ADDRESS
from rmpe_cli import building
from rmpe_cli.clips import clip_jobs, video
from rmpe_cli.evaluation import evaluate
from rmpe_cli.live import LiveChoices
from rmpe_cli.options import (
    ClipChoices,
    EstimatorChoices,
    OutputChoices,
    ShowingChoices,
    WorklistChoices,
    names,
    option,
    takes,
)
from rmpe_cli.pictures import images


@dataclass(frozen=True)
class Toy:
    """A group of options."""

    count: int = option("--count", default=3, help="A number.")
    needed: Path = option("--needed", type=click.Path(path_type=Path), help="A path.")
    many: tuple[str, ...] = option("--one", "--uno", default=(), multiple=True, help="Words.")


def toy_command(without: tuple[str, ...] = ()) -> tuple[click.Command, list[Toy]]:
    """Return a command that keeps what it was given, and where it keeps it."""
    kept: list[Toy] = []

    @click.command()
    @takes(without=without, toy=Toy)
    def command(toy: Toy) -> None:
        kept.append(toy)

    return command, kept


def test_a_field_is_an_option_with_its_default_and_every_spelling() -> None:
    command, kept = toy_command()
    result = CliRunner().invoke(command, ["--needed", "here", "--one", "a", "--uno", "b"])
    assert result.exit_code == 0, result.output
    assert kept == [Toy(count=3, needed=Path("here"), many=("a", "b"))]
    assert CliRunner().invoke(command, []).exit_code == 2
    assert "[default: 3]" in CliRunner().invoke(command, ["--help"]).output


def test_a_field_left_out_has_no_option_and_its_default() -> None:
    command, kept = toy_command(without=("count",))
    assert CliRunner().invoke(command, ["--needed", "x", "--count", "4"]).exit_code == 2
    assert CliRunner().invoke(command, ["--needed", "x"]).exit_code == 0
    assert kept[0].count == 3


def test_the_names_to_choose_from_are_those_of_the_rooms() -> None:
    assert set(names.PRESETS) == {*PRESETS, *WITHOUT_ADDRESS, AUTO}
    assert set(names.RECORD_FORMATS) == set(FORMATS)
    assert {f".{name}" for name in names.TABLES} == set(TABLE_SUFFIXES)
    assert names.NMS_RULES == NMS_NAMES
    assert get_args(RuntimeName) == names.RUNTIMES
    assert get_args(Precision) == names.PRECISIONS
    assert names.LIVE_POLICIES == POLICIES
    assert (get_args(Background), get_args(Palette)) == (names.BACKGROUNDS, names.PALETTES)
    assert get_args(LimbStyle) == names.LIMB_STYLES
    assert (names.MEASURE_FORMATS, names.PLOT_FORMATS) == (OUTPUT_FORMATS, PLOT_FORMATS)
    (mode,) = (p for p in cli.rmpe_command.commands["report"].params if p.name == "mode")
    assert isinstance(mode.type, click.Choice)
    assert tuple(mode.type.choices) == get_args(ClipMode)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """A function from options to what decides whether a run is the same run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").write_bytes(b"clip")

    def ask(**given: Any) -> dict[str, Any]:
        def group(kind: type[Any]) -> Any:
            own = {f.name for f in fields(kind)}
            return kind(**{name: value for name, value in given.items() if name in own})

        kinds = (OutputChoices, ShowingChoices, WorklistChoices, ClipChoices, EstimatorChoices)
        output, showing, worklist, clip, network = (group(kind) for kind in kinds)
        (job,) = clip_jobs(("a.mp4",), output, showing, worklist, clip, network, 1)
        return job.whole_request()

    return ask


def test_a_file_named_like_an_options_value_changes_nothing(
    asked: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    before = asked()
    for name in ("compact", "auto", "pose", "alphapose", "a.mp4 "):
        (tmp_path / name).write_text("a file")
    assert asked() == before


def test_the_same_run_is_one_with_the_same_choices_outputs_and_files(
    asked: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    plain = asked()
    for other in ({"output": Path("o")}, {"quiet": True}, {"fail_fast": True}, {"resume": False}):
        assert asked(**other) == plain, other
    more: tuple[dict[str, Any], ...] = (
        {"stride": 2},
        {"min_score": 0.5},
        {"formats": ("coco",)},
        {"no_video": True},
    )
    for other in more:
        assert asked(**other) != plain, other
    boxes = tmp_path / "boxes.ndjson"
    boxes.write_text('{"frame": 0, "boxes": []}\n')
    with_boxes = asked(boxes=boxes)
    assert with_boxes != plain
    boxes.write_text('{"frame": 0, "boxes": []}\n\n')
    assert asked(boxes=boxes) != with_boxes


@pytest.mark.parametrize(
    ("command", "given", "min_score", "box_score"),
    [
        (video, ["a.mp4"], 0.15, None),
        (images, ["a.png"], 0.1, None),
        (evaluate, ["coco", "--annotations", __file__], 0.0, 0.15),
        (evaluate, ["coco", "--annotations", __file__, "--box-score", "0.4"], 0.0, 0.4),
    ],
)
def test_who_is_doubtful_counts_more_in_pictures_and_in_scores_than_in_clips(
    command: click.Command, given: list[str], min_score: float, box_score: float | None
) -> None:
    asked = command.make_context("rmpe", given).params
    assert (asked["min_score"], asked["box_score"]) == (min_score, box_score)


def test_choices_reach_the_estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    built: dict[str, Any] = {}
    monkeypatch.setattr(
        "rmpe.estimator.PoseEstimator.build", lambda **given: built.update(given) or "built"
    )
    choices = EstimatorChoices(
        preset="mspn", min_score=0.4, box_score=0.2, weights=Path("w.pth"), nms="none"
    )
    assert building.build_estimator(choices, 3) == "built"
    assert built["network"] == PRESETS["mspn"].network
    assert (built["weights"], built["threads"], built["options"].min_score) == ("w.pth", 3, 0.4)
    assert built["options"].nms is None
    assert built["box_score"] == 0.2
    assert built["detector"] == PRESETS["mspn"].detector
    building.build_estimator(choices, 3, detect=False)
    assert built["detector"]([None])[0].boxes_xyxy.shape == (0, 4)


def test_the_token_may_come_from_a_file_and_is_told_to_nobody(tmp_path: Path) -> None:
    file, empty = tmp_path / "token.txt", tmp_path / "empty.txt"
    file.write_text("open-sesame\n")
    empty.write_text("\n")
    assert LiveChoices(token_file=file).secret() == LiveChoices(token="open-sesame").secret()
    assert "open-sesame" not in str(LiveChoices(token="open-sesame").described())
    for wrong in (LiveChoices(token="a", token_file=file), LiveChoices(token_file=empty)):
        with pytest.raises(ValueError, match="token"):
            wrong.secret()


def commands(group: click.Group, path: str = "rmpe") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its words, groups included."""
    yield path, group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


EVERY = dict(commands(cli.rmpe_command))


def test_no_option_takes_for_a_number_what_is_none() -> None:
    numbers = [
        (f"{path} {parameter.opts[0]}", parameter)
        for path, command in commands(cli.rmpe_command)
        for parameter in command.params
        if isinstance(parameter.type, click.types.FloatParamType)
    ]
    assert len(numbers) > 20
    for name, parameter in numbers:
        with pytest.raises(click.BadParameter, match="nan is no number"):
            parameter.type.convert("nan", parameter, None)
        if name != "rmpe webcam --reconnect":
            with pytest.raises(click.BadParameter, match="inf is no number"):
                parameter.type.convert("inf", parameter, None)


@pytest.mark.parametrize("words", EVERY)
def test_help_is_whole_sentences(words: str) -> None:
    command = EVERY[words]
    result = CliRunner().invoke(cli.rmpe_command, [*words.split()[1:], "--help"])
    assert result.exit_code == 0
    assert "..." not in re.sub(r"(?:\[\w+\]|[A-Z]+)\.\.\.", "", result.output), "a line is cut"
    assert (command.help or "").strip().endswith(".")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            text = parameter.help or ""
            assert text[:1].isupper() or text.startswith("last.ckpt"), parameter.name
            assert text.endswith("."), f"{words} {parameter.opts}: {text}"


def test_the_program_alone_shows_its_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, has in ((["rmpe"], "webcam"), (["rmpe", "weights"], "fetch")):
        monkeypatch.setattr("sys.argv", arguments)
        with pytest.raises(SystemExit) as stop:
            cli.main()
        output = capsys.readouterr()
        assert stop.value.code in (None, 0)
        assert output.err == "" and output.out.startswith("Usage: ") and has in output.out


def test_a_damaged_checkpoint_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "w.pth").write_text("nothing")
    monkeypatch.setattr("sys.argv", ["rmpe", "weights", "check", str(tmp_path / "w.pth")])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    assert "0 of 1 files are right" in capsys.readouterr().out


def test_the_help_of_train_lists_the_recipes() -> None:
    output = CliRunner().invoke(cli.rmpe_command, ["train", "--help"]).output
    listed = output.partition("Recipes:")[2].replace(",", " ").split()
    assert listed == recipe_names()


def test_options_are_typed_everywhere(repository: Path) -> None:
    for folder in ("rmpe_cli", "pipeline", "rmpe", "tracking"):
        for path in (repository / folder).rglob("*.py"):
            assert not re.search(r"\bgiven\[", path.read_text("utf-8")), path
    for module in pkgutil.walk_packages(rmpe_cli.__path__, "rmpe_cli."):
        loaded = importlib.import_module(module.name)
        for name, kind in vars(loaded).items():
            if name.endswith("Choices") and isinstance(kind, type):
                assert is_dataclass(kind) and vars(kind)["__dataclass_params__"].frozen, name
