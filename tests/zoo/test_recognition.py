"""A checkpoint is recognised from its keys and shapes, in every published layout."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rmpe.networks.mspn import MSPN
from rmpe.networks.rsn import RSN
from rmpe.networks.variants import FAMILIES, build_network, variant_names
from rmpe.skeletons import get_skeleton
from rmpe.zoo import LoadChoices, from_state_dict
from rmpe.zoo.catalogue import pose_entries
from rmpe.zoo.conventions import CONVENTIONS
from rmpe.zoo.reading.keys import rename_keys, unwrap
from rmpe.zoo.reading.recognise import recognise

# Four stages are three and one more; RSN's many small modules take seconds to make.
SLOW = {f"{name}_{stages}stage" for name in ("rsn18", "rsn50", "res18") for stages in (2, 4)} | {
    "rsn50_3stage"
}
JOINTS = {"duc_se_resnet101": 33, "hourglass_2stack": 16, "hourglass_8stack": 16}


def on_meta(build: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """The keys and shapes of a network, without memory behind them."""
    with torch.device("meta"):
        return build().state_dict()


def state_of(variant: str, joint_count: int) -> dict[str, Tensor]:
    """Weights of a network, zeros and ones only."""
    state = on_meta(lambda: build_network(variant, joint_count))
    return {
        key: torch.ones(value.shape)
        if key.endswith("running_var")
        else torch.zeros_like(value, device="cpu")
        for key, value in state.items()
    }


def our_keys(keys: list[str]) -> tuple[list[str], bool]:
    """This package's keys for a file's, and whether it is OpenMMLab's."""
    names, is_openmmlab = rename_keys(dict.fromkeys(keys, (1,)), FAMILIES)
    return list(names.values()), is_openmmlab


def tiny_state() -> dict[str, Tensor]:
    """Weights of the smallest network."""
    torch.manual_seed(0)
    return build_network("rsn18_1stage", 17).state_dict()


@pytest.mark.parametrize("variant", [name for name in variant_names() if name not in SLOW])
def test_every_variant_is_recognised_from_its_own_keys(variant: str) -> None:
    joint_count = JOINTS.get(variant, 17)
    state = on_meta(lambda: build_network(variant, joint_count))
    found = recognise({key: tuple(value.shape) for key, value in state.items()})
    assert found.joint_count == joint_count
    if variant.endswith("_caffe"):
        assert found.variants == (variant.removesuffix("_caffe"), variant)
    else:
        assert found.variants[0] == variant
    # What is built has the same keys and shapes again.
    built = on_meta(lambda: found.build(variant))
    assert {k: v.shape for k, v in built.items()} == {k: v.shape for k, v in state.items()}


@pytest.mark.parametrize(
    ("variant", "joint_count", "skeleton", "size"),
    [
        ("fastpose_res50", 26, "halpe26", (256, 192)),
        ("fastpose_res50_wide", 136, "halpe136", (256, 192)),
        ("duc_se_resnet101", 33, "coco17", (320, 256)),
        ("hrnet_w32", 16, "mpii16", (256, 256)),
        ("hrnet_w48", 14, "crowdpose14", (256, 192)),
        ("rsn18_1stage", 16, "mpii16", (256, 256)),
        ("hourglass_2stack", 16, "mpii16", (256, 256)),
        ("hourglass52", 17, "coco17", (256, 256)),
    ],
)
def test_joints_and_input_size_follow_the_number_of_heatmaps(
    variant: str, joint_count: int, skeleton: str, size: tuple[int, int]
) -> None:
    conventions = from_state_dict(state_of(variant, joint_count)).conventions
    assert conventions.skeleton_name == skeleton
    assert (conventions.input_height, conventions.input_width) == size


@pytest.mark.parametrize(
    ("variant", "codec"),
    [
        ("fastpose_res50", "sigmoid_integral"),
        ("fastpose_res50_wide", "alphapose"),
        ("fastpose_res50_dcn_wide", "alphapose_combined"),
    ],
)
def test_whole_body_networks_are_decoded_as_they_were_trained(variant: str, codec: str) -> None:
    assert from_state_dict(state_of(variant, 136)).conventions.codec == codec


def as_openmmlab(key: str, head: str) -> str:
    """OpenMMLab's name of an original HRNet or pose_resnet key."""
    in_head = key.startswith(("deconv_layers.", "final_layer."))
    return f"{head}.{key}" if in_head else f"backbone.{key}"


def multistage_as_openmmlab(key: str, head: str) -> str:
    """OpenMMLab's name of an original MSPN or RSN key, written independently of the loader."""
    if key.startswith("top.conv."):
        return key.replace("top.conv.", "backbone.top.top.0.")
    match = re.match(r"stage(\d)\.upsample\.up(\d)\.res_conv(\d)\.(.*)", key)
    if match:
        layer = 4 * int(match[1]) + int(match[2]) - 1
        return f"{head}.predict_layers.{layer}.conv_layers.{int(match[3]) - 1}.{match[4]}"
    kind = "rsn" if head.endswith("+rsn") else "mspn"
    key = re.sub(r"^stage(\d)", rf"backbone.multi_stage_{kind}.\1", key)
    return key.replace(".u_skip.", ".in_skip.").replace(".skip", ".out_skip")


@pytest.mark.parametrize("head", ["keypoint_head", "head"])
@pytest.mark.parametrize("variant", ["hrnet_w32", "pose_resnet50"])
def test_openmmlab_files_of_both_generations_load(variant: str, head: str) -> None:
    state = state_of(variant, 17)
    renamed = {as_openmmlab(key, head): value for key, value in state.items()}
    loaded = from_state_dict({"meta": {"epoch": 210}, "state_dict": renamed})
    assert (loaded.variant, loaded.origin) == (variant, "openmmlab")
    assert loaded.conventions.colour_order == "rgb"
    assert all(torch.equal(state[k], v) for k, v in loaded.network.state_dict().items())


@pytest.mark.parametrize("head", ["keypoint_head", "head"])
def test_openmmlab_hourglass_loads(head: str) -> None:
    state = state_of("hourglass52", 16)
    renamed = {re.sub(r"^head\.", f"{head}.", key): value for key, value in state.items()}
    loaded = from_state_dict(renamed)
    assert (loaded.family, loaded.conventions.skeleton_name) == ("hourglass52", "mpii16")


@pytest.mark.parametrize("head", ["keypoint_head", "head"])
def test_openmmlab_two_stage_names_reach_their_units(head: str) -> None:
    state = on_meta(lambda: MSPN(2, 17, bias=False))
    renamed = [multistage_as_openmmlab(key, head) for key in state]
    renamed = [
        re.sub(r"(layer\d\.\d+)\.conv_bn_relu(\d)\.(conv|bn)\.", r"\1.\3\2.", key)
        for key in renamed
    ]
    assert our_keys(renamed) == (list(state), True)


def test_openmmlab_rsn_names_reach_their_units() -> None:
    state = on_meta(lambda: RSN(18, 2, 17, bias=False))
    renamed = [
        multistage_as_openmmlab(key, "head").replace(".conv_bn_relu3.", ".conv_bn3.")
        for key in state
    ]
    assert our_keys(renamed) == (list(state), True)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {"state_dict": s, "optimizer": {"state": {}}, "epoch": 3},
        lambda s: {"model": s, "scheduler": {}, "iteration": 7},
        lambda s: {"state_dict": {f"module.{k}": v for k, v in s.items()}},
        lambda s: {"state_dict": {f"model.module.{k}": v for k, v in s.items()}, "epoch": 1},
        lambda s: {"state_dict": {f"network.{k}": v for k, v in s.items()}},
        lambda s: {"state_dict": s, "best_state_dict": {}, "perf": 0.7},
        lambda s: {"net": s, "epoch": 3},
        lambda s: {"best_state_dict": s, "args": {"lr": 0.1}},
        lambda s: {f"_orig_mod.module.{k}": v for k, v in s.items()},
        lambda s: {"state_dict": {f"pose_net.{k}": v for k, v in s.items()}},
        lambda s: s | {f"ema_{k.replace('.', '_')}": v + 1 for k, v in s.items()},
    ],
)
def test_wrappings_are_taken_off(wrap: Callable[[dict[str, Tensor]], dict[str, Any]]) -> None:
    state = {"conv.weight": torch.zeros(1), "conv.bias": torch.ones(1), "head.w": torch.ones(1)}
    assert unwrap(wrap(state)) == state


def test_of_two_networks_in_a_file_none_is_guessed() -> None:
    state = {"conv.weight": torch.zeros(1)}
    with pytest.raises(ValueError, match="got a checkpoint with G, D that are no tensors"):
        unwrap({"G": state, "D": state})


def test_a_trunk_alone_keeps_its_name() -> None:
    state = {"backbone.conv1.weight": torch.zeros(1), "backbone.bn1.weight": torch.zeros(1)}
    assert unwrap(state) == state


def test_batch_counters_may_be_missing() -> None:
    state = tiny_state()
    old = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    loaded = from_state_dict(old)
    counters = [
        v for k, v in loaded.network.state_dict().items() if k.endswith("num_batches_tracked")
    ]
    assert counters
    assert all(int(counter) == 0 for counter in counters)


def test_loading_copies_and_leaves_the_network_in_eval_mode() -> None:
    state = {key: value.clone() for key, value in tiny_state().items()}
    loaded = from_state_dict(state)
    before = loaded.network.state_dict()["top.conv.conv.weight"].clone()
    state["top.conv.conv.weight"].zero_()
    assert torch.equal(loaded.network.state_dict()["top.conv.conv.weight"], before)
    assert not loaded.network.training


def test_half_precision_weights_become_float32() -> None:
    state = {k: v.half() if v.is_floating_point() else v for k, v in tiny_state().items()}
    loaded = from_state_dict(state)
    assert {p.dtype for p in loaded.network.parameters()} == {torch.float32}


def test_choices_name_what_the_keys_cannot_tell() -> None:
    state = build_network("pose_resnet50", 17).state_dict()
    plain = from_state_dict(state)
    assert plain.same_keys == ("pose_resnet50_caffe",)
    caffe = from_state_dict(
        state, LoadChoices(variant="pose_resnet50_caffe", input_size_hw=(384, 288), codec="dark")
    )
    assert caffe.variant == "pose_resnet50_caffe"
    assert caffe.same_keys == ("pose_resnet50",)
    assert (caffe.conventions.input_height, caffe.conventions.input_width) == (384, 288)
    assert caffe.conventions.codec == "dark"
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert not torch.allclose(plain.network(image), caffe.network(image))


def test_an_hrnet_of_alphapose_is_named_by_its_origin() -> None:
    state = state_of("hrnet_w32", 17)
    usual, alphapose = (
        from_state_dict(state),
        from_state_dict(state, LoadChoices(origin="alphapose")),
    )
    assert usual.same_keys == ("alphapose",)
    assert usual.conventions == CONVENTIONS["hrnet"]
    assert alphapose.conventions == CONVENTIONS["alphapose"]


def test_choices_of_a_command_line() -> None:
    assert LoadChoices.from_text(None, None) == LoadChoices()
    assert LoadChoices.from_text("alphapose", "384x288") == LoadChoices(
        origin="alphapose", input_size_hw=(384, 288)
    )
    assert LoadChoices.from_text("pose_resnet50_caffe", None).variant == "pose_resnet50_caffe"
    with pytest.raises(ValueError, match="expected is one like 384x288"):
        LoadChoices.from_text(None, "384 by 288")


def without(state: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    """The state with one key less."""
    return {name: value for name, value in state.items() if name != key}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: without(s, "stage0.downsample.layer2.0.conv_bn_relu1.conv.weight"),
            r"nearest to rsn18_1stage .* missing: stage0\.downsample\.layer2\.0\.conv_bn_relu1",
        ),
        (
            lambda s: without(s, "stage0.upsample.up4.res_conv2.bn.weight"),
            r"looks like mspn, rsn but has no 'stage0\.upsample\.up4\.res_conv2\.bn\.weight'",
        ),
        (
            lambda s: {**s, "head.extra.weight": torch.zeros(1)},
            r"not the network's: head\.extra\.weight",
        ),
        (
            lambda s: {**s, "top.conv.bn.bias": torch.zeros(7)},
            r"of another shape: top\.conv\.bn\.bias \(7,\) instead of \(64,\)",
        ),
        (
            lambda s: {k: v for k, v in s.items() if not k.startswith("stage0.")},
            r"no known architecture; nearest: mspn needs stage0",
        ),
        (lambda s: {"encoder.weight": torch.zeros(2)}, r"known are fastpose, .*encoder"),
        (lambda s: {}, r"checkpoint with nothing"),
        (lambda s: {"epoch": 3, "lr": 0.1}, r"with epoch, lr that are no tensors"),
        (lambda s: {"backbone.x.weight": torch.zeros(2)}, r"no known architecture"),
    ],
)
def test_a_checkpoint_that_does_not_fit_says_what_is_wrong(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        from_state_dict(change(tiny_state()))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (LoadChoices(variant="hrnet_w32"), "does not fit variant 'hrnet_w32'.*rsn18_1stage"),
        (LoadChoices(input_size_hw=(250, 190)), "250x190, multiples of 32"),
        (LoadChoices(skeleton_name="halpe26"), "26 joints, the checkpoint 17 heatmaps"),
        (LoadChoices(skeleton_name="robot"), "robot"),
    ],
)
def test_a_choice_that_does_not_fit_is_refused(choices: LoadChoices, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_state_dict(tiny_state(), choices)


def test_a_trunk_of_another_depth_names_the_known_ones() -> None:
    state = on_meta(lambda: build_network("pose_resnet50", 17))
    fewer = {k: tuple(v.shape) for k, v in state.items() if not k.startswith("layer3.5.")}
    with pytest.raises(ValueError, match=r"\(3, 4, 5, 3\) blocks.*ResNet-50 \(3, 4, 6, 3\)"):
        recognise(fewer)


RTM_ROWS = {
    (f"{entry.variant}_{entry.input_height}x{entry.input_width}", entry.skeleton_name)
    for entry in pose_entries()
    if entry.variant.startswith(("rtmpose", "rtmw")) and not entry.is_onnx
}


@pytest.mark.parametrize(("variant", "skeleton"), sorted(RTM_ROWS))
def test_every_published_size_of_rtmpose_and_rtmw_is_recognised_with_its_joints_and_input(
    variant: str, skeleton: str
) -> None:
    joint_count = get_skeleton(skeleton).joint_count
    state = on_meta(lambda: build_network(variant, joint_count))
    found = recognise({key: tuple(value.shape) for key, value in state.items()})
    name, _, size = variant.rpartition("_")
    assert (found.variants, found.joint_count) == ((name,), joint_count)
    assert found.found.details["input_size_hw"] == tuple(map(int, size.split("x")))
