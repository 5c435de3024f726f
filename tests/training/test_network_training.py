"""Runs of every recipe on a few rendered people; resume, stops, reports, and the weights' use."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from rmpe.datasets.keypoint_set import Picture
from rmpe.networks import hourglass
from rmpe.networks.blocks import resnet
from rmpe.networks.blocks.multistage import MultiStageNetwork, TrunkDesign
from rmpe.networks.hrnet import HRNet
from rmpe.networks.mspn import MspnBottleneck
from rmpe.networks.rsn import ResidualStepsBlock
from rmpe.skeletons import Skeleton
from rmpe.training.data.people import OwnFiles, TrainingPeople, read_own_files
from rmpe.training.loop._validation import average_precision
from rmpe.training.loop.module import NetworkModule, in_figures
from rmpe.training.loop.run import RunOptions, train_network
from rmpe.training.recipes.published import NETWORK_RECIPES
from rmpe.zoo import load, load_bundled_pose

pytestmark = pytest.mark.usefixtures("quiet_lightning")

QUICK = RunOptions(device="cpu", workers=0, progress=False)
SMALL = (
    "input_height=64", "input_width=64", "epochs=1", "epoch_people=0", "batch_size=4", "backbone=",
)  # fmt: skip
NARROW_HRNET = NETWORK_RECIPES["hrnet_w32_coco"].with_settings([*SMALL, "variant=hrnet_w4"])


class Tiny(nn.Module):
    """Three layers, batch norm included: enough to see a run behave."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 8, 4, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 17, 3, 1, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.stem(x)

    def supervised_outputs(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [self(x)]


@pytest.fixture
def narrow_families(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trunks of one block a layer and hourglasses of 32 channels."""
    monkeypatch.setitem(resnet.BLOCK_COUNTS, 50, (1, 1, 1, 1))
    monkeypatch.setattr(hourglass, "CHANNELS", 32)


def narrow_stages(variant: str, joints: int) -> nn.Module:
    """A multi-stage network of the variant's stages and block, an eighth of its width."""
    block = MspnBottleneck if variant.startswith("mspn") else ResidualStepsBlock
    stages = int(variant[-6]) if variant.endswith("stage") else 1
    return MultiStageNetwork(TrunkDesign(block, (1, 1, 1, 1), (32, 32, 64, 64)), stages, joints)


def narrow(variant: str, joints: int) -> nn.Module | None:
    """A narrow network of the variant, or None where the family has one width only."""
    if variant.startswith("hrnet"):
        return HRNet(4, joints)
    if variant.startswith(("mspn", "rsn")):
        return narrow_stages(variant, joints)
    return None


def losses(folder: Path) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]


@pytest.mark.parametrize("name", [n for n in NETWORK_RECIPES if n != "sstn_compact"])
def test_every_recipe_trains_to_weights_with_a_card(
    name: str, crowd: TrainingPeople, tmp_path: Path, narrow_families: None
) -> None:
    recipe = NETWORK_RECIPES[name].with_settings(SMALL)
    small = TrainingPeople(replace(crowd.train, people=crowd.train.people[:4]), None)
    network = narrow(recipe.variant, 17)
    result = train_network(small, tmp_path, recipe, QUICK, network)
    with safe_open(result, framework="pt") as file:
        card = json.loads(file.metadata()["rmpe"])
    assert card["recipe"]["name"] == name
    assert len(losses(tmp_path)) == 1
    assert np.isfinite(losses(tmp_path)).all()
    assert (tmp_path / "last.ckpt").is_file()


def test_a_run_scores_draws_and_keeps_the_best(crowd: TrainingPeople, tmp_path: Path) -> None:
    recipe = NARROW_HRNET.with_settings(["epochs=2", "average_decay=0.9"])
    result = train_network(crowd, tmp_path, recipe, QUICK, Tiny())
    rows = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    scores = [float(row["val_oks"]) for row in rows if row.get("val_oks")]
    assert len(scores) == 2
    assert len(list(tmp_path.glob("best-*.ckpt"))) == 1
    assert list(tmp_path.glob("events.out.tfevents.*"))
    sheet = cv2.imread(str(tmp_path / "predictions" / "epoch_001.jpg"))
    assert sheet.shape == (2 * 64, 8 * 64, 3)  # 12 people, 8 in a row
    with safe_open(result, framework="pt") as file:
        card = json.loads(file.metadata()["rmpe"])
    shares = [float(row[name]) for row in rows for name in ("val_ap", "val_pck") if row.get(name)]
    assert len(shares) == 4
    assert all(0 <= share <= 1 for share in shares)
    assert card["scores"]["val_oks"] == pytest.approx(max(scores), abs=1e-6)
    assert card["recipe"]["average_decay"] == 0.9


def test_average_precision_is_cocos() -> None:
    # Of four people three are right at 0.50, the third in order is not: the highest precision at
    # recalls up to 1/2 (51 of 101) is 1, up to 3/4 (25 more) 3/4, beyond 0.
    similarities, confidences = np.array([0.5, 0.1, 0.5, 0.5]), np.array([0.9, 0.7, 0.8, 0.6])
    expected = (51 * 1 + 25 * 0.75) / 101 / 10
    assert average_precision(similarities, confidences) == pytest.approx(expected)
    assert average_precision(np.ones(3), np.ones(3)) == pytest.approx(1.0)
    assert average_precision(np.array([]), np.array([])) == 0.0
    assert in_figures({"val_ap": 0.5124, "val_pck": 0.87}) == "AP 0.512, PCK 0.870"


def test_a_run_is_logged_to_weights_and_biases_too(
    crowd: TrainingPeople, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    recipe = NARROW_HRNET.with_settings(["epochs=2"])
    train_network(crowd, tmp_path, recipe, replace(QUICK, log=("wandb",)), Tiny())
    wandb.teardown()  # as the end of the process does: what is written lies in the file
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    written = file.read_bytes()  # its records are protobuf, names as they are
    for name in (b"val_ap", b"val_oks", b"val_pck", b"loss", b"hrnet_w32_coco"):
        assert name in written


def test_without_weights_and_biases_its_extra_is_named(
    crowd: TrainingPeople, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rmpe.training.loop.run.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"rmpe\[wandb\]"):
        train_network(crowd, tmp_path, NARROW_HRNET, replace(QUICK, log=("wandb",)), Tiny())


def test_a_resumed_run_has_the_loss_curve_of_an_unbroken_one(
    crowd: TrainingPeople, tmp_path: Path
) -> None:
    recipe = NARROW_HRNET.with_settings(
        ["epochs=4", "input_height=32", "input_width=32", "average_decay=0.5", "schedule=linear"]
    )

    def fresh() -> Tiny:
        torch.manual_seed(3)
        return Tiny()

    whole = train_network(crowd, tmp_path / "whole", recipe, QUICK, fresh())
    half = tmp_path / "half"
    with pytest.MonkeyPatch.context() as patch:
        ended = NetworkModule.on_train_epoch_start

        def interrupted(module: NetworkModule) -> None:
            ended(module)
            if module.current_epoch == 2:
                raise KeyboardInterrupt

        patch.setattr(NetworkModule, "on_train_epoch_start", interrupted)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train_network(crowd, half, recipe, QUICK, fresh())
    resume = replace(QUICK, resume=half / "last.ckpt")
    again = train_network(crowd, tmp_path / "again", recipe, resume, fresh())
    assert losses(tmp_path / "again") == losses(tmp_path / "whole")[2:]
    assert len(losses(tmp_path / "again")) == 2
    first, second = load_file(whole), load_file(again)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_accumulated_passes_take_the_steps_of_one(crowd: TrainingPeople, tmp_path: Path) -> None:
    recipe = NARROW_HRNET.with_settings(["batch_size=4", "accumulate=2", "epochs=1"])
    train_network(crowd, tmp_path, recipe, QUICK, Tiny())
    state = torch.load(tmp_path / "last.ckpt", weights_only=False)
    assert state["global_step"] == 3  # 12 people in batches of 4


def test_bfloat16_trains(crowd: TrainingPeople, tmp_path: Path) -> None:
    recipe = NARROW_HRNET.with_settings(["precision=bf16-mixed"])
    train_network(TrainingPeople(crowd.train, None), tmp_path, recipe, QUICK, Tiny())
    assert np.isfinite(losses(tmp_path)).all()


def test_a_loss_that_is_not_finite_stops_with_its_numbers(
    crowd: TrainingPeople, tmp_path: Path
) -> None:
    network = Tiny()
    nn.init.constant_(network.stem[3].bias, float("nan"))
    with pytest.raises(ValueError, match=r"not finite at step 0, rate 0\.001: \{'output_0': nan"):
        train_network(crowd, tmp_path, NARROW_HRNET, QUICK, network)


def test_broken_entries_are_counted_and_listed(
    crowd: TrainingPeople, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    people = crowd.train.people
    gone = replace(people[0], picture=Picture(9, tmp_path / "gone.jpg"), annotation_id=99)
    train = replace(crowd.train, people=(gone, *people), skipped=("annotation 7 has no bbox",))
    recipe = NARROW_HRNET.with_settings(["batch_size=1"])
    train_network(TrainingPeople(train, None), tmp_path, recipe, QUICK, Tiny())
    listed = (tmp_path / "skipped.txt").read_text()
    assert "annotation 7 has no bbox" in listed
    assert "gone.jpg" in listed
    assert "1 broken entries are skipped" in caplog.text
    assert "1 pictures could not be read" in caplog.text
    whole = TrainingPeople(crowd.train, None)
    train_network(whole, tmp_path, recipe, QUICK, Tiny())
    assert not (tmp_path / "skipped.txt").exists()


def test_own_joints_go_from_categories_to_an_estimator(crowd_folder: Path, tmp_path: Path) -> None:
    document = json.loads((crowd_folder / "annotations.json").read_text())
    document["categories"][0] |= {
        "name": "stick", "keypoints": ["nose", "left_hand", "right_hand"], "skeleton": [[1, 2]],
    }  # fmt: skip
    for item in document["annotations"]:
        joints = np.array(item["keypoints"]).reshape(17, 3)
        item["keypoints"] = joints[[0, 9, 10]].ravel().tolist()
    own = tmp_path / "own.json"
    own.write_text(json.dumps(document))
    people = read_own_files(OwnFiles(own, crowd_folder / "images"))
    recipe = NETWORK_RECIPES["compact_coco"].with_settings([*SMALL])
    result = train_network(people, tmp_path / "run", recipe, QUICK)
    skeleton = load(result).conventions.skeleton
    assert skeleton.joints == ("nose", "left_hand", "right_hand")
    assert skeleton.limbs == ((0, 1),)
    assert skeleton.mirror_pairs == ((1, 2),)
    from rmpe.estimator import PoseEstimator
    from rmpe.records import Boxes

    estimator = PoseEstimator.build(weights=str(result), runtime="torch", device="cpu")
    image = cv2.imread(str(crowd_folder / "images" / "00000.jpg"))
    boxes = Boxes(np.array([[10, 10, 80, 120]], np.float32), np.ones(1, np.float32))
    assert estimator.estimate(image, boxes).keypoints_xy.shape == (1, 3, 2)


def test_a_run_can_start_from_weights_of_other_joints(
    crowd: TrainingPeople, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = NETWORK_RECIPES["compact_coco"].with_settings([*SMALL, "rate=1e-9"])
    result = train_network(TrainingPeople(crowd.train, None), tmp_path, recipe, QUICK)
    assert "17 of 17 are taken over by name in head.output.weight, head.output.bias" in caplog.text
    started, bundled = load(result).network.state_dict(), load_bundled_pose().network.state_dict()
    torch.testing.assert_close(
        started["head.output.weight"], bundled["head.output.weight"][:17], atol=1e-4, rtol=1e-3
    )


def test_weights_of_another_network_are_no_start(crowd: TrainingPeople, tmp_path: Path) -> None:
    weights = tmp_path / "hrnet.safetensors"
    save_file({key: value.clone() for key, value in HRNet(4, 17).state_dict().items()}, weights)
    recipe = NETWORK_RECIPES["compact_coco"].with_settings(SMALL)
    with pytest.raises(ValueError, match="is another network; it differs at bn1"):
        train_network(crowd, tmp_path, recipe, replace(QUICK, start=weights))


def test_a_backbone_for_a_network_without_a_trunk_is_refused(
    crowd: TrainingPeople, tmp_path: Path
) -> None:
    settings = [*SMALL, "backbone=ResNet50_Weights.IMAGENET1K_V1"]
    recipe = NETWORK_RECIPES["compact_coco"].with_settings(settings)
    with pytest.raises(ValueError, match="the compact network has no ResNet trunk"):
        train_network(crowd, tmp_path, recipe, QUICK)


def test_detector_like_boxes_without_a_file_are_said_loudly(
    crowd: TrainingPeople, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = NARROW_HRNET.with_settings(["proposals_from=0"])
    train_network(TrainingPeople(crowd.train, None), tmp_path, recipe, QUICK, Tiny())
    assert "IT TRAINS ON ANNOTATED BOXES" in caplog.text


def test_joints_can_be_those_of_another_skeleton(crowd: TrainingPeople, tmp_path: Path) -> None:
    recipe = NARROW_HRNET.with_settings(["skeleton=crowdpose14"])
    result = train_network(TrainingPeople(crowd.train, None), tmp_path, recipe, QUICK, HRNet(4, 14))
    assert load(result).conventions.skeleton_name == "crowdpose14"


def test_mirrored_crops_of_joints_without_sides_are_refused(
    crowd: TrainingPeople, tmp_path: Path
) -> None:
    joints = ("tip", "middle", "root")
    skeleton = Skeleton("own", joints, ((0, 1),), (0.1,) * 3)
    people = replace(crowd.train, skeleton=skeleton)
    with pytest.raises(
        ValueError, match="no left and right are known among the joints tip, middle"
    ):
        train_network(TrainingPeople(people, None), tmp_path, NARROW_HRNET, QUICK)


def test_a_simcc_network_learns_its_own_pictures(crowd: TrainingPeople, tmp_path: Path) -> None:
    recipe = NETWORK_RECIPES["rtmpose_s_coco"].with_settings(
        [*SMALL, "epochs=3", "variant=rtmpose_t", "warm_up_steps=0", "flip_share=0"]
    )
    small = TrainingPeople(replace(crowd.train, people=crowd.train.people[:4]), None)
    result = train_network(small, tmp_path, recipe, QUICK)
    found = losses(tmp_path)
    assert found[-1] < found[0]
    loaded = load(result)
    assert (loaded.variant, loaded.conventions.codec) == ("rtmpose_t", "simcc")
    assert (loaded.conventions.input_height, loaded.conventions.input_width) == (64, 64)
