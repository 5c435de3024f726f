"""A run goes on only as the run that was interrupted, and keeps what it has written."""

import csv
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from lightning.pytorch import Trainer
from torch import nn

from cli import rmpe_command
from rmpe.training.data.people import TrainingPeople
from rmpe.training.loop.resuming import BestCheckpoint
from rmpe.training.loop.run import RunOptions, train_network
from rmpe.training.recipes.published import NETWORK_RECIPES

pytestmark = pytest.mark.usefixtures("quiet_lightning")

QUICK = RunOptions(device="cpu", workers=0, progress=False)
RECIPE = NETWORK_RECIPES["hrnet_w32_coco"].with_settings(
    ["input_height=32", "input_width=32", "epochs=1", "batch_size=4", "rate_drops="]
)


class Dot(nn.Module):
    """One layer that gives 17 maps."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 17, 8, 4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)

    def supervised_outputs(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [self(x)]


@pytest.fixture(scope="module")
def folder(crowd: TrainingPeople, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch of three steps."""
    folder = tmp_path_factory.mktemp("run")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train_network(crowd, folder, RECIPE, QUICK, Dot())
    return folder


@pytest.fixture
def resumed(folder: Path) -> RunOptions:
    return replace(QUICK, resume=folder / "last.ckpt")


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("batch_size=6", "batch_size 4 there, 6 here"),
        ("rate=0.01", "rate 0.001 there, 0.01 here"),
        ("flip_share=0", "flip_share 0.5 there, 0.0 here"),
        ("rate_drops=1", r"rate_drops \[\] there, \[1\] here"),
        ("seed=2", "seed 1 there, 2 here"),
        ("schedule=cosine", "schedule 'steps' there, 'cosine' here"),
    ],
)
def test_a_setting_that_differs_is_named(
    crowd: TrainingPeople, resumed: RunOptions, tmp_path: Path, setting: str, told: str
) -> None:
    with pytest.raises(ValueError, match=f"is of another run: {told}; repeat"):
        train_network(crowd, tmp_path, RECIPE.with_settings([setting]), resumed, Dot())
    assert not list(tmp_path.iterdir())


def test_another_recipe_is_named(
    crowd: TrainingPeople, resumed: RunOptions, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="of recipe hrnet_w32_coco, got recipe cpn50_coco"):
        train_network(crowd, tmp_path, NETWORK_RECIPES["cpn50_coco"], resumed, Dot())


def test_other_people_are_named(crowd: TrainingPeople, resumed: RunOptions, tmp_path: Path) -> None:
    first, *rest = crowd.train.people
    fewer = replace(crowd.train, people=tuple(rest))
    moved = replace(first, keypoints_xy=first.keypoints_xy + 1)
    other = replace(crowd.train, people=(moved, *rest))
    with pytest.raises(ValueError, match=r"training people 12 \(\w+\) there, 11 \(\w+\) here"):
        train_network(TrainingPeople(fewer, None), tmp_path, RECIPE, resumed, Dot())
    with pytest.raises(ValueError, match=r"training people 12 \(\w+\) there, 12 \(\w+\) here"):
        train_network(TrainingPeople(other, None), tmp_path, RECIPE, resumed, Dot())
    with pytest.raises(ValueError, match=r"another run: held-out people 12 .* 11 \(\w+\) here;"):
        train_network(TrainingPeople(crowd.train, fewer), tmp_path, RECIPE, resumed, Dot())


def test_more_epochs_are_the_longer_run_and_fewer_are_refused(
    crowd: TrainingPeople, folder: Path, resumed: RunOptions, tmp_path: Path
) -> None:
    longer = RECIPE.with_settings(["epochs=2"])
    torch.manual_seed(1)
    start = Dot()
    torch.manual_seed(1)
    train_network(crowd, tmp_path / "whole", longer, QUICK, start)
    torch.manual_seed(1)
    train_network(crowd, tmp_path / "parts", RECIPE, QUICK, Dot())
    again = replace(QUICK, resume=tmp_path / "parts" / "last.ckpt")
    train_network(crowd, tmp_path / "parts", longer, again, Dot())
    # The table goes on where the first part ended.
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert [step for step, _ in losses(tmp_path / "parts")] == [2, 5]
    with pytest.raises(ValueError, match="has 2 epochs, got epochs=1; give at least as many"):
        train_network(crowd, tmp_path / "parts", RECIPE, again, Dot())


def losses(folder: Path) -> list[tuple[int, float]]:
    with (folder / "metrics.csv").open() as file:
        return [(int(r["step"]), float(r["loss"])) for r in csv.DictReader(file) if r["loss"]]


def test_what_a_killed_run_wrote_after_its_last_checkpoint_is_left_out(
    crowd: TrainingPeople, tmp_path: Path
) -> None:
    train_network(crowd, tmp_path, RECIPE, QUICK, Dot())
    table = tmp_path / "metrics.csv"
    head = table.read_text().splitlines()[0].split(",")
    late = {"step": "4", "loss": "123", "epoch": "1"}
    with table.open("a") as file:
        file.write(",".join(late.get(name, "") for name in head) + "\n1,12")  # a torn last line
    resumed = replace(QUICK, resume=tmp_path / "last.ckpt")
    train_network(crowd, tmp_path, RECIPE.with_settings(["epochs=2"]), resumed, Dot())
    assert [step for step, _ in losses(tmp_path)] == [2, 5]


def test_files_that_are_no_whole_checkpoint_are_refused(
    crowd: TrainingPeople, folder: Path, tmp_path: Path
) -> None:
    def resume(path: Path) -> str:
        with pytest.raises(ValueError) as refused:
            train_network(crowd, tmp_path / "out", RECIPE, replace(QUICK, resume=path), Dot())
        return str(refused.value)

    torn = tmp_path / "torn.ckpt"
    torn.write_bytes((folder / "last.ckpt").read_bytes()[:2000])
    assert "torn.ckpt is no checkpoint that can be read" in resume(torn)
    foreign = tmp_path / "foreign.ckpt"
    torch.save({"state_dict": {}, "epoch": 3}, foreign)
    assert "foreign.ckpt is no checkpoint of a network recipe's run" in resume(foreign)
    (best,) = folder.glob("best-*.ckpt")
    assert "holds weights alone; a run goes on from its last.ckpt" in resume(best)


def test_the_command_ends_with_wrong_use(crowd_folder: Path, folder: Path, tmp_path: Path) -> None:
    arguments = ["train", "hrnet_w32_coco", "--annotations", crowd_folder / "annotations.json",
                 "--images", crowd_folder / "images", "--output", tmp_path / "run", "--resume",
                 folder / "last.ckpt"]  # fmt: skip
    settings = ["input_height=32", "input_width=32", "epochs=1", "batch_size=8", "rate_drops="]
    for setting in settings:
        arguments += ["--set", setting]
    result = CliRunner().invoke(rmpe_command, [str(argument) for argument in arguments])
    assert result.exit_code == 2
    assert "is of another run: batch_size 4 there, 8 here; repeat the settings" in result.output
    assert not (tmp_path / "run" / "recipe.json").exists()


def test_the_best_weights_go_along_into_another_folder(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "best-epoch=001.ckpt").write_bytes(b"weights")
    before, after = (BestCheckpoint(folder, monitor="val_oks", mode="max") for folder in (old, new))
    path = str(old / "best-epoch=001.ckpt")
    before.best_model_path, before.best_model_score = path, torch.tensor(0.7)
    before.best_k_models = {path: torch.tensor(0.7)}
    after.load_state_dict(before.state_dict())
    assert after.best_model_path == str(new / "best-epoch=001.ckpt")
    assert Path(after.best_model_path).read_bytes() == b"weights"
    assert (after.best_model_score, list(after.best_k_models)) == (0.7, [after.best_model_path])
    trainer = Trainer(accelerator="cpu", logger=False)
    assert not after.check_monitor_top_k(trainer, torch.tensor(0.6))
