"""The pose estimator: detect, crop, infer, decode, suppress, each a method of its own.

Calling the estimator runs them one after another on one picture; the pipeline calls the same
methods from its stages, so both give the same poses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmpe._picture_calls import as_boxes, call_estimator
from rmpe.detectors import Detector, build_detector
from rmpe.geometry.boxes import clip_boxes
from rmpe.geometry.crop import CropTransform, points_to_image
from rmpe.geometry.narrow import fits_middle, is_black_beside, warp_middle
from rmpe.heatmaps import Maps, decode_with_flip, flip_average, get_codec, join_maps
from rmpe.heatmaps.codec import widened
from rmpe.heatmaps.compact import OVER_CELLS
from rmpe.pose_nms import ALPHAPOSE, NmsRule, PoseNmsParameters, apply_nms, suppress
from rmpe.pose_nms.pose_score import PoseScore
from rmpe.pose_nms.rescoring import joint_mean
from rmpe.records import Boxes, ImageArray, Poses
from rmpe.results import PictureResult
from rmpe.runtimes import Precision, Runtime, RuntimeName, as_array
from rmpe.skeletons import Skeleton
from rmpe.zoo.bundled import ready_network
from rmpe.zoo.conventions import Conventions
from rmpe.zoo.presets import get_preset

if TYPE_CHECKING:  # these need torch, which the bundled networks do without
    from rmpe.association import AssociationParameters
    from rmpe.zoo import LoadChoices


@dataclass(frozen=True)
class EstimatorOptions:
    """What a user may set of an estimator."""

    min_score: float = 0.15
    """Poses below this score are dropped."""
    max_people: int = 0
    """At most this many people a frame, the best boxes first; 0 is no limit."""
    flip_test: bool = False
    """Average with the mirrored crop's heatmaps: better joints at twice the time."""
    batch_size: int | None = None
    """Crops in one call of the network; None: as many as suit its engine."""
    nms: NmsRule = ALPHAPOSE
    """How redundant poses are suppressed; None keeps every pose."""
    pose_score: PoseScore | None = None
    """What a kept pose scores; None is its box's score times its joints' mean."""
    association: AssociationParameters | None = None
    """Assign joint candidates to people over the whole picture instead of taking each map's peak;
    for networks trained with joint-candidate targets."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_score <= 1:
            raise ValueError(f"min_score is {self.min_score}, allowed is 0..1")
        if self.max_people < 0:
            raise ValueError(f"max_people is {self.max_people}, allowed is 0 (no limit) or more")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}, allowed is 1 or more")


class PoseEstimator:
    """People and their joints in pictures, top-down; several threads may share one."""

    def __init__(
        self,
        detector: str | Detector = "compact",
        runtime: Runtime | None = None,
        conventions: Conventions | None = None,
        options: EstimatorOptions | None = None,
    ) -> None:
        """Join a detector and a pose network, or take the pair that a preset names.

        Args:
            detector: a preset's name (see :meth:`from_preset`, which takes more), or what finds the
                people's boxes.
            runtime: gives heatmaps (N, K, h, w) for crops; not with a preset.
            conventions: how the network wants its crops and its heatmaps read; not with a preset.
            options: thresholds and limits.

        Raises:
            ValueError: the preset is unknown, or the options do not go with the network.
            TypeError: a detector is given without a network.
            OSError: weights must be fetched and cannot.
        """
        if isinstance(detector, str):
            named = PoseEstimator.from_preset(detector)
            detector, runtime, conventions = named.detector, named.runtime, named.conventions
        if runtime is None or conventions is None:
            raise TypeError("a detector needs a network beside it: see PoseEstimator.build")
        self.detector: Detector = detector
        self.runtime: Runtime = runtime
        self.conventions: Conventions = conventions
        self.options = options or EstimatorOptions()
        self._codec = get_codec(conventions.codec)
        self._finding = Lock()
        if self.options.association is not None and (
            conventions.codec in (*OVER_CELLS, "simcc", "simcc_384")
        ):
            raise ValueError(
                "association needs a network whose maps peak at 1 for each joint candidate; "
                f"those of codec {conventions.codec!r} do not"
            )

    @classmethod
    def from_preset(
        cls,
        name: str = "compact",
        *,
        device: str = "auto",
        runtime: RuntimeName = "auto",
        precision: Precision = "auto",
        threads: int = 0,
        box_score: float | None = None,
        options: EstimatorOptions | None = None,
    ) -> PoseEstimator:
        """Return the estimator of a named pair of detector and network.

        Raises:
            ValueError: the preset is unknown or the device is not there.
            OSError: weights must be fetched and cannot.
        """
        preset = get_preset(name, device)
        return cls.build(
            detector=preset.detector,
            network=preset.network,
            device=device,
            runtime=runtime,
            precision=precision,
            threads=threads,
            box_score=box_score,
            options=options,
        )

    @classmethod
    def build(
        cls,
        *,
        detector: str | Detector = "compact",
        network: str = "compact",
        weights: str | None = None,
        weights_choices: LoadChoices | None = None,
        device: str = "auto",
        runtime: RuntimeName = "auto",
        precision: Precision = "auto",
        threads: int = 0,
        sstn: bool = False,
        box_score: float | None = None,
        options: EstimatorOptions | None = None,
    ) -> PoseEstimator:
        """Return an estimator put together from its parts.

        Args:
            detector: a detector's name or a detector.
            network: name in the zoo's catalogue, ``compact`` or ``compact-accurate``.
            weights: a checkpoint file, whose architecture is recognised, or an ONNX file, in place
                of ``network``.
            weights_choices: what the checkpoint's keys cannot tell, such as the input size.
            device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
            runtime: ``auto``, ``torch``, ``openvino``, or ``onnxruntime`` for ONNX files.
            precision: ``auto``, ``fp32``, ``bf16``, ``fp16`` or, for bundled networks, ``int8``.
            threads: threads of one network call; 0 leaves it to the engine.
            sstn: whether the bundled spatial transformer stands around the compact network;
                weights that were trained in one carry it anyway.
            box_score: boxes of the named detector below this score are dropped; None takes its
                own limit.
            options: thresholds and limits.

        Raises:
            ValueError: a name is unknown, the device is not there, the weights do not fit.
            OSError: a file cannot be read or fetched.
        """
        if isinstance(detector, str):
            detector = build_detector(
                detector,
                device=device,
                runtime=runtime,
                precision=precision,
                threads=threads,
                box_score=box_score,
            )
        ready = ready_network(
            network,
            weights,
            weights_choices,
            sstn=sstn,
            runtime=runtime,
            device=device,
            precision=precision,
            threads=threads,
        )
        return cls(detector, *ready, options)

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of the poses."""
        return self.conventions.skeleton

    @property
    def batch_size(self) -> int:
        """Most crops that are given to the network together.

        Those of one call, or of two where narrow people have calls of their own.
        """
        calls = 2 if self.conventions.narrow_width else 1
        return calls * self._call_size

    @property
    def _call_size(self) -> int:
        """Most crops in one call of the network."""
        return self.options.batch_size or self.runtime.usual_batch

    @property
    def engine(self) -> str:
        """What computes boxes and heatmaps, in words, with digests of both networks' weights."""
        return f"{_described(self.detector)}; {_described(self.runtime)}"

    def detect(self, images_bgr: Sequence[ImageArray]) -> list[Boxes]:
        """Return the people's boxes in each picture (H, W, 3), best first, at most max_people."""
        with self._finding:
            found = self.detector(images_bgr)
        return [self.limit(boxes, image) for boxes, image in zip(found, images_bgr)]

    def limit(self, boxes: Boxes, image_bgr: ImageArray) -> Boxes:
        """Return boxes cut to the picture, best first; empty ones and those over the limit go."""
        height, width = image_bgr.shape[:2]
        clipped = clip_boxes(boxes.boxes_xyxy, width, height)
        order = np.argsort(-boxes.scores, kind="stable")
        sides = clipped[:, 2:] - clipped[:, :2]
        order = order[(sides[order] >= 1).all(1)]
        if self.options.max_people:
            order = order[: self.options.max_people]
        return Boxes(clipped[order], boxes.scores[order])

    def crop(self, image_bgr: ImageArray, boxes: Boxes) -> tuple[ImageArray, list[CropTransform]]:
        """Return the people's crops, uint8 (N, H, W, 3), and the map of each.

        Where the conventions have a narrow width, the crop of who fits in it is black beside it.
        """
        conventions = self.conventions
        transforms = [
            CropTransform.from_person_box(
                box, conventions.input_height, conventions.input_width, conventions.crop_style
            )
            for box in boxes.boxes_xyxy
        ]
        crops = np.empty(
            (len(transforms), conventions.input_height, conventions.input_width, 3), np.uint8
        )
        height, middle = conventions.input_height, conventions.narrow_width
        narrow = fits_middle(boxes.boxes_xyxy, height, middle)
        for crop, transform, is_narrow in zip(crops, transforms, narrow):
            if is_narrow:
                warp_middle(crop, image_bgr, transform, conventions.narrow_margin)
            else:
                crop[:] = transform.warp(image_bgr)
        return crops, transforms

    def infer(self, crops_bgr: ImageArray) -> Maps:
        """Return heatmaps, float32 (N, V, K, h, w), on the runtime's device.

        V is 1, or 2 with the flip test: the crop's own maps and those of its mirror image. Where
        the conventions have a narrow width, crops that are black beside it are looked at in it
        alone, and no joint lies in their maps' other cells.

        Args:
            crops_bgr: uint8 (N, H, W, 3).

        Raises:
            ValueError: there is no crop.
        """
        if len(crops_bgr) == 0:
            raise ValueError("infer needs at least one crop, got none")
        margin = self.conventions.narrow_margin
        if not margin:
            return self._maps(crops_bgr)
        is_narrow = is_black_beside(crops_bgr, margin)
        narrow, wide = np.flatnonzero(is_narrow), np.flatnonzero(~is_narrow)
        parts = [self._maps(crops_bgr[wide])] if len(wide) else []
        if len(narrow):
            maps = self._maps(crops_bgr[narrow, :, margin:-margin])
            parts.append(widened(maps, margin // self._codec.stride))
        order = np.argsort(np.concatenate([wide, narrow]), kind="stable")
        return join_maps(parts)[order]

    def _maps(self, crops_bgr: ImageArray) -> Maps:
        """Return heatmaps of N crops of one size, (N, V, K, h, w)."""
        size = self._call_size
        parts = [self._views(crops_bgr[i : i + size]) for i in range(0, len(crops_bgr), size)]
        return join_maps(parts)

    def _views(self, crops_bgr: ImageArray) -> Maps:
        views = [self._codec.join(self.runtime(crops_bgr))]
        if self.options.flip_test:
            mirrored = np.ascontiguousarray(crops_bgr[:, :, ::-1])
            views.append(self._codec.join(self.runtime(mirrored)))
        # (N, K, h, w) each -> (N, V, K, h, w)
        return join_maps([view[:, None, : self.skeleton.joint_count] for view in views], 1)

    def decode(self, heatmaps: Maps, transforms: Sequence[CropTransform], boxes: Boxes) -> Poses:
        """Return the poses of N crops in frame pixels.

        Args:
            heatmaps: (N, V, K, h, w), as :meth:`infer` gives them, of one picture.
            transforms: the map of each crop.
            boxes: the box that each crop was made from.
        """
        if self.options.association is not None:
            return self._associate(heatmaps, transforms, boxes, self.options.association)
        if heatmaps.shape[1] == 1:
            points, joint_scores = self._codec.decode(heatmaps[:, 0])
        else:
            points, joint_scores = decode_with_flip(
                self._codec, heatmaps[:, 0], heatmaps[:, 1], self.skeleton.mirror_permutation
            )
        scores = np.clip(as_array(joint_scores), 0, 1)
        return Poses(
            boxes_xyxy=boxes.boxes_xyxy,
            box_scores=boxes.scores,
            keypoints_xy=points_to_image(as_array(points), list(transforms)),
            keypoint_scores=scores,
            scores=boxes.scores * joint_mean(scores, self.conventions.score_rule),
            ids=np.zeros(len(boxes), np.int64),
        )

    def _associate(
        self,
        heatmaps: Maps,
        transforms: Sequence[CropTransform],
        boxes: Boxes,
        parameters: AssociationParameters,
    ) -> Poses:
        """Return the people of one picture that its joint candidates make up."""
        import torch

        from rmpe.association import associate

        maps = heatmaps[:, 0]
        if heatmaps.shape[1] == 2:
            order = self.skeleton.mirror_permutation
            maps = flip_average(maps, heatmaps[:, 1], order, self._codec.flip_shift)
        maps = torch.as_tensor(maps)
        return associate(maps, transforms, boxes, self._codec, self.skeleton.sigmas, parameters)

    def estimate(self, image_bgr: ImageArray, boxes: Boxes | ArrayLike) -> Poses:
        """Return one pose for every given box (or corners x1 y1 x2 y2, (N, 4)), none suppressed."""
        boxes = as_boxes(boxes)
        if len(boxes) == 0:
            return Poses.empty(self.skeleton.joint_count)
        crops, transforms = self.crop(image_bgr, boxes)
        return self.decode(self.infer(crops), transforms, boxes)

    def suppress(self, poses: Poses) -> Poses:
        """Return the poses that the suppression keeps and whose score is high enough.

        Parametric pose-NMS scores its merged poses by AlphaPose's sum, up to 3.25, and gives them
        the box of the surest joints; here, as everywhere, a pose scores its box's score times its
        joints' mean, or what the options' ``pose_score`` expects of it, and a doubtful box gives
        way to the best of those merged.
        """
        if isinstance(self.options.nms, PoseNmsParameters):
            poses = suppress(poses, self.options.nms).with_sure_boxes(poses)
            scores = poses.box_scores * joint_mean(
                poses.keypoint_scores, self.conventions.score_rule
            )
            poses = replace(poses, scores=scores)
        else:
            poses = apply_nms(poses, self.options.nms, self.skeleton.sigmas)
        if self.options.pose_score is not None:
            scores = self.options.pose_score(poses)
            poses = replace(poses, scores=scores)
        return poses.select(poses.scores >= self.options.min_score)

    @overload
    def __call__(
        self, pictures: NDArray[Any], boxes_xyxy: ArrayLike | Boxes | None = None
    ) -> PictureResult: ...

    @overload
    def __call__(
        self, pictures: list[Any] | tuple[Any, ...], boxes_xyxy: Sequence[Any] | None = None
    ) -> list[PictureResult]: ...

    @overload
    def __call__(self, pictures: object, boxes_xyxy: Any = None) -> Any: ...

    def __call__(
        self, pictures: Any, boxes_xyxy: Any = None
    ) -> PictureResult | list[PictureResult]:
        """Return the poses of the people in a picture, or in each of several.

        Args:
            pictures: an array (H, W, 3) in BGR order or another that :func:`rmpe.pictures.as_bgr`
                takes, a file's path, a PIL image; a list of these or a folder of pictures for a
                list of results.
            boxes_xyxy: own boxes, corners (N, 4) in pixels, instead of the detector's; every one
                gets its pose, in this order. For several pictures one such array each.

        Raises:
            OSError: a file is missing or no picture.
            TypeError: what is passed is no picture.
            ValueError: an array has the wrong shape or values, or boxes do not fit.
        """
        return call_estimator(self, pictures, boxes_xyxy)


def _described(part: Detector | Runtime) -> str:
    """Return what computes, in words, and the digest of its weights where there are any."""
    engine = getattr(part, "runtime", part)
    words = getattr(engine, "description", type(engine).__name__)
    return f"{words} {getattr(engine, 'weights_digest', '')}".strip()
