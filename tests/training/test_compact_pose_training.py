"""A pose training run on generated people: it learns, writes, resumes and stops on nonsense."""

import logging
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rmpe.datasets.pose_samples import PoseSample
from rmpe.networks.compact_pose import compact_pose
from rmpe.training.bundled.compact_pose import (
    START_WEIGHTS,
    freeze,
    load_compact_pose,
    parameter_groups,
    save_weights,
    train_compact_pose,
    weigh_sources,
)
from rmpe.training.bundled.pose_augment import PoseAugmentation
from rmpe.training.bundled.pose_crops import PoseCrops
from rmpe.training.bundled.pose_recipe import PoseRecipe, SourceShare

SMALL = PoseRecipe(
    steps=3, batch_size=2, input_height=64, input_width=32, warm_up_steps=1, rate=1e-3
)


@pytest.fixture(autouse=True)
def _quiet_lightning():
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def people(count: int = 6, trust: float = 1.0) -> list[PoseSample]:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (120, 90, 3), dtype=np.uint8)
    return [
        PoseSample(
            f"p{index}", "street", np.array([20, 10, 70, 110], np.float32),
            rng.uniform(20, 90, (19, 2)).astype(np.float32), np.full(19, trust, np.float32),
            1.0, 40.0, 5000.0, lambda: picture,
        )
        for index in range(count)
    ]  # fmt: skip


def test_a_run_writes_weights_that_the_network_loads_and_a_log(tmp_path):
    result = train_compact_pose(people(), tmp_path, recipe=SMALL, device="cpu", workers=0)
    trained = load_file(result)
    start = load_file(START_WEIGHTS)
    compact_pose(focused=False).load_state_dict(
        {name: value.float() for name, value in trained.items()}
    )
    assert (trained["stem.weight"] == start["stem.weight"]).all()
    assert (trained["head.output.weight"] != start["head.output.weight"]).any()
    assert (tmp_path / "metrics.csv").is_file()
    assert (tmp_path / "last.ckpt").is_file()


def test_a_resumed_run_goes_on_from_its_step_and_its_averaged_weights(tmp_path):
    train_compact_pose(people(), tmp_path / "a", recipe=SMALL, device="cpu", workers=0)
    longer = replace(SMALL, steps=5)
    scored: list[dict[str, torch.Tensor]] = []

    def scorer(network: torch.nn.Module) -> dict[str, float]:
        scored.append({name: value.clone() for name, value in network.state_dict().items()})
        return {}

    train_compact_pose(
        people(), tmp_path / "b", recipe=longer, device="cpu", workers=0, scorer=scorer,
        resume=tmp_path / "a" / "last.ckpt", score_every=1,
    )  # fmt: skip
    assert len(scored) == 2
    first = load_file(tmp_path / "a" / "compact_pose.safetensors")
    moved = (scored[0]["head.output.weight"] - first["head.output.weight"].float()).abs().max()
    assert 0 < moved < 0.1 * first["head.output.weight"].float().abs().max()


def test_the_scorer_is_asked_and_its_figures_are_logged(tmp_path):
    asked = []

    def scorer(network: torch.nn.Module) -> dict[str, float]:
        asked.append(network)
        return {"held_out": 0.5}

    train_compact_pose(
        people(), tmp_path, recipe=SMALL, device="cpu", workers=0, scorer=scorer, score_every=2
    )
    assert len(asked) == 1


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    with pytest.raises(ValueError, match="not finite at step 0"):
        train_compact_pose(
            people(trust=float("inf")), tmp_path, recipe=SMALL, device="cpu", workers=0
        )


def test_the_same_index_gives_the_same_person_and_place():
    def crops() -> PoseCrops:
        return PoseCrops(people(), {"street": 1.0}, PoseAugmentation(), 5, 64, 32)

    first, second = crops(), crops()
    second[7]
    np.testing.assert_array_equal(first[3].keypoints_xy, second[3].keypoints_xy)
    np.testing.assert_array_equal(first[3].clean_bgr, second[3].clean_bgr)


def test_a_mix_without_people_is_refused():
    with pytest.raises(ValueError, match="got no sample of the sources lspet"):
        PoseCrops(people(), {"lspet": 1.0}, PoseAugmentation(), 0, 64, 32)


def test_sources_outside_the_recipe_are_left_out_and_trust_is_scaled():
    recipe = PoseRecipe(sources={"street": SourceShare(1.0, 0.5, 0.25)})
    (first, *_) = weigh_sources(people(), recipe)
    assert first.trust[0] == 0.5
    assert first.teacher_trust == 0.25
    assert weigh_sources(people(), PoseRecipe(sources={"lspet": SourceShare(1, 1, 1)})) == []


def test_frozen_parts_are_in_no_group_and_the_output_has_its_own_rate():
    network = compact_pose()
    recipe = PoseRecipe(rate=1e-3, output_rate_factor=2.0)
    freeze(network, recipe)
    groups = {group["lr"]: group["params"] for group in parameter_groups(network, recipe)}
    assert set(groups) == {1e-3, 2e-3}
    assert len(groups[2e-3]) == 2
    assert not network.stem.weight.requires_grad
    assert not network.level32[0].filter.weight.requires_grad
    assert network.level32[0].filter.bias.requires_grad


def test_weights_of_another_network_are_refused(tmp_path):
    torch.manual_seed(0)
    save_weights(torch.nn.Linear(2, 2), tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="of no known architecture"):
        load_compact_pose(tmp_path / "other.safetensors")


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"input_width": 100}])
def test_a_recipe_that_cannot_run_is_refused(wrong):
    with pytest.raises(ValueError, match="supported are"):
        PoseRecipe(**wrong)
