"""Recipes as values: printed, hashed, overridden, refused."""

import pytest
import torch

from rmpe.networks.compact_pose import compact_pose
from rmpe.networks.variants import variant_names
from rmpe.training.loop._average import averaged
from rmpe.training.loop._schedule import recipe_schedule
from rmpe.training.loop._weights import freeze
from rmpe.training.recipes.published import NETWORK_RECIPES
from rmpe.training.recipes.settings import NetworkRecipe, describe
from rmpe.training.runs import describe_recipe, recipe_names

HRNET = NETWORK_RECIPES["hrnet_w32_coco"]


def test_every_name_of_the_documentation_is_there() -> None:
    names = {
        "rtmpose_m_coco", "rtmpose_s_coco",
        "hrnet_w32_coco", "hrnet_w48_coco", "simplebaseline50_coco", "mspn_1stage_coco",
        "mspn_2stage_coco", "mspn_3stage_coco", "mspn_4stage_coco", "rsn18_coco", "rsn50_coco",
        "cpn50_coco", "fastpose_res50_coco", "hourglass2_mpii", "hourglass8_mpii", "jc_crowdpose",
        "sstn_compact", "compact_coco",
    }  # fmt: skip
    assert names <= set(NETWORK_RECIPES)
    assert all(r.variant in variant_names() for r in NETWORK_RECIPES.values())


def test_values_are_those_of_the_papers() -> None:
    assert (HRNET.rate, HRNET.epochs, HRNET.rate_drops) == (1e-3, 210, (170, 200))
    assert (HRNET.rotation_degrees, HRNET.scale_low, HRNET.scale_high) == (45, 0.65, 1.35)
    cpn = NETWORK_RECIPES["cpn50_coco"]
    assert (cpn.rate, cpn.weight_decay, cpn.hard_joints, cpn.hard_outputs) == (5e-4, 1e-5, 8, (4,))
    mspn = NETWORK_RECIPES["mspn_2stage_coco"]
    assert mspn.output_kernels == (15, 11, 9, 7, 11, 9, 7, 5)
    assert mspn.hard_outputs == (3, 7)
    assert NETWORK_RECIPES["jc_crowdpose"].interference == 0.5
    assert NETWORK_RECIPES["fastpose_res50_coco"].proposals_from == 140


def test_settings_are_read_by_the_type_of_their_field() -> None:
    changed = HRNET.with_settings(
        [
            "epochs=3",
            "rate = 2e-4",
            "rate_drops=1,2",
            "loss=integral",
            "transformer=yes",
            "skeleton=",
        ]
    )
    assert changed.epochs == 3
    assert changed.rate == 2e-4
    assert changed.rate_drops == (1, 2)
    assert changed.loss == "integral"
    assert changed.transformer is True
    assert changed.skeleton == ""
    assert HRNET.epochs == 210


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epoch=3", "supported are name=value with the names name, variant, .*epochs"),
        ("epochs", "supported are name=value"),
        ("epochs=many", "got epochs 'many', needed is a int"),
        ("rate_drops=1,x", "needed is a tuple"),
        ("optimiser=lion", "supported are adam, rmsprop, relative_adam"),
        ("transformer=perhaps", "needed is a bool"),
        ("input_width=50", r"got input_width 50, allowed is 32, 64"),
        ("batch_size=0", "a positive multiple of accumulate"),
        ("interference=2", "0 to 1"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(setting: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HRNET.with_settings([setting])


def test_equal_recipes_have_equal_hashes_and_digests() -> None:
    again = HRNET.with_settings(["epochs=210"])
    assert hash(again) == hash(HRNET)
    assert again.digest() == HRNET.digest()
    assert HRNET.with_settings(["epochs=211"]).digest() != HRNET.digest()
    assert "rate_drops             = (170, 200)" in describe(HRNET)


def rates(recipe: NetworkRecipe, steps_per_epoch: int, steps: list[int]) -> list[float]:
    """Learning rates of some steps in units of the recipe's."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = recipe_schedule(recipe, optimiser, steps_per_epoch)
    found = []
    for _ in range(max(steps) + 1):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return [found[step] for step in steps]


def test_steps_drop_at_the_epochs_named() -> None:
    assert rates(HRNET, 1, [0, 169, 170, 199, 200]) == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_a_linear_schedule_falls_to_nothing_at_the_end() -> None:
    recipe = NETWORK_RECIPES["mspn_1stage_coco"].with_settings(["epochs=4"])
    assert rates(recipe, 10, [0, 20, 40]) == pytest.approx([1, 0.5, 0], abs=1e-6)


def test_a_cosine_falls_by_half_of_its_way_in_the_middle() -> None:
    recipe = HRNET.with_settings(["epochs=4", "schedule=cosine"])
    assert rates(recipe, 10, [0, 20, 40]) == pytest.approx([1, 0.5, 0], abs=1e-6)


def test_halving_counts_people_not_epochs() -> None:
    recipe = NETWORK_RECIPES["cpn50_coco"].with_settings(["halving_people=64"])  # batches of 32
    assert rates(recipe, 7, [0, 1, 2, 3, 4]) == [1, 1, 0.5, 0.5, 0.25]


def test_a_warm_up_rises_evenly_and_the_schedule_follows() -> None:
    recipe = HRNET.with_settings(["warm_up_steps=4", "epochs=4", "schedule=linear"])
    # 4 of 12 steps of warm-up, then 8 in which the rate falls to nothing.
    assert rates(recipe, 3, [0, 1, 2, 3, 4, 8, 12]) == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1, 0.5, 0], abs=1e-6
    )


def test_an_average_forgets_its_start_quickly_and_later_steps_slowly() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(network.weight, 5.0)
    mean = averaged(network, 0.5)
    for value in (1.0, 2.0, 3.0):  # the first step is copied, later ones weigh 9/11 and 9/12
        torch.nn.init.constant_(network.weight, value)
        mean.update_parameters(network)
    second = 1.0 + (2.0 - 1.0) * 9 / 11
    assert mean.module.weight.item() == pytest.approx(second + (3.0 - second) * 9 / 12)


def test_frozen_parts_and_depthwise_filters_do_not_learn() -> None:
    network = compact_pose()
    freeze(network, ("stem", "level8.0"), depthwise=True)
    learning = {name for name, p in network.named_parameters() if p.requires_grad}
    assert "head.output.weight" in learning and "level8.1.expand.weight" in learning
    still = ("stem.weight", "level8.0.expand.weight", "level16.0.filter.weight")
    assert not learning.intersection(still)
    with pytest.raises(ValueError, match="got the frozen part 'trunk', CompactPose has stem"):
        freeze(network, ("trunk",))


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_can_be_shown(name: str) -> None:
    assert len(describe_recipe(name).splitlines()) > 5
