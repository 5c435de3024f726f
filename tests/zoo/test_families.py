"""A family of networks is one file and one row: recognition and building both go by it."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn

from rmpe.networks.blocks import Found, Shapes
from rmpe.networks.variants import FAMILIES, Family, build_network, variant_names
from rmpe.zoo import from_state_dict


class Toy(nn.Module):
    """What a family's own file would hold: (N, 3, H, W) → (N, joint_count, H/4, W/4)."""

    def __init__(self, width: int, joint_count: int) -> None:
        super().__init__()
        self.toy_in = nn.Conv2d(3, width, 4, stride=4)
        self.toy_out = nn.Conv2d(width, joint_count, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.toy_out(self.toy_in(x))

    def supervised_outputs(self, x: Tensor) -> list[Tensor]:
        """The heatmaps alone."""
        return [self(x)]


def read_toy(shapes: Shapes) -> Found:
    """Which toy has these shapes."""
    joint_count, width = shapes["toy_out.weight"][:2]
    return Found((f"toy_w{width}",), joint_count)


TOY = Family(
    "toy",
    ("toy_in", "toy_out"),
    read_toy,
    re.compile(r"toy_w(?P<width>\d+)"),
    lambda name, joint_count: Toy(int(name["width"]), joint_count),
    variants=("toy_w8",),
    origins=("hrnet",),
)


def test_a_family_of_ones_own_is_built_recognised_and_loaded_by_its_row() -> None:
    families = (*FAMILIES, TOY)
    network = build_network("toy_w5", 17, families=families).eval()
    loaded = from_state_dict(network.state_dict(), families=families)
    assert (loaded.family, loaded.variant, loaded.origin) == ("toy", "toy_w5", "hrnet")
    assert loaded.conventions.skeleton_name == "coco17"
    images = torch.rand(2, 3, 32, 64)
    with torch.inference_mode():
        assert torch.equal(loaded.network(images), network(images))
    assert variant_names(families)[-1] == "toy_w8"


def test_without_its_row_it_is_of_no_known_architecture() -> None:
    with pytest.raises(ValueError, match=r"no known architecture.*toy_in\.weight"):
        from_state_dict(Toy(5, 17).state_dict())
    with pytest.raises(ValueError, match="got network 'toy_w5'"):
        build_network("toy_w5", 17)


def test_every_published_name_belongs_to_one_family() -> None:
    for name in variant_names():
        assert len([f for f in FAMILIES if f.names.fullmatch(name)]) == 1, name


@pytest.mark.parametrize("width", [18, 64])
def test_an_hrnet_of_another_width_is_built_by_the_name_it_loads_as(width: int) -> None:
    name = f"hrnet_w{width}"
    with torch.device("meta"):
        state = build_network(name, 17).state_dict()
    zeros = {key: torch.zeros_like(value, device="cpu") for key, value in state.items()}
    loaded = from_state_dict(zeros)
    assert loaded.variant == name
    assert loaded.network.state_dict()["final_layer.weight"].shape[1] == width


def test_the_door_of_the_networks_offers_what_it_names() -> None:
    from rmpe import networks

    assert dir(networks) == sorted(networks.__all__)
    assert all(getattr(networks, name).__doc__ for name in networks.__all__)
    with pytest.raises(AttributeError, match="no attribute 'alexnet'"):
        _ = networks.alexnet  # type: ignore[attr-defined]
