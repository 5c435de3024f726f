"""The joint-candidate recipe: crowds beside single people, a frozen trunk, maps for association."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rmpe.association import AssociationParameters
from rmpe.estimator import EstimatorOptions, PoseEstimator
from rmpe.records import Boxes
from rmpe.training.data.people import TrainingPeople, with_crowds
from rmpe.training.loop._weights import freeze
from rmpe.training.loop.run import RunOptions, train_network
from rmpe.training.loop.start import starting_network
from rmpe.training.recipes.published import NETWORK_RECIPES
from rmpe.zoo import load, load_bundled_pose

RECIPE = NETWORK_RECIPES["jc_compact"]


@pytest.fixture(scope="module")
def crowded(
    crowd: TrainingPeople, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingPeople, Path]:
    """The small set with one rendered crowd beside it."""
    folder = tmp_path_factory.mktemp("crowds")
    return with_crowds(crowd, folder, 1, size=(160, 96)), folder


def test_crowds_are_joined_with_numbers_of_their_own(
    crowd: TrainingPeople, crowded: tuple[TrainingPeople, Path]
) -> None:
    people, folder = crowded
    assert people.train.skeleton == crowd.train.skeleton
    added = people.train.people[len(crowd.train.people) :]
    assert 0 < len(added) <= 6
    grouped = people.train.people_by_picture()
    assert len(grouped) == len(crowd.train.pictures) + 1
    assert len({p.annotation_id for p in people.train.people}) == len(people.train.people)
    assert added[0].picture.load().shape == (96, 160, 3)
    assert people.validation is not None
    assert all("validation" in str(p.picture.path) for p in people.validation.people)
    written = (folder / "train" / "annotations.json").stat().st_mtime_ns
    again = with_crowds(crowd, folder, 1, size=(160, 96))
    assert (folder / "train" / "annotations.json").stat().st_mtime_ns == written
    assert len(again.train.people) == len(people.train.people)


def test_logits_are_no_start_for_maps(crowd: TrainingPeople) -> None:
    torch.manual_seed(0)
    network = starting_network(RECIPE, load_bundled_pose().conventions.skeleton)
    bundled = load_bundled_pose().network.state_dict()
    state = network.state_dict()
    changed = {key for key in state if not torch.equal(state[key], bundled[key])}
    assert changed == set(list(state)[-2:])


def test_unknown_frozen_parts_are_refused() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1))
    with pytest.raises(ValueError, match="got the frozen part 'trunk', Sequential has 0"):
        freeze(network, ("trunk",))


@pytest.mark.usefixtures("quiet_lightning")
def test_the_recipe_trains_and_its_maps_can_be_associated(
    crowded: tuple[TrainingPeople, Path], tmp_path: Path
) -> None:
    recipe = RECIPE.with_settings(
        [
            *("input_height=64", "input_width=64", "batch_size=4", "epochs=1"),
            *("epoch_people=0", "precision=32-true"),
        ]
    )
    options = RunOptions(device="cpu", workers=0, progress=False)
    result = train_network(crowded[0], tmp_path, recipe, options)
    loaded = load(result)
    assert loaded.conventions.codec == "compact_maps"
    bundled, trained = load_bundled_pose().network.state_dict(), loaded.network.state_dict()
    for key in bundled:
        if key.split(".")[0] in recipe.frozen:
            assert torch.equal(bundled[key], trained[key]), key
    assert not torch.equal(bundled["merge4.mix.weight"], trained["merge4.mix.weight"])
    estimator = PoseEstimator.build(
        detector=lambda images: [Boxes.empty() for _ in images],
        weights=str(result),
        runtime="torch",
        options=EstimatorOptions(association=AssociationParameters(threshold=0.0)),
    )
    image = np.full((96, 160, 3), 90, np.uint8)
    boxes = Boxes(
        np.array([[20, 10, 60, 80], [50, 10, 90, 80]], np.float32), np.ones(2, np.float32)
    )
    poses = estimator.estimate(image, boxes)
    assert len(poses) <= 2
    assert np.isfinite(poses.keypoints_xy).all()
