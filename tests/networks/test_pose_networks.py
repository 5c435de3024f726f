"""What every pose network promises, and the table that documents them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from rmpe.networks.blocks.resnet import SpaceToChannels
from rmpe.networks.complexity import count_macs, count_parameters
from rmpe.networks.rsn import RSN, PoseRefineMachine
from rmpe.networks.variants import build_network
from rmpe.zoo import from_state_dict
from tools.pages.networks_table import BEGIN, END, render_rows, write_table
from tools.pages.published_networks import PUBLISHED

SMALL = {
    "fastpose_res50_dcn": 1,
    "fastpose_duc_res50_unshuffle": 1,
    "pose_resnet50": 1,
    "hrnet_w32": 1,
    "cpn50": 5,
    "mspn_1stage": 4,
    "rsn18_2stage": 8,
    "hourglass_2stack": 2,
    "hourglass52": 1,
}


def constant_network(variant: str, joint_count: int) -> nn.Module:
    """A network with the same value in every weight, which takes no time to make."""
    with torch.device("meta"):
        network = build_network(variant, joint_count)
    network.to_empty(device="cpu")
    with torch.no_grad():
        for value in network.state_dict().values():
            value.fill_(0.02)
    return network.eval()


@pytest.mark.parametrize("variant", SMALL)
def test_outputs_have_a_quarter_of_the_input_and_the_last_is_the_forward(variant: str) -> None:
    network = constant_network(variant, 5)
    images = torch.rand(2, 3, 128, 128)
    with torch.inference_mode():
        outputs = network.supervised_outputs(images)  # type: ignore[operator]
        final = network(images)
    assert len(outputs) == SMALL[variant]
    assert all(output.shape == (2, 5, 32, 32) for output in outputs)
    assert torch.equal(outputs[-1], final)


def test_a_simcc_network_gives_columns_and_rows_of_its_own_size_only() -> None:
    network = constant_network("rtmpose_t_128x96", 5)
    images = torch.rand(2, 3, 128, 96)
    with torch.inference_mode():
        columns, rows = network(images)
        supervised = network.supervised_outputs(images)  # type: ignore[operator]
        with pytest.raises(ValueError, match="64x96, this network takes 128x96 only"):
            network(images[:, :, :64])
    assert (columns.shape, rows.shape) == ((2, 5, 192), (2, 5, 256))
    assert isinstance(supervised, list)
    assert all(torch.equal(a, b) for a, b in zip(supervised, (columns, rows)))
    with pytest.raises(ValueError, match="100x96, multiples of 32"):
        build_network("rtmpose_t_100x96", 5)


@pytest.mark.parametrize("variant", ["rtmdet_tiny", "rtmdet_m"])
def test_levels_of_a_detector_share_their_towers_convolutions_not_norms(variant: str) -> None:
    with torch.device("meta"):
        state = build_network(variant, 1).state_dict()
    zeros = {k: torch.zeros(v.shape, dtype=v.dtype) for k, v in state.items()}
    head = from_state_dict(zeros).network.bbox_head
    first, last = head.cls_convs[0][1], head.cls_convs[2][1]
    assert first.conv is last.conv
    assert first.bn is not last.bn
    zeros["bbox_head.cls_convs.2.1.conv.weight"] += 1
    with pytest.raises(ValueError, match="are one tensor there and differ in the file"):
        from_state_dict(zeros)


@pytest.mark.parametrize("variant", ["fastpose_res50", "hrnet_w32", "rsn18_1stage"])
def test_an_input_need_not_be_square_and_may_be_empty(variant: str) -> None:
    network = constant_network(variant, 17)
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 64, 96)).shape == (1, 17, 16, 24)
        assert network(torch.rand(0, 3, 64, 96)).shape == (0, 17, 16, 24)


def test_every_parameter_that_is_used_gets_a_gradient() -> None:
    network = build_network("rsn18_2stage", 3).train()
    outputs = network.supervised_outputs(torch.rand(2, 3, 64, 64))  # type: ignore[operator]
    sum(output.square().mean() for output in outputs).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_hourglass_takes_channel_last_pictures_too() -> None:
    network = build_network("hourglass_2stack", 2).eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(network(images), network(images.permute(0, 2, 3, 1)))


def test_space_to_channels_orders_channels_as_torch_does() -> None:
    images = torch.rand(2, 3, 6, 4)
    assert torch.equal(SpaceToChannels(2)(images), nn.PixelUnshuffle(2)(images))
    assert SpaceToChannels(2)(images[:0]).shape == (0, 12, 3, 2)


def test_the_refine_machine_follows_its_formula() -> None:
    torch.manual_seed(0)
    machine = PoseRefineMachine(4).eval()
    x = torch.rand(2, 4, 8, 6)
    with torch.inference_mode():
        a = machine.trunk(x)
        b = machine.channel_gate(a)
        c = machine.pixel_gate(a)
        assert b.shape == (2, 4, 1, 1)
        assert c.shape == a.shape
        assert torch.allclose(machine(x), a * (1 + b * c))


def test_the_refine_machine_changes_the_last_output_only() -> None:
    torch.manual_seed(0)
    network = RSN(18, 1, 3, refine=True).eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        refined = network.supervised_outputs(images)
        machine, network.refine = network.refine, None
        plain = network.supervised_outputs(images)
    assert machine is not None
    assert all(torch.equal(one, other) for one, other in zip(refined[:-1], plain[:-1]))
    with torch.inference_mode():
        assert torch.equal(refined[-1], machine(plain[-1]))


@pytest.mark.parametrize(
    ("variant", "joint_count", "message"),
    [("alexnet", 17, "supported are fastpose_res50"), ("cpn50", 0, "at least 1")],
)
def test_an_unknown_network_is_refused(variant: str, joint_count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_network(variant, joint_count)


def test_multiply_adds_follow_the_formula_of_each_layer() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1),
        nn.Flatten(),
        nn.Linear(4 * 8 * 8, 10),
    ).train()
    counted = count_macs(network, 8, 8)
    convolution = 4 * 4 * 8 * (3 * 3 * 3)
    transposed = 4 * 4 * 8 * (4 * 4 * 4)
    linear = 4 * 8 * 8 * 10
    assert counted.macs == convolution + transposed + linear
    assert counted.transposed_macs == transposed
    assert network.training
    parameters = (3 * 9 * 8 + 8) + 16 + (8 * 4 * 16 + 4) + (256 * 10 + 10)
    assert count_parameters(network) == parameters


# Parameters and multiply-adds in 10^6, as counted on the original code (reference table).
COUNTED = [
    ("fastpose_duc_res50_unshuffle", 17, 256, 192, 57.854, 9684),
    ("fastpose_res50_dcn", 17, 256, 192, 41.159, 6010),
    ("fastpose_res50", 26, 256, 192, 40.588, 5919),
    ("fastpose_res50_wide", 136, 256, 192, 42.052, 7695),
    ("fastpose_res152_wide", 136, 256, 192, 76.688, 14968),
    ("fastpose_res50", 136, 256, 192, 40.715, 6308),
    ("fastpose_res50_dcn_wide", 136, 256, 192, 42.633, 7819),
    ("hrnet_w48", 17, 384, 288, 63.596, 35307),
    ("hrnet_w32", 16, 256, 256, 28.536, 10193),
    ("pose_resnet101", 17, 256, 192, 52.992, 9063),
    ("pose_resnet152", 17, 384, 288, 68.635, 28573),
    ("pose_resnet50_caffe", 17, 256, 192, 34.000, 5200),
    ("cpn101", 17, 384, 288, 46.399, 24642),
    ("mspn_3stage", 17, 256, 192, 88.592, 17453),
    ("res18_1stage", 17, 256, 192, 8.559, 2065),
    ("rsn18_4stage", 17, 256, 192, 38.456, 9220),
    ("hourglass_8stack", 16, 256, 256, 32.819, 27440),
    ("hourglass52", 17, 256, 256, 94.848, 28620),
    ("rtmpose_s", 17, 256, 192, 5.473, 676),
    ("rtmpose_l", 17, 256, 192, 27.660, 4142),
]


@pytest.mark.parametrize(
    ("variant", "joint_count", "height", "width", "parameters", "macs"), COUNTED
)
def test_sizes_are_those_of_the_original_code(
    variant: str, joint_count: int, height: int, width: int, parameters: float, macs: int
) -> None:
    with torch.device("meta"):
        network = build_network(variant, joint_count)
    network.to_empty(device="cpu")
    assert round(count_parameters(network) / 1e6, 3) == parameters
    assert round(count_macs(network, height, width).macs / 1e6) == pytest.approx(macs, abs=0.6)


def documented_lines(repository: Path) -> list[str]:
    """The lines of the table in docs/networks.md, heading left out."""
    page = (repository / "docs" / "networks.md").read_text(encoding="utf-8")
    return page.partition(BEGIN)[2].partition(END)[0].strip().splitlines()[2:]


def test_the_documented_table_is_what_its_command_writes(repository: Path) -> None:
    documented = documented_lines(repository)
    assert len(documented) == len(PUBLISHED)
    # One of each source here, all of them in the slow test.
    firsts = {network.source: place for place, network in reversed(list(enumerate(PUBLISHED)))}
    places = sorted(firsts.values())
    assert [documented[i] for i in places] == render_rows([PUBLISHED[i] for i in places])


@pytest.mark.slow
def test_the_whole_documented_table_is_what_its_command_writes(
    repository: Path, tmp_path: Path
) -> None:
    page = repository / "docs" / "networks.md"
    copy = tmp_path / "networks.md"
    copy.write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    write_table(copy)
    assert copy.read_text(encoding="utf-8") == page.read_text(encoding="utf-8")


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Nothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match="needs the lines"):
        write_table(page)
