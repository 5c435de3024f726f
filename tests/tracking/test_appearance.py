"""Colours at joints: what is seen, what is hidden, and what is learned of them."""

from __future__ import annotations

import numpy as np
import pytest

from tracking import PoseFlowParameters
from tracking.appearance import Appearance, learn_appearance, measure_appearance
from tracking.similarity import People, describe_people

SHAPE = np.array([[0, 0], [-20, 20], [20, 20], [0, 50], [-15, 100], [15, 100]], float)
WIDTH, HEIGHT = 640, 360


def standing(*places: tuple[float, float]) -> People:
    joints = np.array(places).reshape(-1, 1, 2) + SHAPE
    return describe_people(joints, WIDTH, HEIGHT, PoseFlowParameters())


def appearance_of(image: np.ndarray, people: People) -> Appearance:
    return measure_appearance(image, people, np.ones(people.joint_counts.shape))


def test_colours_are_brightness_and_two_differences() -> None:
    image = np.full((HEIGHT, WIDTH, 3), (30, 60, 120), np.uint8)  # blue, green, red
    appearance = appearance_of(image, standing((200, 100)))
    np.testing.assert_allclose(appearance.colours, np.broadcast_to([70, 60, 60], (1, 6, 3)))
    assert appearance.weights.tolist() == [[1.0] * 6]


def test_joints_have_colours_of_their_own() -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:140], image[140:] = 200, 50
    brightness = appearance_of(image, standing((200, 100))).colours[0, :, 0]
    assert brightness.tolist() == [200, 200, 200, 50, 50, 50]


def test_whoever_reaches_further_down_hides_the_other() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    behind, before = appearance_of(image, standing((200, 100), (200, 108))).weights
    assert before.tolist() == [1.0] * 6
    assert behind.sum() < 3.0  # only what sticks out above
    apart = appearance_of(image, standing((200, 100), (300, 108))).weights
    assert apart.min() == 1.0


def test_whoever_is_leaving_the_picture_hides_the_one_behind() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    people, scores = standing((10, 100)), np.ones((1, 6))
    alone = measure_appearance(image, people, scores).weights[0]
    hidden = measure_appearance(image, people, scores, leaving=standing((10, 108))).weights[0]
    behind = measure_appearance(image, people, scores, leaving=standing((10, 92))).weights[0]
    assert hidden.sum() < 0.5 * alone.sum()
    assert behind.tolist() == alone.tolist()


def test_points_outside_the_picture_and_unsure_joints_are_not_seen() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    people = standing((-5, 100))
    appearance = measure_appearance(image, people, np.full((1, 6), 0.5))
    assert appearance.weights[0, [1, 4]].tolist() == [0.0, 0.0]  # x is -25 and -20
    assert appearance.weights[0, 2] == 0.5
    assert len(appearance_of(image, standing()).weights) == 0


def test_means_and_variances_run_on_and_hidden_joints_stay_as_they_were() -> None:
    means, variances = np.zeros((1, 2, 3)), np.zeros((1, 2, 3))
    weights = np.zeros((1, 2))
    for value, seen in [(10.0, 1.0), (20.0, 1.0), (60.0, 1.0)]:
        now = Appearance(np.full((1, 2, 3), value), np.array([[seen, 0.0]]))
        means, variances, weights = learn_appearance(means, variances, weights, now, 50.0)
    assert means[0, 0, 0] == pytest.approx(30.0)
    assert variances[0, 0, 0] == pytest.approx((20**2 + 10**2 + 30**2) / 3)
    assert weights.tolist() == [[3.0, 0.0]]
    assert means[0, 1].tolist() == [0.0, 0.0, 0.0]


def test_old_sightings_fade_when_the_memory_is_full() -> None:
    means, variances, weights = np.zeros((1, 1, 3)), np.zeros((1, 1, 3)), np.full((1, 1), 3.0)
    now = Appearance(np.full((1, 1, 3), 40.0), np.ones((1, 1)))
    means, _, weights = learn_appearance(means, variances, weights, now, 3.0)
    assert means[0, 0, 0] == pytest.approx(10.0)  # a share of 1 / (3 + 1)
    assert weights[0, 0] == 3.0
