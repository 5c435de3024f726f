"""A walker whose angles are formulas is measured as drawn, whatever befalls its records."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rmpe import read_records
from rmpe.kinematics import Filter, KnownLength, MeasureOptions, measure_clip, write_measures
from rmpe.kinematics.measuring import PersonMeasures
from rmpe.skeletons import COCO_17, skeleton_from_names
from tests.helpers.stick_walker import (
    PX_PER_S,
    SHANK,
    STRIDE_S,
    THIGH,
    true_angles,
    write_walker,
)

TIMES = np.arange(120) / 30.0
PLAIN = MeasureOptions(filter=Filter("none"), outliers=False, repair_swaps=False, max_gap=0)


def _measured(path: Path, options: MeasureOptions = PLAIN) -> PersonMeasures:
    return measure_clip(read_records(path), options).people[0]


@pytest.mark.parametrize("faces_left", [False, True])
def test_angles_are_those_the_walker_was_drawn_with(tmp_path: Path, faces_left: bool) -> None:
    person = _measured(write_walker(tmp_path / "w.ndjson", TIMES, faces_left=faces_left))
    assert person.faces_left.all() == faces_left and person.faces_left.any() == faces_left
    for name, values in true_angles(TIMES).items():
        kind = "segment_angle" if name == "trunk" else "joint_angle"
        # Records hold float32 pixels: 1e-4 px over 40 px is 2e-4 degrees.
        np.testing.assert_allclose(person.named(name, kind).values, values, atol=0.01)
    np.testing.assert_allclose(person.named("neck").values, 10.0, atol=0.01)


def test_speed_of_an_angle_is_its_derivative(tmp_path: Path) -> None:
    person = _measured(write_walker(tmp_path / "w.ndjson", TIMES))
    turn = 2 * np.pi / STRIDE_S
    speed = -25 * turn * np.sin(turn * TIMES)
    acceleration = -25 * turn**2 * np.cos(turn * TIMES)
    hip = person.named("left_hip")
    np.testing.assert_allclose(hip.velocity[2:-2], speed[2:-2], atol=0.02 * 25 * turn)
    np.testing.assert_allclose(hip.acceleration[3:-3], acceleration[3:-3], atol=0.03 * 25 * turn**2)
    np.testing.assert_allclose(person.named("pelvis", "speed").values, PX_PER_S, rtol=1e-3)


def test_a_rate_that_varies_is_taken_by_its_times(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.05, 150))
    path = write_walker(tmp_path / "w.ndjson", times)
    measures = measure_clip(read_records(path), MeasureOptions(outliers=False))
    knee = measures.people[0].named("left_knee")
    np.testing.assert_allclose(knee.values[10:-10], true_angles(times)["left_knee"][10:-10], atol=2)
    assert any("equally far apart" in warning for warning in measures.warnings)
    exact = _measured(path).named("pelvis", "speed")
    np.testing.assert_allclose(exact.values, PX_PER_S, rtol=1e-3)


def test_noise_is_filtered_away(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES, noise_px=1.5)
    truth = true_angles(TIMES)["left_knee"]
    raw = np.abs(_measured(path).named("left_knee").values - truth).mean()
    filtered = np.abs(_measured(path, MeasureOptions()).named("left_knee").values - truth).mean()
    assert filtered < 0.75 * raw


def test_short_gaps_are_filled_and_long_ones_stay(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES, unknown=("left_knee", slice(50, 55)))
    truth = true_angles(TIMES)["left_knee"]
    kept = _measured(path).named("left_knee").values
    assert np.isnan(kept[50:55]).all() and np.isfinite(np.delete(kept, slice(50, 55))).all()
    person = _measured(path, MeasureOptions(max_gap=5))
    assert np.abs(person.named("left_knee").values[50:55] - truth[50:55]).max() < 7
    assert person.repaired["filled"] == 5
    assert np.isnan(_measured(path, MeasureOptions(max_gap=4)).named("left_knee").values[52])


def test_sides_that_swap_for_a_frame_are_given_back(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES)
    lines = path.read_text().splitlines()
    frame = json.loads(lines[37])  # frame 36: a step, the legs are far apart
    joints = frame["people"][0]["keypoints"]
    names = json.loads(lines[0])["skeleton"]["joints"]
    for part in ("hip", "knee", "ankle", "heel", "big_toe", "small_toe"):
        left, right = names.index(f"left_{part}"), names.index(f"right_{part}")
        joints[left], joints[right] = joints[right], joints[left]
    lines[37] = json.dumps(frame)
    path.write_text("\n".join(lines) + "\n")
    truth = true_angles(TIMES)["left_knee"][36]
    assert abs(_measured(path).named("left_knee").values[36] - truth) > 10
    repaired = _measured(path, MeasureOptions(filter=Filter("none"), outliers=False))
    assert repaired.named("left_knee").values[36] == pytest.approx(truth, abs=0.01)
    assert repaired.repaired["swaps"] == 1


def test_metres_by_scale_by_length_and_by_height(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES)
    length = ("left_hip", "left_knee")
    ways = {
        "scale": MeasureOptions(px_per_m=200.0, distances=(length,)),
        "line": MeasureOptions(
            known_length=KnownLength.from_text("0,0,300,400=2.5"), distances=(length,)
        ),
    }
    for options in ways.values():
        clip = measure_clip(read_records(path), options)
        assert clip.unit == "m"
        thigh = clip.people[0].named("left_hip-left_knee", "distance").values
        np.testing.assert_allclose(thigh, THIGH / 200.0, rtol=0.01)
        walker = clip.people[0]
        np.testing.assert_allclose(
            walker.named("pelvis", "speed").values, PX_PER_S / 200, rtol=0.01
        )
        pelvis = walker.places[:, walker.person.joints.index("pelvis")]
        assert (np.diff(pelvis[:, 0]) > 0).all()
        assert pelvis[:, 1] == pytest.approx((THIGH + SHANK) / 200.0, abs=0.1)
    tall = measure_clip(read_records(path), MeasureOptions(person_height_m=1.7))
    above_shoulders = 1.008 * 50 * 1.0
    whole = (10 + SHANK + THIGH + 100 + above_shoulders) * 1.063
    assert tall.plane.px_per_m == pytest.approx(whole / 1.7, rel=0.01)


@pytest.mark.parametrize(("rise", "doubted"), [(0.05, False), (0.5, True)])
def test_a_steep_floor_told_from_feet_is_doubted(
    tmp_path: Path, rise: float, doubted: bool
) -> None:
    lines = write_walker(tmp_path / "w.ndjson", TIMES).read_text().splitlines()
    frames = [json.loads(line) for line in lines[1:-1]]
    for frame in frames:
        joints = frame["people"][0]["keypoints"]
        frame["people"][0]["keypoints"] = [[x, y - rise * x, score] for x, y, score in joints]
    path = tmp_path / "rising.ndjson"
    path.write_text("\n".join([lines[0], *map(json.dumps, frames), lines[-1]]) + "\n")
    clip = measure_clip(read_records(path), MeasureOptions(floor_deg=None))
    assert clip.plane.floor_deg == pytest.approx(np.degrees(np.arctan(rise)), abs=4.0)
    assert any("so steep a floor" in warning for warning in clip.warnings) == doubted


def test_joints_of_coco_have_no_feet_and_still_a_direction(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES, skeleton=COCO_17, faces_left=True)
    person = _measured(path)
    assert person.faces_left.all()
    names = {series.name for series in person.of_kind("joint_angle")}
    assert "left_knee" in names and "left_ankle" not in names and "neck" not in names
    truth = true_angles(TIMES)["left_knee"]
    np.testing.assert_allclose(person.named("left_knee").values, truth, atol=0.01)


def test_people_are_chosen_by_id_size_and_length(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES, identity=7)
    for person in ("all", "largest", "longest", "7"):
        clip = measure_clip(read_records(path), MeasureOptions(person=person))
        assert [one.person.identity for one in clip.people] == [7]
    alone = write_walker(tmp_path / "alone.ndjson", TIMES, identity=0)
    assert [one.person.identity for one in measure_clip(read_records(alone)).people] == [0]
    with pytest.raises(ValueError, match="no person 3; there are \\[7\\]"):
        measure_clip(read_records(path), MeasureOptions(person="3"))
    with pytest.raises(ValueError, match="allowed are all, largest"):
        measure_clip(read_records(path), MeasureOptions(person="tallest"))


def test_who_is_asked_for_twice_is_measured_once(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES)
    assert len(measure_clip(read_records(path), replace(PLAIN, person="1,1")).people) == 1


def test_joints_that_give_no_angle_are_told(tmp_path: Path) -> None:
    face = skeleton_from_names("face", ["nose", "left_eye", "right_eye"])
    path = write_walker(tmp_path / "w.ndjson", TIMES, skeleton=face)
    measures = measure_clip(read_records(path), PLAIN)
    assert measures.warnings == ("no angle can be told from the joints of face",)
    assert not [one.name for one in write_measures(tmp_path / "o", measures, (), ["png"])][1:]


def test_what_is_asked_may_be_plain_words_and_a_path(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES, noise_px=1)
    plain = measure_clip(str(path), MeasureOptions(person=1, filter="median:5")).people[0]
    chosen = MeasureOptions(person="1", filter=Filter.from_text("median:5"))
    same = measure_clip(read_records(path), chosen).people[0]
    for one, other in zip(plain.series, same.series):
        np.testing.assert_array_equal(one.values, other.values)
    with pytest.raises(ValueError, match="got filter 'mean'"):
        MeasureOptions(filter="mean")


def test_the_largest_is_found_though_boxes_have_no_area(tmp_path: Path) -> None:
    lines = write_walker(tmp_path / "w.ndjson", TIMES).read_text().splitlines()
    frames = [json.loads(line) for line in lines[1:-1]]
    for frame in frames:
        flat = {**frame["people"][0], "id": 2, "box": [10, 10, 0, 0]}
        frame["people"].insert(0, flat)
    path = tmp_path / "flat.ndjson"
    path.write_text("\n".join([lines[0], *map(json.dumps, frames), lines[-1]]) + "\n")
    clip = measure_clip(read_records(path), MeasureOptions(person="largest"))
    assert [one.person.identity for one in clip.people] == [1]


def test_people_who_wait_for_an_identity_are_nobody_yet(tmp_path: Path) -> None:
    lines = write_walker(tmp_path / "w.ndjson", TIMES, identity=7).read_text().splitlines()
    first = json.loads(lines[1])
    first["people"] += [{**first["people"][0], "id": None}] * 2
    waiting = tmp_path / "waiting.ndjson"
    waiting.write_text("\n".join([lines[0], json.dumps(first), *lines[2:]]) + "\n")
    clip = measure_clip(read_records(waiting), PLAIN)
    assert [one.person.identity for one in clip.people] == [7]


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_score": 2.0},
        {"max_gap": -1},
        {"px_per_m": 100.0, "person_height_m": 1.7},
        {"px_per_m": float("nan")},
        {"floor_deg": 90.0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        MeasureOptions(**wrong)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("spline", "there are butterworth"),
        ("butterworth:6Hz:3", "allowed are 2, 4"),
        ("median:x", "no number"),
        ("median:5:6", "too many parameters"),
        ("butterworth:-1", "more than 0"),
    ],
)
def test_filters_that_make_no_sense_are_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Filter.from_text(text)


def test_a_cut_off_above_half_the_rate_is_refused(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES)
    with pytest.raises(ValueError, match="more than 40 frames a second, the clip has 30"):
        measure_clip(read_records(path), MeasureOptions(filter=Filter.from_text("butterworth:20")))


def test_a_clip_too_slow_for_the_usual_filter_is_not_filtered_and_that_is_said(
    tmp_path: Path,
) -> None:
    path = write_walker(tmp_path / "w.ndjson", np.arange(40) / 7, noise_px=2)
    measures = measure_clip(read_records(path), MeasureOptions(outliers=False))
    knee = measures.people[0].named("left_knee")
    np.testing.assert_array_equal(knee.values, knee.raw)
    assert [one for one in measures.warnings if "7 frames a second are too few" in one]
    with pytest.raises(ValueError, match="more than 12 frames a second, the clip has 7"):
        measure_clip(read_records(path), MeasureOptions(filter=Filter.from_text("butterworth")))


def test_frames_that_a_recording_lost_are_a_gap_like_any_other(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES, noise_px=1)
    head, *frames, end = path.read_text().splitlines()
    nobody = [json.dumps(json.loads(line) | {"people": []}) for line in frames[40:70]]
    lost, empty = tmp_path / "lost.ndjson", tmp_path / "empty.ndjson"
    lost.write_text("\n".join([head, *frames[:40], *frames[70:], end.replace("120", "90")]) + "\n")
    empty.write_text("\n".join([head, *frames[:40], *nobody, *frames[70:], end]) + "\n")
    found, truth = _measured(lost, MeasureOptions()), _measured(empty, MeasureOptions())
    assert np.isnan(truth.named("left_knee").values[40:70]).all()
    assert found.person.frames.tolist() == list(range(120))
    for one, other in zip(found.series, truth.series):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-9)


def test_the_feet_and_hands_of_mediapipe_are_measured_under_its_own_names(tmp_path: Path) -> None:
    parts = ("shoulder", "elbow", "wrist", "index", "hip", "knee", "ankle", "heel", "foot_index")
    joints = ("nose", *(f"{side}_{part}" for side in ("left", "right") for part in parts))
    skeleton = skeleton_from_names("mediapipe's", joints)
    path = write_walker(tmp_path / "w.ndjson", TIMES, skeleton=skeleton)
    person = _measured(path, replace(PLAIN, distances=(("left_wrist", "left_index"),)))
    truth = true_angles(TIMES)["left_ankle"]
    np.testing.assert_allclose(person.named("left_ankle").values, truth, atol=0.01)
    np.testing.assert_allclose(person.named("right_wrist").values, 0, atol=0.05)
    assert "left_foot_index" in person.person.joints and "left_big_toe" not in person.person.joints
    assert person.events


def test_records_without_times_take_a_rate_and_are_refused_without_one(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", np.zeros(30), fps=0.0)
    with pytest.raises(ValueError, match="no times"):
        _measured(path)
    person = _measured(path, MeasureOptions(filter=Filter("none"), fps=10.0))
    np.testing.assert_allclose(person.time_s, np.arange(30) / 10.0)


def test_a_person_of_whom_nothing_is_known_is_told(tmp_path: Path) -> None:
    path = write_walker(tmp_path / "w.ndjson", TIMES)
    measures = measure_clip(read_records(path), MeasureOptions(min_score=0.95))
    assert any("nothing is known" in warning for warning in measures.warnings)
