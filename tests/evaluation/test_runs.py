"""From files to figures: pictures, resuming, boxes, other formats, the command line."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from rmpe.datasets.coco import read_coco_set
from rmpe.detectors.precomputed import read_boxes
from rmpe.evaluation.estimate import estimate_set
from rmpe.evaluation.outcomes import write_json
from rmpe.evaluation.page.report import write_report
from rmpe.evaluation.runs import evaluate_images, evaluate_predictions
from rmpe.formats import FORMATS, ClipHeader
from rmpe.formats.posetrack.document import CATEGORIES
from rmpe.records import Boxes, Poses
from rmpe.skeletons import COCO_17, LSP_14, MPII_16, POSETRACK_17, SKELETONS
from tests.helpers.box_estimator import BOXES, BoxEstimator, places


def test_estimator_on_annotated_boxes_is_scored(coco: Path) -> None:
    result = evaluate_images("coco", coco / "truth.json", coco, BoxEstimator())
    assert result.oks.stats["AP"] == pytest.approx(1.0)
    assert len(result.predictions) == 3
    assert result.skipped == ()
    write_json(result, coco / "out.json")
    assert json.loads((coco / "out.json").read_text())["stats"]["AP"] == pytest.approx(1.0)


def test_joints_of_the_estimator_are_mapped_by_name(coco: Path) -> None:
    estimator = BoxEstimator(SKELETONS["coco19"])
    assert evaluate_images("coco", coco / "truth.json", coco, estimator).oks.mean_oks > 0.999


def test_boxes_of_a_file_and_of_the_detector_are_used(coco: Path) -> None:
    (coco / "boxes.json").write_text(
        json.dumps([{"image_id": 2, "category_id": 1, "bbox": [30, 30, 80, 160], "score": 0.5}])
    )
    boxes = read_boxes(coco / "boxes.json")
    result = evaluate_images("coco", coco / "truth.json", coco, BoxEstimator(), boxes=boxes)
    assert [p["image_id"] for p in result.predictions] == [2]
    assert result.oks.stats["AR"] == pytest.approx(1 / 3)
    found = evaluate_images(
        "coco", coco / "truth.json", coco, BoxEstimator(), annotated_boxes=False
    )
    assert [p["image_id"] for p in found.predictions] == [1, 2, 3]
    assert found.oks.people[0].oks == pytest.approx(1.0)


def test_pictures_that_are_broken_or_missing_are_named_and_counted(coco: Path) -> None:
    (coco / "1.png").write_bytes(b"no picture")
    (coco / "2.png").unlink()
    result = evaluate_images("coco", coco / "truth.json", coco, BoxEstimator())
    assert len(result.skipped) == 2
    assert "2.png is missing" in result.skipped[0] and "1.png" in result.skipped[1]
    assert result.oks.stats["AR"] == 0
    with pytest.raises(ValueError, match="none of the pictures"):
        evaluate_images("coco", coco / "truth.json", coco / "elsewhere", BoxEstimator())


@pytest.mark.parametrize("source", ["predictions", "images"])
def test_broken_annotations_are_named_once_and_counted(coco: Path, source: str) -> None:
    document = json.loads((coco / "truth.json").read_text())
    del document["annotations"][0]["keypoints"]
    (coco / "broken.json").write_text(json.dumps(document))
    whole = evaluate_images("coco", coco / "truth.json", coco, BoxEstimator())
    if source == "images":
        result = evaluate_images("coco", coco / "broken.json", coco, BoxEstimator())
    else:
        # Of the two people of the picture the first is not annotated any more.
        (coco / "found.json").write_text(json.dumps(list(whole.predictions)[1:]))
        result = evaluate_predictions("coco", coco / "broken.json", coco / "found.json")
    assert result.skipped == ("annotation 1 has no keypoints",)
    assert result.document["skipped"] == ["annotation 1 has no keypoints"]
    assert result.document["people"] == 2
    assert result.oks.stats["AP"] == pytest.approx(1.0)


@pytest.mark.parametrize("content", ["[]", "floats"])
def test_nobody_and_picture_ids_with_a_point_are_read_as_results(coco: Path, content: str) -> None:
    found = evaluate_images("coco", coco / "truth.json", coco, BoxEstimator()).predictions
    floats = [{**item, "image_id": float(item["image_id"])} for item in found]
    (coco / "found.json").write_text("[]" if content == "[]" else json.dumps(floats))
    result = evaluate_predictions("coco", coco / "truth.json", coco / "found.json")
    assert result.oks.stats["AP"] == pytest.approx(0.0 if content == "[]" else 1.0)


def test_interrupted_run_goes_on_where_it_stopped(coco: Path) -> None:
    keypoint_set = read_coco_set(coco / "truth.json", coco)
    progress = coco / "progress.ndjson"
    whole = estimate_set(BoxEstimator(), keypoint_set, progress_file=progress)
    lines = progress.read_text().splitlines(keepends=True)
    assert len(lines) == 3
    progress.write_text(lines[0] + lines[1][:40])
    estimator = BoxEstimator()
    resumed = estimate_set(estimator, keypoint_set, progress_file=progress)
    assert estimator.calls == 2
    assert progress.read_text() == "".join(lines)
    for image_id, poses in whole.by_picture.items():
        again = resumed.by_picture[image_id]
        np.testing.assert_array_equal(again.keypoints_xy, poses.keypoints_xy)
    progress.write_text(lines[0].replace('"image_id": 1', '"image_id": 77'))
    with pytest.raises(ValueError, match="picture 77"):
        estimate_set(estimator, keypoint_set, progress_file=progress)


@pytest.mark.parametrize("name", ["native", "alphapose", "coco", "alphapose-open"])
def test_stored_poses_of_any_format_are_scored(coco: Path, name: str) -> None:
    estimator = BoxEstimator()
    header = ClipHeader(COCO_17, "folder", image_names=("3.png", "1.png", "2.png"))
    out = coco / "predictions" / FORMATS[name].output_name
    out.parent.mkdir(parents=True)
    writer = FORMATS[name].writer(out, header)
    for index, image in enumerate((3, 1, 2)):
        corners = np.array([[x, y, x + w, y + h] for x, y, w, h in BOXES[image]]).reshape(-1, 4)
        boxes = Boxes(corners, np.ones(len(corners)))
        writer.write(index, 0.0, estimator.estimate(np.zeros((9, 9, 3), np.uint8), boxes))
    writer.close()
    result = evaluate_predictions("coco", coco / "truth.json", out)
    assert result.oks.stats["AP"] == pytest.approx(1.0)


def test_mpii_and_lsp_are_scored_from_pictures(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((300, 300, 3), np.uint8))
    entries = []
    for name in ("a.png", "b.png", "a.png"):
        # Centre (101, 86) from 1 and scale 1: the square from (0, 0) to (200, 200).
        joints = places(MPII_16) * 200 + 1
        entries.append(
            {
                "image": name,
                "center": [101, 86],
                "scale": 1.0,
                "joints": joints.tolist(),
                "joints_vis": [1] * 16,
            }
        )
    (tmp_path / "valid.json").write_text(json.dumps(entries))
    heads = np.tile(np.array([[[0.0], [0]], [[30], [40]]]), (1, 1, 3))
    np.savez(
        tmp_path / "gt.npz",
        pos_gt_src=np.zeros((16, 2, 3)),
        jnt_missing=np.zeros((16, 3)),
        headboxes_src=heads,
    )
    mpii = BoxEstimator(MPII_16)
    arguments = ("mpii", tmp_path / "valid.json", tmp_path, mpii)
    result = evaluate_images(*arguments, head_boxes=tmp_path / "gt.npz")
    assert result.document["PCKh"]["Mean"] == pytest.approx(100)
    with pytest.raises(ValueError, match="--head-boxes"):
        evaluate_images(*arguments)
    with pytest.raises(ValueError, match="annotation's boxes"):
        evaluate_images(*arguments, annotated_boxes=False)

    joints = np.concatenate([places(LSP_14) * 100 + 50, np.ones((14, 1))], 1)
    np.savez(tmp_path / "joints.npz", joints=joints[None], file_names=["a.png"])
    result = evaluate_images("lsp", tmp_path / "joints.npz", tmp_path, BoxEstimator(LSP_14))
    assert result.document["counts"]["left_hip"] == 1


def test_posetrack_pictures_give_average_precision(tmp_path: Path) -> None:
    frames = [f"images/val/s/{index:06d}.png" for index in range(2)]
    (tmp_path / "images/val/s").mkdir(parents=True)
    images = [{"id": 10 + i, "file_name": name} for i, name in enumerate(frames)]
    points = np.array([20, 30]) + places(POSETRACK_17) * np.array([60, 160])
    joints = np.concatenate([points, np.ones((17, 1))], 1)
    joints[3:5] = 0
    people = [
        {
            "id": 100 * image["id"],
            "image_id": image["id"],
            "track_id": 0,
            "keypoints": joints.reshape(-1).tolist(),
            "bbox": [20, 30, 60, 160],
            "bbox_head": [20, 30, 18, 24],
        }
        for image in images
    ]
    truth = {"images": images, "annotations": people, "categories": CATEGORIES}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    cv2.imwrite(str(tmp_path / frames[0]), np.zeros((240, 320, 3), np.uint8))
    estimator = BoxEstimator(POSETRACK_17)
    result = evaluate_images("posetrack", tmp_path / "truth.json", tmp_path, estimator)
    assert len(result.skipped) == 1  # the second frame has no picture
    assert result.document["ap"]["total"] == pytest.approx(50)
    assert result.document["tracking"] == {}
    file = tmp_path / "truth.json"
    same = evaluate_predictions("posetrack", file, file)
    assert same.document["tracking"]["mota"]["total"] == pytest.approx(100)


def test_stored_joints_of_mpii_and_lsp_are_scored(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).uniform(1, 200, (3, 16, 2))
    np.savez(
        tmp_path / "gt.npz",
        pos_gt_src=joints.transpose(1, 2, 0),
        jnt_missing=np.zeros((16, 3)),
        headboxes_src=np.tile(np.array([[[0.0], [0]], [[30], [40]]]), (1, 1, 3)),
    )
    np.save(tmp_path / "p.npy", joints - 1)
    result = evaluate_predictions("mpii", tmp_path / "gt.npz", tmp_path / "p.npy")
    assert result.document["PCKh"]["Mean"] == pytest.approx(100)
    lsp = np.concatenate([joints[:, :14], np.ones((3, 14, 1))], -1)
    np.savez(tmp_path / "joints.npz", joints=lsp)
    np.save(tmp_path / "p.npy", lsp)
    result = evaluate_predictions("lsp", tmp_path / "joints.npz", tmp_path / "p.npy")
    assert result.document["PCK"] == 1
    write_report(tmp_path / "r.html", result, tmp_path / "joints.npz")
    page = (tmp_path / "r.html").read_text()
    assert page.count("<svg") == 2 and "data:image" not in page
    assert "3 people with annotated joints, PCK@0.2 100.00 %" in page


def test_people_of_missing_pictures_count_as_missed_in_pckh(mpii: Path) -> None:
    result = evaluate_images(
        "mpii", mpii / "valid.json", mpii, BoxEstimator(MPII_16), head_boxes=mpii / "gt.npz"
    )
    assert result.document["PCKh"]["Mean"] == pytest.approx(200 / 3)
    assert result.document["by_joint"]["left_knee"] == pytest.approx(200 / 3)
    assert result.document["counts"]["left_knee"] == 3
    assert len(result.skipped) == 1 and "missing.png" in result.skipped[0]
    with pytest.raises(ValueError, match="none of the pictures"):
        evaluate_images("mpii", mpii / "valid.json", mpii / "x", BoxEstimator(MPII_16))


def test_figures_without_value_are_null_in_json(tmp_path: Path) -> None:
    lsp = np.random.default_rng(0).uniform(1, 200, (2, 14, 3))
    lsp[:, 0, 2] = 0
    np.savez(tmp_path / "joints.npz", joints=lsp)
    np.save(tmp_path / "p.npy", lsp)
    write_json(
        evaluate_predictions("lsp", tmp_path / "joints.npz", tmp_path / "p.npy"),
        tmp_path / "s.json",
    )
    assert json.loads((tmp_path / "s.json").read_text())["by_joint"]["right_ankle"] is None


def test_command_line_prints_the_table_and_writes_json(coco: Path) -> None:
    from cli import rmpe_command

    FORMATS["coco"].writer(coco / "r.json", ClipHeader(COCO_17)).close()
    run = CliRunner().invoke(
        rmpe_command,
        ["evaluate", "coco", "--annotations", str(coco / "truth.json"), "--predictions"]
        + [str(coco / "r.json"), "--json", str(coco / "s.json"), "--report", str(coco / "r.html")],
    )
    assert run.exit_code == 0, run.output
    assert " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets= 20 ] = 0.000" in (
        run.output
    )
    assert "left_knee" in run.output and "medium" in run.output
    assert json.loads((coco / "s.json").read_text())["people"] == 3
    assert "<svg" in (coco / "r.html").read_text()
    arguments = ["evaluate", "coco", "--annotations", str(coco / "truth.json")]
    assert CliRunner().invoke(rmpe_command, arguments).exit_code == 2


def test_command_line_converts(coco: Path) -> None:
    from cli import rmpe_command

    writer = FORMATS["native"].writer(coco / "p.ndjson", ClipHeader(COCO_17, "c.mp4", fps=25.0))
    writer.write(0, 0.0, Poses.empty(17))
    writer.close()
    out = coco / "out" / "posetrack.json"
    arguments = ["convert", str(coco / "p.ndjson"), "--to", "posetrack", "-o", str(out)]
    run = CliRunner().invoke(rmpe_command, arguments)
    assert run.exit_code == 0 and run.output == f"1 frames -> {out}\n"
    assert len(json.loads(out.read_text())["images"]) == 1
    run = CliRunner().invoke(rmpe_command, ["convert", str(coco / "p.ndjson"), "--to", "yaml"])
    assert run.exit_code == 2


def test_compact_network_scores_on_real_pictures(shared_dir: Path) -> None:
    from rmpe.estimator import EstimatorOptions, PoseEstimator

    folder = shared_dir / "data" / "samples" / "coco"
    estimator = PoseEstimator.build(
        detector=BoxEstimator().detect, runtime="torch", options=EstimatorOptions(min_score=0)
    )
    result = evaluate_images("coco", folder / "test_coco.json", folder, estimator)
    assert result.oks.stats["AP50"] > 0.6
