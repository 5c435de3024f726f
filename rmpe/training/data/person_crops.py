"""Training crops of annotated people in any skeleton: which person, and what is done to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from rmpe.datasets.keypoint_set import AnnotatedPerson, KeypointSet
from rmpe.geometry.crop import CropChange, CropTransform, changed_crop_matrix
from rmpe.geometry.warp import Matrix, apply_matrix, warp_affine
from rmpe.heatmaps import get_codec
from rmpe.proposals import ProposalGenerator
from rmpe.training.data._changes import (
    change_colours,
    cover,
    cut_box,
    end_picture,
    set_beside,
    upright_box,
)
from rmpe.training.data._draws import draw_change, half_body_box, inside_weights, normalised_map
from rmpe.training.data.records import CropRecord
from rmpe.training.data.taught import TaughtPerson, labelled_weights
from rmpe.training.recipes.settings import NetworkRecipe
from rmpe.zoo.conventions import Conventions

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

INTERFERING_PEOPLE = 6
"""At most this many other people of a picture are in a joint-candidate target, the nearest."""
HIDDEN_WEIGHT = 0.5
"""What a joint under a pasted person or piece still weighs."""
ATTEMPTS = 20
"""Unreadable pictures in a row after which the data is given up."""


class PersonCrops(Dataset[CropRecord]):
    """Example ``index`` of a whole run: person, order and augmentation follow from the seed.

    Every pass over the people has its own order. That makes a run independent of the number of
    processes and lets it go on from any step.
    """

    def __init__(
        self,
        people: KeypointSet,
        recipe: NetworkRecipe,
        conventions: Conventions,
        proposals: ProposalGenerator | None = None,
        epoch_size: int | None = None,
    ) -> None:
        """Make the examples of a set.

        Args:
            people: pictures with their people.
            recipe: augmentation, seed and size.
            conventions: the network's crop.
            proposals: samples boxes as the detector errs, from the recipe's epoch on.
            epoch_size: examples that the recipe calls an epoch; None is one for every person.

        Raises:
            ValueError: there is nobody in the set.
        """
        if not people.people:
            raise ValueError("got no annotated person to train on; see the list of what is skipped")
        self._people = people.people
        self._neighbours = people.people_by_picture() if recipe.interference else {}
        self._skeleton, self._recipe = people.skeleton, recipe
        self._conventions, self._proposals = conventions, proposals
        self._epoch_size = epoch_size or len(self._people)

    def __len__(self) -> int:
        return len(self._people)

    def __getitem__(self, index: int) -> CropRecord:
        """Return the example; a picture that cannot be read is replaced by the next person's.

        Raises OSError when ``ATTEMPTS`` pictures in a row cannot be read.
        """
        skipped: list[str] = []
        for attempt in range(ATTEMPTS):
            person = self._person(index + attempt)
            try:
                image = person.picture.load()
            except OSError as error:
                skipped.append(str(error))
                continue
            rng = np.random.default_rng((self._recipe.seed, index))
            return self._record(person, image, rng, index, tuple(skipped))
        raise OSError(f"{ATTEMPTS} pictures in a row cannot be read, the last: {skipped[-1]}")

    def _person(self, index: int) -> AnnotatedPerson:
        count = len(self._people)
        epoch, place = divmod(index, count)
        order = np.random.default_rng((self._recipe.seed, 1, epoch)).permutation(count)
        return self._people[int(order[place])]

    def _record(
        self,
        person: AnnotatedPerson,
        image_bgr: ImageArray,
        rng: np.random.Generator,
        index: int,
        skipped: tuple[str, ...],
    ) -> CropRecord:
        recipe, conventions = self._recipe, self._conventions
        height, width = conventions.input_height, conventions.input_width
        box = self._box(person, rng, index // self._epoch_size)
        shown = np.ones(len(person.keypoints_xy), bool)
        if rng.random() < recipe.cut_share:
            box = cut_box(box, rng)
            if rng.random() < 0.5:
                image_bgr, shown = end_picture(image_bgr, person, box)
        # Scale, turn, shift and mirror are one matrix from picture to crop, (2, 3), warped once.
        change = draw_change(recipe, box, rng)
        if recipe.refit_turned and change.degrees:
            box = upright_box(person, box, change.degrees)
        matrix = changed_crop_matrix(box, height, width, conventions.crop_style, change)
        style = conventions.crop_style
        crop = warp_affine(image_bgr, matrix, height, width, style.border_bgr, style.sampling)
        order = self._skeleton.mirror_permutation if change.mirrored else slice(None)
        points = apply_matrix(matrix, person.keypoints_xy)[order]
        # (K,): how far each joint is believed, and whether it is in the crop at all.
        believed = person.joint_weights[order]
        seen = inside_weights(points, height, width) * shown[order]
        crop, free = self._covered(crop, points, believed * seen, rng)
        seen_weights = seen * free
        teacher, teacher_weights = self._taught(person, matrix, order, seen_weights)
        others_xy, others_weights = self._others(person, matrix, order)
        # What the transformer ought to show: the true box, turned and mirrored like this crop.
        plain = CropChange(degrees=change.degrees, mirrored=change.mirrored)
        plain_style = conventions.crop_style.grown(1 / recipe.crop_growth)
        target = changed_crop_matrix(person.box_xyxy, height, width, plain_style, plain)
        return CropRecord(
            change_colours(crop, recipe, rng), points,
            labelled_weights(person)[order] * seen_weights,
            others_xy, others_weights, (believed > 0) * (1 - seen), teacher, teacher_weights,
            normalised_map(target, matrix, height, width), skipped,
        )  # fmt: skip

    def _covered(
        self,
        crop: ImageArray,
        points: FloatArray,
        weights: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[ImageArray, FloatArray]:
        """Return the crop with somebody or something before it, and what of each joint is free."""
        recipe, draw = self._recipe, rng.random()
        free = np.ones(len(points), np.float32)
        if draw >= recipe.beside_share + recipe.cover_share:
            return crop, free
        other = self._people[int(rng.integers(len(self._people)))]
        try:
            picture = other.picture.load()
        except OSError:
            return crop, free
        if draw < recipe.beside_share:
            crop, hidden = set_beside(crop, picture, other.box_xyxy, points, weights, rng)
        else:
            conventions = self._conventions
            patch = CropTransform.from_person_box(
                other.box_xyxy, crop.shape[0], crop.shape[1], conventions.crop_style
            ).warp(picture)
            crop, hidden = cover(crop, patch, points, rng)
        free[hidden] = HIDDEN_WEIGHT
        return crop, free

    def _taught(
        self,
        person: AnnotatedPerson,
        matrix: Matrix,
        order: NDArray[np.int64] | slice,
        seen: FloatArray,
    ) -> tuple[NDArray[np.float16], FloatArray]:
        """Return the teacher's maps of the first T joints, (T, h, w), and their weights (T,).

        The mirrored order of T joints is that of their names, so that they have to be the first
        ones of a skeleton that keeps pairs together, as COCO-17 is in COCO-19.
        """
        if not self._recipe.teacher_weight:
            return np.zeros((0, 1, 1), np.float16), np.zeros(0, np.float32)
        stride = get_codec(self._conventions.codec).stride
        rows = self._conventions.input_height // stride
        columns = self._conventions.input_width // stride
        if not isinstance(person, TaughtPerson) or person.maps is None:
            count = self._recipe.teacher_joints
            return np.zeros((count, rows, columns), np.float16), np.zeros(count, np.float32)
        count = len(person.maps)
        maps = person.maps_in(matrix, rows, columns, stride)
        if not isinstance(order, slice):
            maps = maps[order[:count]]
        return maps.astype(np.float16), seen[:count].astype(np.float32)

    def _box(self, person: AnnotatedPerson, rng: np.random.Generator, epoch: int) -> FloatArray:
        recipe = self._recipe
        if self._proposals is not None and 0 <= recipe.proposals_from <= epoch:
            box = self._proposals.sample(
                person.keypoints_xy, person.visibility, person.box_xyxy, 1, rng
            )[0]
            return box if (box[2:] - box[:2] >= 1).all() else person.box_xyxy
        if rng.random() < recipe.half_body_share:
            half = half_body_box(person, self._skeleton, recipe.half_body_joints, rng)
            return person.box_xyxy if half is None else half
        return person.box_xyxy

    def _others(
        self, person: AnnotatedPerson, matrix: Matrix, order: NDArray[np.int64] | slice
    ) -> tuple[FloatArray, FloatArray]:
        """Return the joints of the people nearest in the picture that fall into the crop."""
        joints = self._skeleton.joint_count
        count = INTERFERING_PEOPLE if self._recipe.interference else 0
        points = np.zeros((count, joints, 2), np.float32)
        weights = np.zeros((count, joints), np.float32)
        around = [
            other
            for other in self._neighbours.get(person.picture.image_id, [])
            if other.annotation_id != person.annotation_id
        ]
        middle = person.box_xyxy.reshape(2, 2).mean(0)  # (2,)
        around.sort(key=lambda p: float(np.abs(p.box_xyxy.reshape(2, 2).mean(0) - middle).sum()))
        height, width = self._conventions.input_height, self._conventions.input_width
        for place, other in enumerate(around[:count]):
            points[place] = apply_matrix(matrix, other.keypoints_xy)[order]  # (K, 2) of (M, K, 2)
            inside = inside_weights(points[place], height, width)
            weights[place] = inside * other.joint_weights[order]
        return points, weights
