"""The random crops of a pose training run, as batches that a resumed run does not repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from rmpe.datasets.pose_samples import ImageArray, PoseSample
from rmpe.training.bundled.pose_augment import PoseAugmentation, TrainingCrop, make_training_crop

CACHE_BYTES = 3 << 30
"""Decoded pictures are kept up to this size, the first ones that come."""
COVER_POOL = 64
"""Latest crops to take covering pieces from."""


@dataclass(eq=False)
class CropBatch:
    """N training crops; not frozen, for Lightning fills it anew on the device."""

    seen_bgr: Tensor
    """What the student sees, uint8 (N, H, W, 3)."""
    clean_bgr: Tensor
    """What the teacher sees, uint8 (N, H, W, 3)."""
    keypoints_xy: Tensor
    """Joints in pixels of the crop (N, 19, 2)."""
    trust: Tensor
    """Of each joint, (N, 19)."""
    teacher_trust: Tensor
    """Of the teacher on each crop, (N,)."""


def collate_crops(crops: Sequence[TrainingCrop]) -> CropBatch:
    """Stack training crops of one size."""
    return CropBatch(
        torch.from_numpy(np.stack([crop.seen_bgr for crop in crops])),
        torch.from_numpy(np.stack([crop.clean_bgr for crop in crops])),
        torch.from_numpy(np.stack([crop.keypoints_xy for crop in crops])),
        torch.from_numpy(np.stack([crop.trust for crop in crops])),
        torch.tensor([crop.teacher_trust for crop in crops]),
    )


class PoseCrops(Dataset[TrainingCrop]):
    """Crop ``index`` of a run: source, person and augmentation follow from seed and index.

    Only the covering pieces also depend on the crops made before in the same process.
    """

    def __init__(
        self,
        samples: Sequence[PoseSample],
        source_shares: Mapping[str, float],
        augmentation: PoseAugmentation,
        seed: int,
        height: int,
        width: int,
    ) -> None:
        """``source_shares``: how often each source is drawn; those without people are left out.

        Raises ValueError when no source has both a share and people.
        """
        self._groups = {
            source: [sample for sample in samples if sample.source == source]
            for source, share in source_shares.items()
            if share > 0
        }
        self._groups = {source: group for source, group in self._groups.items() if group}
        if not self._groups:
            raise ValueError(f"got no sample of the sources {', '.join(source_shares)}")
        shares = np.array([source_shares[source] for source in self._groups])
        self._shares = shares / shares.sum()
        self._augmentation, self._seed = augmentation, seed
        self._height, self._width = height, width
        self._pictures: dict[str, ImageArray] = {}
        self._cached_bytes = 0
        self._covers: list[ImageArray] = []

    def __getitem__(self, index: int) -> TrainingCrop:
        rng = np.random.default_rng((self._seed, index))
        group = list(self._groups.values())[int(rng.choice(len(self._shares), p=self._shares))]
        sample = group[int(rng.integers(len(group)))]
        cover = self._covers[int(rng.integers(len(self._covers)))] if self._covers else None
        crop = make_training_crop(
            sample, self._picture(sample), self._augmentation, rng, cover, self._height, self._width
        )
        self._covers = [*self._covers[-COVER_POOL + 1 :], crop.clean_bgr]
        return crop

    def _picture(self, sample: PoseSample) -> ImageArray:
        key = f"{sample.source}/{sample.name}"
        if key not in self._pictures:
            picture = sample.load()
            if self._cached_bytes + picture.nbytes > CACHE_BYTES:
                return picture
            self._pictures[key] = picture
            self._cached_bytes += picture.nbytes
        return self._pictures[key]


class CropData(lightning.LightningDataModule):
    """Batches of a run of a known length; a checkpoint remembers how many were used."""

    def __init__(self, crops: PoseCrops, batch_size: int, steps: int, workers: int) -> None:
        super().__init__()
        self._crops, self._batch_size = crops, batch_size
        self._steps, self._workers = steps, workers
        self._first_step = 0

    def train_dataloader(self) -> DataLoader[TrainingCrop]:
        """The batches from where the run stands."""
        first, last = self._first_step * self._batch_size, self._steps * self._batch_size
        return DataLoader(
            self._crops,
            batch_size=self._batch_size,
            sampler=range(first, last),
            num_workers=self._workers,
            collate_fn=collate_crops,
            prefetch_factor=4 if self._workers else None,
        )

    def state_dict(self) -> dict[str, int]:
        """The number of batches used."""
        return {"step": self.trainer.global_step if self.trainer else 0}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on behind the batches used."""
        self._first_step = state_dict["step"]
