"""ORB features of a frame, found once, and their matches with those of the frame before."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe.records import ImageArray
from tracking.parameters import FeatureParameters, FloatArray

_DESCRIPTOR_BYTES = 32
"""Of an ORB descriptor, 256 comparisons."""
_SCALE_FACTOR = 1.2
"""ORB's usual ratio of neighbouring levels of the pyramid."""
_LSH_INDEX = 6
"""FLANN's number of locality-sensitive hashing, for which OpenCV has no name."""
_BORDER_PX = 31
"""ORB finds no corner nearer to the edge of what it is given."""


@dataclass(frozen=True, eq=False)
class Features:
    """ORB features of one frame."""

    points_xy: FloatArray
    """Places in pixels of the full frame, (F, 2)."""
    descriptors: NDArray[np.uint8]
    """Binary descriptors, (F, 32)."""

    @classmethod
    def empty(cls) -> Features:
        """Return the features of a picture without corners."""
        return cls(np.zeros((0, 2)), np.zeros((0, _DESCRIPTOR_BYTES), np.uint8))

    def __len__(self) -> int:
        return len(self.points_xy)


def no_correspondences() -> FloatArray:
    """Return the matches of two frames that have nothing in common, (0, 4)."""
    return np.zeros((0, 4))


def find_features(
    image_bgr: ImageArray, boxes_xyxy: ArrayLike, parameters: FeatureParameters
) -> Features:
    """Return the ORB features of a picture, where people are and around them.

    Args:
        image_bgr: picture (H, W, 3).
        boxes_xyxy: boxes of the people in it, in pixels, (N, 4); without any, or with
            ``surroundings`` None, features are sought in the whole picture.
        parameters: how many, at which size, which grey.
    """
    boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
    code = cv2.COLOR_RGB2GRAY if parameters.red_and_blue_swapped else cv2.COLOR_BGR2GRAY
    grey = cv2.cvtColor(image_bgr, code)
    height, width = grey.shape
    scale = 1.0
    if parameters.longest_side_px is not None and max(height, width) > parameters.longest_side_px:
        scale = parameters.longest_side_px / max(height, width)
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    if min(grey.shape) <= 2 * _BORDER_PX:
        return Features.empty()
    orb = cv2.ORB.create(
        nfeatures=_feature_count(len(boxes), parameters),
        scaleFactor=_SCALE_FACTOR,
        nlevels=parameters.levels,
        scoreType=cv2.ORB_FAST_SCORE,
        fastThreshold=parameters.fast_threshold,
    )
    mask = _people_mask(boxes * scale, grey.shape, parameters.surroundings)
    x1, y1, x2, y2 = _looked_at(mask, grey.shape)
    mask = None if mask is None else mask[y1:y2, x1:x2]
    keypoints, descriptors = orb.detectAndCompute(grey[y1:y2, x1:x2], mask)
    if descriptors is None:
        return Features.empty()
    points = np.asarray(cv2.KeyPoint.convert(keypoints), np.float64).reshape(-1, 2)
    points += np.array([x1, y1])
    ratio = np.array([width / grey.shape[1], height / grey.shape[0]])
    return Features(points * ratio, np.asarray(descriptors, np.uint8))


def _feature_count(people: int, parameters: FeatureParameters) -> int:
    if parameters.features_per_person is None:
        return parameters.maximum_features
    wanted = parameters.base_features + parameters.features_per_person * people
    return max(min(wanted, parameters.maximum_features), 1)


def _people_mask(
    boxes_xyxy: FloatArray, shape: tuple[int, ...], surroundings: float | None
) -> NDArray[np.uint8] | None:
    """Return 255 in the widened boxes and 0 elsewhere, (H, W); None for the whole picture."""
    if surroundings is None or len(boxes_xyxy) == 0:
        return None
    mask = np.zeros(shape, np.uint8)
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    grow = surroundings * sides.max(1, keepdims=True)
    low = np.maximum(boxes_xyxy[:, :2] - grow, 0).astype(int)
    high = np.ceil(boxes_xyxy[:, 2:] + grow).astype(int) + 1
    for (x1, y1), (x2, y2) in zip(low, high):
        mask[y1:y2, x1:x2] = 255
    return mask


def _looked_at(mask: NDArray[np.uint8] | None, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the part x1 y1 x2 y2 of the picture that holds the mask and the features' border."""
    height, width = shape
    if mask is None:
        return 0, 0, width, height
    x, y, columns, rows = cv2.boundingRect(mask)
    x1, y1 = max(x - _BORDER_PX, 0), max(y - _BORDER_PX, 0)
    return x1, y1, min(x + columns + _BORDER_PX, width), min(y + rows + _BORDER_PX, height)


def match_features(first: Features, second: Features, parameters: FeatureParameters) -> FloatArray:
    """Return the matches of the features of two frames as x1 y1 x2 y2 in pixels, (R, 4).

    Every feature of the first frame takes its nearest descriptor in the second when that is
    clearly nearer than the second nearest (``ratio``); two may take the same one.
    """
    if len(first) < 2 or len(second) < 2:
        return no_correspondences()
    matcher = _matcher(parameters)
    pairs = matcher.knnMatch(first.descriptors, second.descriptors, k=2)
    numbers = [
        (pair[0].queryIdx, pair[0].trainIdx)
        for pair in pairs
        if len(pair) == 2 and pair[0].distance < parameters.ratio * pair[1].distance
    ]
    chosen = np.asarray(numbers, np.int64).reshape(-1, 2)
    rows = np.concatenate([first.points_xy[chosen[:, 0]], second.points_xy[chosen[:, 1]]], 1)
    return np.trunc(rows) if parameters.whole_pixels else rows


def _matcher(parameters: FeatureParameters) -> cv2.DescriptorMatcher:
    if parameters.search == "exhaustive":
        return cv2.BFMatcher(cv2.NORM_HAMMING)
    index: dict[str, bool | int | float | str] = {
        "algorithm": _LSH_INDEX,
        "table_number": 12,
        "key_size": 12,
        "multi_probe_level": 2,
    }
    return cv2.FlannBasedMatcher(index, {"checks": 100})
