"""Pose networks in ONNX files are told by their shapes, their cards and mmdeploy's notes."""

from __future__ import annotations

import json
import logging
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from rmpe.estimator import PoseEstimator
from rmpe.heatmaps import get_codec
from rmpe.networks import build_network
from rmpe.records import Boxes
from rmpe.runtimes._onnx_metadata import read_metadata
from rmpe.zoo import LoadChoices, from_state_dict
from rmpe.zoo.catalogue import find_entry
from rmpe.zoo.onnx_pose import is_onnx, ready_onnx
from rmpe.zoo.unpacking import unpack_onnx

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def heatmap_file(
    path: Path, joint_count: int = 17, batch: int | str = "batch", cell: int = 4
) -> Path:
    """One convolution: joint k's map is the mean of channel k mod 3 over each cell."""
    weights = np.zeros((joint_count, 3, cell, cell), np.float32)
    for joint in range(joint_count):
        weights[joint, joint % 3] = 1 / cell**2
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "w"], ["heatmaps"], strides=[cell, cell])],
        "g",
        [helper.make_tensor_value_info("input", 1, [batch, 3, 64, 48])],
        [
            helper.make_tensor_value_info(
                "heatmaps", 1, [batch, joint_count, 64 // cell, 48 // cell]
            )
        ],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def simcc_file(path: Path, *, swapped: bool = False) -> Path:
    """Random RTMPose-t of 64x32 pixels and 17 joints, as mmdeploy names its outputs."""
    torch.manual_seed(0)
    network = build_network("rtmpose_t_64x32", 17).eval()
    if swapped:
        forward = network.forward
        network.forward = lambda x: forward(x)[::-1]  # type: ignore[method-assign]
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, 64, 32),),
        str(path),
        dynamo=False,
        input_names=["input"],
        output_names=["simcc_y", "simcc_x"] if swapped else ["simcc_x", "simcc_y"],
        dynamic_axes={name: {0: "batch"} for name in ("input", "simcc_x", "simcc_y")},
    )
    return path


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("batch", ["batch", 1, 4])
def test_heatmaps_of_any_batch_come_out_as_the_graph_says(
    runtime: str, batch: int | str, tmp_path: Path
) -> None:
    path = heatmap_file(tmp_path / "maps.onnx", batch=batch)
    choices = LoadChoices(origin="alphapose")
    engine, conventions = ready_onnx(
        str(path),
        choices,
        runtime=runtime,
        device="cpu",
        precision="fp32",  # type: ignore[arg-type]
    )
    assert (conventions.codec, conventions.skeleton_name) == ("alphapose", "coco17")
    assert (conventions.input_height, conventions.input_width) == (64, 48)
    crops = np.random.default_rng(0).integers(0, 255, (6, 64, 48, 3)).astype(np.uint8)
    (maps,) = engine(crops)
    # AlphaPose's mean, red first; the graph takes the mean of 4x4 pixels.
    rgb = crops[..., ::-1].astype(np.float32) / 255 - np.array([0.406, 0.457, 0.480], np.float32)
    cells = rgb.reshape(6, 16, 4, 12, 4, 3).mean((2, 4))
    np.testing.assert_allclose(maps[:, 3], cells[..., 0], atol=1e-5)
    np.testing.assert_allclose(maps[:, 16], cells[..., 1], atol=1e-5)


@pytest.mark.parametrize("swapped", [False, True])
def test_columns_and_rows_are_told_apart_by_their_lengths(swapped: bool, tmp_path: Path) -> None:
    path = simcc_file(tmp_path / "rtm.onnx", swapped=swapped)
    engine, conventions = ready_onnx(str(path), device="cpu", precision="fp32")
    assert conventions.codec == "simcc"
    assert conventions.colour_order == "rgb"
    crops = np.random.default_rng(0).integers(0, 255, (2, 64, 32, 3)).astype(np.uint8)
    columns, rows = engine(crops)
    assert (columns.shape, rows.shape) == ((2, 17, 64), (2, 17, 128))
    # The same weights through our own network agree.
    torch.manual_seed(0)
    loaded = from_state_dict(build_network("rtmpose_t_64x32", 17).state_dict())
    mean, std = (
        np.array(v, np.float32) * 255 for v in (loaded.conventions.mean, loaded.conventions.std)
    )
    planes = torch.from_numpy(((crops[..., ::-1] - mean) / std).transpose(0, 3, 1, 2).copy())
    with torch.inference_mode():
        expected = loaded.network(planes)
    for found, wanted in zip((columns, rows), expected):
        assert float((found - wanted).abs().max()) <= 2e-5 * float(wanted.abs().max())
    points = [get_codec("simcc").decode_rows(*pair)[0] for pair in ((columns, rows), expected)]  # type: ignore[attr-defined]
    assert torch.equal(*points)


def test_an_estimator_runs_a_file(tmp_path: Path) -> None:
    path = simcc_file(tmp_path / "rtm.onnx")
    boxes = Boxes(
        np.array([[10, 10, 50, 90], [40, 20, 70, 80]], np.float32), np.ones(2, np.float32)
    )
    estimator = PoseEstimator.build(
        detector=lambda images: [boxes for _ in images], weights=str(path), device="cpu"
    )
    picture = np.random.default_rng(1).integers(0, 255, (100, 100, 3)).astype(np.uint8)
    poses = estimator.estimate(picture, boxes)
    assert poses.keypoints_xy.shape == (2, 17, 2)
    assert "ONNX file" in estimator.engine


def test_mmdeploys_notes_beside_the_file_say_how_it_is_normalised(tmp_path: Path) -> None:
    path = heatmap_file(tmp_path / "end2end.onnx")
    steps = [
        {"type": "TopDownAffine", "image_size": [48, 64]},
        {"type": "Normalize", "mean": [102, 51, 0], "std": [255, 255, 255], "to_rgb": False},
    ]
    notes = {"pipeline": {"tasks": [{"name": "Preprocess", "transforms": steps}]}}
    path.with_name("pipeline.json").write_text(json.dumps(notes))
    _, conventions = ready_onnx(str(path), device="cpu")
    assert conventions.colour_order == "bgr"
    assert conventions.mean == (0.4, 0.2, 0.0)
    assert conventions.std == (1.0, 1.0, 1.0)
    path.with_name("pipeline.json").write_text('{"type": "Normalize", "mean": 3}')
    with pytest.raises(ValueError, match=r"pipeline\.json beside it cannot be understood"):
        ready_onnx(str(path), device="cpu")


def test_guesses_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = heatmap_file(tmp_path / "maps.onnx", joint_count=14)
    with caplog.at_level(logging.WARNING, "rmpe"):
        _, conventions = ready_onnx(str(path), device="cpu")
    assert conventions.skeleton_name == "crowdpose14"
    assert "does not say how its pictures are normalised" in caplog.text
    assert "which its 14 joints are" in caplog.text


@pytest.mark.parametrize(
    ("make", "choices", "message"),
    [
        (
            lambda p: heatmap_file(p, joint_count=5),
            None,
            "gives 5 joints, which no skeleton is usual for",
        ),
        (
            lambda p: heatmap_file(p, cell=8),
            None,
            r"outputs are heatmaps .*supported are heatmaps \(N, K, 16, 12\) or SimCC",
        ),
        (heatmap_file, LoadChoices(input_size_hw=(256, 192)), r"takes \(64, 48\) only"),
        (heatmap_file, LoadChoices(skeleton_name="halpe26"), "26 joints, the file gives 17"),
    ],
)
def test_a_file_that_does_not_fit_says_why(
    make: object, choices: LoadChoices | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "net.onnx"
    make(path)  # type: ignore[operator]
    with pytest.raises(ValueError, match=message) as caught:
        ready_onnx(str(path), choices, device="cpu")
    assert str(caught.value).startswith("net.onnx: ")
    assert "\n" not in str(caught.value)


def test_a_one_stage_network_is_named_as_such(tmp_path: Path) -> None:
    helper = onnx.helper
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["images"], ["p"]),
            helper.make_node("Reshape", ["p", "s"], ["q"]),
            helper.make_node("Expand", ["q", "e"], ["output0"]),
        ],
        "g",
        [helper.make_tensor_value_info("images", 1, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("output0", 1, [1, 56, 21])],
        [
            onnx.numpy_helper.from_array(np.array([1, 3, 1, 1][:3]), "s"),
            onnx.numpy_helper.from_array(np.array([1, 3, 21]), "e"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path = tmp_path / "yolo-pose.onnx"
    onnx.save(model, path)
    with pytest.raises(ValueError, match="one-stage network"):
        ready_onnx(str(path), device="cpu", runtime="onnxruntime")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "cannot read"), (b"no such file at all" * 9, "cannot read|no ONNX file|cut short")],
)
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_what_is_no_onnx_file_is_one_sentence(
    content: bytes, message: str, runtime: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        ready_onnx(str(path), runtime=runtime, device="cpu")  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="there is no ONNX file"):
        ready_onnx(str(tmp_path / "none.onnx"), device="cpu")
    with pytest.raises(ValueError, match="not run by torch"):
        ready_onnx(str(path), runtime="torch", device="cpu")


def test_metadata_is_read_without_the_onnx_package(tmp_path: Path) -> None:
    path = heatmap_file(tmp_path / "maps.onnx")
    model = onnx.load(path)
    wanted = {"rmpe": "x" * 300, "ключ": "ü"}
    onnx.helper.set_model_props(model, wanted)
    onnx.save(model, path)
    assert read_metadata(path) == wanted


def archive(path: Path, members: dict[str, bytes]) -> Path:
    """A zip file with these members."""
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path


def test_only_the_network_and_its_notes_leave_an_archive(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "net.onnx"
    packed = archive(
        tmp_path / "sdk.zip",
        {
            "20230831/rtmpose/end2end.onnx": b"network",
            "20230831/rtmpose/pipeline.json": b"{}",
            "20230831/rtmpose/detail.json": b"{}",
        },
    )
    unpack_onnx(packed, target, 100)
    assert target.read_bytes() == b"network"
    assert sorted(p.name for p in target.parent.iterdir()) == ["net.onnx", "pipeline.json"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"../end2end.onnx": b"x"}, "leads out of its folder"),
        ({"/tmp/end2end.onnx": b"x"}, "leads out of its folder"),
        ({"a\\..\\..\\end2end.onnx": b"x"}, "leads out of its folder"),
        ({"C:/end2end.onnx": b"x"}, "leads out of its folder"),
        ({"a/b.txt": b"x"}, "holds no ONNX file"),
        ({"a/one.onnx": b"x", "b/two.onnx": b"y"}, "holds several ONNX files"),
        ({"a/end2end.onnx": b"x" * 101}, "unpacks to 101 bytes, at most 100"),
    ],
)
def test_an_archive_that_is_not_right_is_refused(
    members: dict[str, bytes], message: str, tmp_path: Path
) -> None:
    target = tmp_path / "cache" / "net.onnx"
    with pytest.raises(ValueError, match=message):
        unpack_onnx(archive(tmp_path / "sdk.zip", members), target, 100)
    assert not list(tmp_path.rglob("*.onnx*"))


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    packed = archive(tmp_path / "sdk.zip", {"end2end.onnx": b"network" * 9})
    content = bytearray(packed.read_bytes())
    content[content.index(b"network")] ^= 1
    packed.write_bytes(content)
    with pytest.raises(ValueError, match=r"sdk\.zip is damaged or cut short"):
        unpack_onnx(packed, tmp_path / "net.onnx", 1000)
    packed.write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match=r"sdk\.zip is damaged or cut short"):
        unpack_onnx(packed, tmp_path / "net.onnx", 1000)
    assert not (tmp_path / "net.onnx").exists()


def test_catalogue_names_of_archives_are_onnx() -> None:
    entry = find_entry("rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504-onnx")
    assert (entry.variant, entry.sha256_prefix, entry.is_onnx) == ("onnx", "", True)
    assert is_onnx(entry.name)
    assert is_onnx("some/file.onnx")
    assert not is_onnx("rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504")
    assert not is_onnx("nothing-of-that-name")
