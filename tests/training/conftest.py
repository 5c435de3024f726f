"""Small rendered sets for training."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from rmpe.datasets.synthetic_people import write_synthetic_set
from rmpe.training.data.people import OwnFiles, TrainingPeople, read_own_files


@pytest.fixture(scope="session")
def crowd_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures of three people who overlap, as COCO-style files."""
    folder = tmp_path_factory.mktemp("crowd")
    write_synthetic_set(folder, 4, 3, width=160, height=128)
    return folder


@pytest.fixture(scope="session")
def crowd(crowd_folder: Path) -> TrainingPeople:
    """The same, read; scored on the people that are trained on."""
    annotations = crowd_folder / "annotations.json"
    return read_own_files(OwnFiles(annotations, crowd_folder / "images", annotations))


@pytest.fixture
def quiet_lightning() -> Iterator[None]:
    """No news of Lightning, and none of its warnings as errors."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
