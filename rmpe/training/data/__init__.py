"""The people a run trains on, and the crops made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.training.data.people import (
        OwnFiles,
        TrainingPeople,
        in_skeleton,
        read_data_set,
        read_own_files,
    )
    from rmpe.training.data.person_crops import PersonCrops
    from rmpe.training.data.proposal_fitting import fit_proposals
    from rmpe.training.data.records import CropBatch
    from rmpe.training.data.taught import TaughtPerson

__all__ = [
    "CropBatch",
    "OwnFiles",
    "PersonCrops",
    "TaughtPerson",
    "TrainingPeople",
    "fit_proposals",
    "in_skeleton",
    "read_data_set",
    "read_own_files",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "CropBatch": "rmpe.training.data.records",
        "OwnFiles": "rmpe.training.data.people",
        "PersonCrops": "rmpe.training.data.person_crops",
        "TaughtPerson": "rmpe.training.data.taught",
        "TrainingPeople": "rmpe.training.data.people",
        "fit_proposals": "rmpe.training.data.proposal_fitting",
        "in_skeleton": "rmpe.training.data.people",
        "read_data_set": "rmpe.training.data.people",
        "read_own_files": "rmpe.training.data.people",
    },
)
