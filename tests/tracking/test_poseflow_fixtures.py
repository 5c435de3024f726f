"""PoseFlow's public implementation, step by step: the same similarities, pairs and identities."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from rmpe.records import Frame, Poses
from tracking import POSEFLOW_REFERENCE, OnlineTracker, PoseFlowParameters
from tracking.matching import find_features, match_features, no_correspondences
from tracking.poseflow.linking import Linker
from tracking.poseflow.parameters import POSEFLOW_EXTENDED
from tracking.similarity import describe_people, similarity_matrix

CASES = ["clip_mpiinew", "synth_a", "vtest_a"]


@dataclass(frozen=True)
class Case:
    folder: Path
    names: list[str]
    size: tuple[int, int]
    poses: dict[str, np.ndarray]
    ids: dict[str, list[int]]
    steps: dict[str, np.ndarray]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, shared_dir: Path) -> Case:
    folder = shared_dir / "reference" / "algorithms" / "poseflow" / request.param
    expected = json.loads((folder / "expected.json").read_text())
    with gzip.open(folder / "alphapose-results.json.gz", "rt") as file:
        results = json.load(file)
    people: dict[str, list[np.ndarray]] = {}
    for result in results:
        joints = np.array(result["keypoints"]).reshape(-1, 3)
        people.setdefault(result["image_id"], []).append(joints)
    steps = dict(np.load(folder / "steps.npz"))
    names = [str(name) for name in steps["frames"]]
    poses = {name: np.array(joints) for name, joints in people.items()}
    return Case(folder, names, tuple(expected["size"]), poses, expected["ids"], steps)


def test_stored_correspondences_give_the_reference_grades_pairs_and_ids(case: Case) -> None:
    linker = Linker(POSEFLOW_REFERENCE)
    for number, name in enumerate(case.names):
        people = describe_people(case.poses[name][..., :2], *case.size, POSEFLOW_REFERENCE)
        rows = no_correspondences()
        if number:
            step = f"{number - 1:03d}"
            rows = case.steps[f"cors_{step}"]
            memory = linker.memory
            assert memory is not None
            recent = memory.unseen_updates == 0
            similarities = similarity_matrix(
                memory.people(), people, recent, rows, POSEFLOW_REFERENCE
            )
            pairs = np.stack(linear_sum_assignment(similarities, maximize=True), 1)
            x_then_y = [0, 2, 1, 3]
            assert memory.ids.tolist() == case.steps[f"cand_{step}"].tolist()
            assert recent.tolist() == case.steps[f"from_previous_{step}"].tolist()
            np.testing.assert_array_equal(
                people.boxes_xyxy[:, x_then_y], case.steps[f"next_boxes_{step}"]
            )
            np.testing.assert_allclose(similarities, case.steps[f"cost_{step}"], rtol=0, atol=1e-9)
            np.testing.assert_array_equal(pairs, case.steps[f"pairs_{step}"])
        assert linker.link(people, rows, case.size).tolist() == case.ids[name]


@pytest.mark.parametrize(
    "parameters", [POSEFLOW_REFERENCE, POSEFLOW_EXTENDED], ids=["reference", "extended"]
)
def test_own_matches_give_the_reference_ids(case: Case, parameters: PoseFlowParameters) -> None:
    tracker = OnlineTracker(parameters)
    for number, name in enumerate(case.names):
        joints = case.poses[name]
        count = len(joints)
        poses = Poses(
            boxes_xyxy=np.zeros((count, 4)),
            box_scores=np.ones(count),
            keypoints_xy=joints[..., :2],
            keypoint_scores=joints[..., 2],
            scores=np.ones(count),
            ids=np.zeros(count),
        )
        image = cv2.imread(str(case.folder / "frames" / name))
        tracked = tracker.update(Frame(number, number / 25, image), poses)
        assert tracked.ids.tolist() == case.ids[name]


def test_own_matcher_finds_most_of_the_stored_correspondences(case: Case) -> None:
    settings = POSEFLOW_REFERENCE.features
    nowhere = np.zeros((0, 4))
    first, second = (
        find_features(cv2.imread(str(case.folder / "frames" / name)), nowhere, settings)
        for name in case.names[:2]
    )
    rows = match_features(first, second, settings)
    stored = set(map(tuple, case.steps["cors_000"].tolist()))
    assert len(stored & set(map(tuple, rows.tolist()))) >= 0.9 * len(stored)
