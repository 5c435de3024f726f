"""The bundled networks without torch: never imported, the same answers, and what happens else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from pipeline.assemble import run_plain
from pipeline.readers import VideoReader
from pipeline.stages.track import build_tracker
from rmpe.detectors.compact import CompactPersonDetector, build_compact_detector
from rmpe.detectors.compact import preprocessed_network as detector_network
from rmpe.estimator import PoseEstimator
from rmpe.records import Boxes, Frame, ImageArray
from rmpe.runtimes import PreprocessedNetwork, as_array, base, build_runtime
from rmpe.runtimes.graph import Graph, GraphRuntime
from rmpe.synthetic.world.clips import walkers_scene
from rmpe.zoo import load_bundled_pose
from rmpe.zoo.bundled import BUNDLED

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "examples" / "crossing.mp4"

WITHOUT_TORCH = """
import json, sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision"):
            raise ImportError(f"{name} is not to be imported")

sys.meta_path.insert(0, NoTorch())
sys.argv = ["rmpe", *sys.argv[1:]]
import cli
try:
    cli.main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(sorted(name for name in sys.modules if name.startswith("torch"))))
"""


def run_without_torch(*arguments: str) -> list[str]:
    """Run a command where torch cannot be imported; return what of it is loaded at the end."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return loaded


def test_a_clip_on_this_disk_needs_no_library_that_takes_long_to_load() -> None:
    loaded = "import sys, pipeline.clips.worklist, rmpe.estimator; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "scipy.ndimage", "scipy.linalg", "scipy.optimize", "fsspec", "asyncio", "PIL"}
    assert not heavy & set(done.stdout.split())


def test_video_never_imports_torch(tmp_path: Path) -> None:
    arguments = ["video", str(CLIP), "-o", str(tmp_path / "out"), "--end", "0.3", "--smooth"]
    assert run_without_torch(*arguments, "--device", "cpu", "--flip-test") == []
    lines = (tmp_path / "out" / "poses.ndjson").read_text().splitlines()
    assert sum(len(json.loads(line).get("people", [])) for line in lines) > 0


def test_images_never_imports_torch(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), first_picture())
    arguments = ["images", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]
    assert run_without_torch(*arguments, "--device", "cpu") == []


def first_picture() -> ImageArray:
    """The example clip's first picture."""
    return next(iter(VideoReader(CLIP))).image_bgr


def in_torch(name: str, light: PoseEstimator) -> PoseEstimator:
    """The bundled pair of ``light``, its networks converted from torch, in fp32."""
    choice = {"runtime": "openvino", "device": "cpu", "precision": "fp32", "threads": 1}
    assert isinstance(light.detector, CompactPersonDetector)
    engine = build_runtime(detector_network(), **choice)
    detector = CompactPersonDetector(engine, light.detector.options)
    loaded = load_bundled_pose(name)
    conventions = loaded.conventions
    pose = PreprocessedNetwork(
        loaded.network, conventions.colour_order, conventions.mean, conventions.std
    )
    return PoseEstimator(detector, build_runtime(pose, **choice), light.conventions)


@pytest.mark.parametrize("name", ["compact", "compact-accurate"])
def test_graph_and_torch_give_the_same_poses(name: str) -> None:
    picture = first_picture()
    light = PoseEstimator.from_preset(name, device="cpu", precision="fp32", threads=1)
    assert isinstance(light.runtime, GraphRuntime)
    ours, theirs = light(picture), in_torch(name, light)(picture)
    assert len(ours) == len(theirs) > 0
    np.testing.assert_allclose(ours.keypoints_xy, theirs.keypoints_xy, atol=0.05)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-3)
    np.testing.assert_allclose(ours.boxes_xyxy, theirs.boxes_xyxy, atol=0.05)


def first_frames() -> list[Frame]:
    """Of the example clip."""
    return list(islice(VideoReader(CLIP), 6))


def drawn_frames(seed: int) -> list[Frame]:
    """Of three drawn walkers."""
    scene = walkers_scene(3, 640, 360, seed=seed)
    seen = [scene.frame_at(number) for number in range(6)]
    return [Frame(its.index, its.timestamp_s, its.image_bgr) for its in seen]


@pytest.mark.slow
@pytest.mark.parametrize(
    "frames",
    [first_frames, partial(drawn_frames, 3), partial(drawn_frames, 8)],
    ids=["example", "drawn", "drawn otherwise"],
)
def test_graph_and_torch_give_the_same_people_in_clips(frames: Callable[[], list[Frame]]) -> None:
    light = PoseEstimator.from_preset("compact", device="cpu", precision="fp32", threads=1)
    clip = frames()
    runs = [
        list(run_plain(clip, estimator, tracker=build_tracker(look=estimator)))
        for estimator in (light, in_torch("compact", light))
    ]
    apart = []
    for (_, ours), (_, theirs) in zip(*runs, strict=True):
        np.testing.assert_array_equal(ours.ids, theirs.ids)
        apart.append(np.abs(ours.keypoints_xy - theirs.keypoints_xy).max(-1).ravel())
    apart_px = np.concatenate(apart)
    assert len(apart_px) > 6 * ours.joint_count
    assert apart_px.max() <= 0.05


@pytest.mark.parametrize("is_narrow", [False, True])
@pytest.mark.parametrize("name", ["compact", "compact-accurate"])
def test_graph_and_torch_itself_give_the_same_maps(name: str, is_narrow: bool) -> None:
    loaded = load_bundled_pose(name)
    conventions = loaded.conventions
    network = PreprocessedNetwork(
        loaded.network, conventions.colour_order, conventions.mean, conventions.std
    )
    plain = build_runtime(network, runtime="torch", device="cpu", precision="fp32")
    light = PoseEstimator.from_preset(name, device="cpu", precision="fp32", threads=1)
    width = light.conventions.narrow_width if is_narrow else conventions.input_width
    shape = (2, conventions.input_height, width, 3)
    crops = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    wanted = as_array(plain(crops)[0])
    np.testing.assert_allclose(as_array(light.runtime(crops)[0]), wanted, atol=2e-3)


def test_pictures_of_other_sizes_are_answered_like_torch_does() -> None:
    light = build_compact_detector(device="cpu", precision="fp32", threads=1)
    plain = CompactPersonDetector(
        build_runtime(detector_network(), runtime="torch", device="cpu", precision="fp32"),
        light.options,
    )
    picture = first_picture()
    for cut in (picture, picture[:200], picture[:, :300]):
        ours, theirs = light([cut])[0], plain([cut])[0]
        assert isinstance(ours, Boxes)
        np.testing.assert_allclose(ours.boxes_xyxy, theirs.boxes_xyxy, atol=0.05)


def test_a_network_for_one_size_refuses_others() -> None:
    light = PoseEstimator.from_preset("compact", device="cpu", threads=1)
    with pytest.raises(ValueError, match="takes pictures of"):
        light.runtime(np.zeros((1, 64, 64, 3), np.uint8))


def test_torch_is_left_to_decide_where_a_gpu_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base.sys, "platform", "linux")
    monkeypatch.setattr(base, "_SIGNS_OF_A_GPU", (str(tmp_path / "gpu"),))
    assert base.runs_without_torch("auto", "auto")
    (tmp_path / "gpu").touch()
    assert not base.runs_without_torch("auto", "auto")
    assert base.runs_without_torch("auto", "cpu")
    assert not base.runs_without_torch("torch", "cpu")
    assert not base.runs_without_torch("auto", "cuda")


def test_weights_of_another_network_are_refused() -> None:
    from importlib import resources

    folder = resources.files("rmpe.weights")
    graph = (folder / "compact_detector.graph.gz").read_bytes()
    weights = (folder / BUNDLED["compact"]).read_bytes()
    with pytest.raises(ValueError, match="not of this graph"):
        GraphRuntime([graph], weights, "fp32", 1)
    with pytest.raises(ValueError, match="no graph file"):
        Graph.load(weights)
