"""Nobody lost between frames: looks for people whom the detector missed where they should be.

SimpleBaselines (Xiao et al., ECCV 2018, section 3.1) carry boxes over from the frame before along
the optical flow. Here the tracker's matches of features and the motion of the joints say where
somebody should be; the pose network looks there, and its joints decide whether they are.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

from pipeline.stages.following import FollowParameters
from pipeline.stages.known import Known
from rmpe.geometry.boxes import box_area, box_iou_matrix, clip_boxes
from rmpe.pose_nms import pose_similarity
from rmpe.records import Boxes, FloatArray, Frame, IntArray, Poses
from tracking import OnlineTracker
from tracking.following import Naming

if TYPE_CHECKING:
    from rmpe.estimator import PoseEstimator


@dataclass(frozen=True)
class PropagationParameters:
    """Whom to look for, and when a pose is believed to be theirs."""

    least_detections: int = 2
    """People whom the detector found less often are not looked for: they may be mistakes."""
    longest_frames: int = 40
    """Frames without the detector after which nobody is looked for, if found or not."""
    frames_per_detection: float = 3.0
    """And after this many frames for each in which the detector found them before."""
    patience_frames: int = 8
    """Frames without anything found after which nobody is looked for."""
    fade: float = 0.97
    """The box's score is multiplied by this in every frame without the detector."""
    least_joint_score: float = 0.3
    """A pose is believed from this mean joint score on."""
    usual_share: float = 0.8
    """And from this share of the mean that the person had when last detected."""
    least_fit: float = 0.3
    """And only where the box around its joints overlaps the expected one by this much (IoU)."""
    most_alike: float = 0.3
    """A pose whose OKS with another of the frame is higher is theirs."""
    most_overlap: float = 0.6
    """And one whose box has a higher intersection over union with another's."""
    most_covered: float = 0.5
    """Nobody is looked for where a box of the frame overlaps the expected one by more (IoU)."""
    least_inside: float = 0.5
    """Share of the expected box that must lie in the picture."""
    follow: FollowParameters = field(default_factory=FollowParameters)
    """How expected joints become a box."""


class PropagatingTracker:
    """A tracker that looks for those who are missing, in the frame that it was just given.

    What it does depends on the frames' poses alone, in order, so a run in threads and one without
    give the same; all that it remembers is in :meth:`state`.

    Args:
        tracker: gives the identities.
        estimator: its pose network looks; also its suppression decides.
        parameters: whom to look for, and what is believed.
    """

    def __init__(
        self,
        tracker: OnlineTracker,
        estimator: PoseEstimator,
        parameters: PropagationParameters | None = None,
    ) -> None:
        self._tracker = tracker
        self._estimator = estimator
        self._parameters = parameters or PropagationParameters()
        self._known = Known.nobody(estimator.skeleton.joint_count)

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses of the next frame with identities, those found again after the others.

        Args:
            frame: the picture, and its place in the clip.
            poses: what was detected in it.
        """
        tracked = self._tracker.update(frame, poses)
        self._known = self._known.with_detected(frame.index, tracked)
        expected = self._not_covered(self._expected(frame), tracked)
        found = tracked.select(np.zeros(0, np.int64))
        if len(expected):
            boxes = Boxes(expected.boxes_xyxy, expected.box_scores)
            looked = self._estimator.estimate(frame.image_bgr, boxes).with_ids(expected.ids)
            looked = self._estimator.suppress(looked)
            found = looked.select(self._believed(looked, tracked))
        if len(found):
            self._tracker.add_found(frame, found)
        known = self._known.with_looks(expected.ids, found)
        self._known = known.of_frames_since(known.frames.max(initial=0) - self._longest_memory)
        return join_poses(tracked, found)

    @property
    def _longest_memory(self) -> int:
        return 2 * self._parameters.longest_frames

    @property
    def naming(self) -> Naming:
        """Who of those detected waits for an identity, and who has got one."""
        return self._tracker.naming

    def _expected(self, frame: Frame) -> Poses:
        """Return who is looked for, where their joints should be and with the score they have."""
        missing = self._tracker.missing(frame)
        known = self._known
        parameters = self._parameters
        rows = np.searchsorted(known.ids, missing.ids)
        rows = np.minimum(rows, max(len(known.ids) - 1, 0))
        wanted = missing.unseen_frames <= parameters.patience_frames
        if len(known.ids) == 0 or not wanted.any():
            return Poses.empty(known.joint_scores.shape[1])
        wanted &= (known.ids[rows] == missing.ids) & (known.waits[rows] == 0)
        ages = frame.index - known.frames[rows]
        wanted &= known.detections[rows] >= parameters.least_detections
        trusted = parameters.frames_per_detection * known.detections[rows]
        wanted &= ages <= np.minimum(parameters.longest_frames, trusted)
        chosen, rows, ages = np.flatnonzero(wanted), rows[wanted], ages[wanted]
        last = known.select(rows)
        expected = Poses(
            boxes_xyxy=last.boxes_xyxy,
            box_scores=last.box_scores * np.float32(parameters.fade) ** ages,
            keypoints_xy=missing.keypoints_xy[chosen].astype(np.float32),
            keypoint_scores=last.joint_scores,
            scores=last.usual_scores,
            ids=missing.ids[chosen],
        )
        return self._in_the_picture(expected, frame)

    def _in_the_picture(self, expected: Poses, frame: Frame) -> Poses:
        """Return those whose box lies in the picture, with their boxes cut to it."""
        boxes = self._parameters.follow.next_boxes(expected).boxes_xyxy
        inside = clip_boxes(boxes, frame.width, frame.height)
        share = box_area(inside) / np.maximum(box_area(boxes), 1e-6)
        kept = (share >= self._parameters.least_inside) & (
            (inside[:, 2:] - inside[:, :2]) >= 1
        ).all(1)
        expected = expected.select(kept)
        return Poses(
            inside[kept],
            expected.box_scores,
            expected.keypoints_xy,
            expected.keypoint_scores,
            expected.scores,
            expected.ids,
        )

    def _not_covered(self, expected: Poses, tracked: Poses) -> Poses:
        """Return those where nobody of the frame stands already."""
        overlap = box_iou_matrix(expected.boxes_xyxy, tracked.boxes_xyxy)
        return expected.select(overlap.max(1, initial=0) <= self._parameters.most_covered)

    def _believed(self, looked: Poses, tracked: Poses) -> IntArray:
        """Return the rows of those poses that are sure enough and nobody else's, best first."""
        parameters = self._parameters
        known = self._known
        usual = known.usual_scores[np.searchsorted(known.ids, looked.ids)]
        means = looked.keypoint_scores.mean(1)
        sure = means >= np.maximum(parameters.least_joint_score, parameters.usual_share * usual)
        room = self._estimator.options.max_people or len(tracked) + len(looked)
        boxes = parameters.follow.next_boxes(looked).boxes_xyxy
        if len(looked):
            sure &= np.diagonal(box_iou_matrix(boxes, looked.boxes_xyxy)) >= parameters.least_fit
        others, other_boxes = tracked, self._parameters.follow.next_boxes(tracked).boxes_xyxy
        kept: list[int] = []
        for row in np.argsort(-means, kind="stable").tolist():
            if not sure[row] or len(others) >= room:
                continue
            one = looked.select([row])
            if not self._is_another(one, boxes[[row]], others, other_boxes):
                kept.append(row)
                others = join_poses(others, one)
                other_boxes = np.concatenate([other_boxes, boxes[[row]]])
        return np.sort(np.array(kept, np.int64))

    def _is_another(
        self, one: Poses, box: FloatArray, others: Poses, other_boxes: FloatArray
    ) -> bool:
        """Tell whether a pose is that of somebody who is in the frame already."""
        if len(others) == 0:
            return False
        overlap = box_iou_matrix(box, other_boxes)[0]
        xy = np.concatenate([one.keypoints_xy, others.keypoints_xy])
        areas = box_area(np.concatenate([box, other_boxes]))
        alike = pose_similarity(xy, areas, self._estimator.skeleton.sigmas)[0, 1:]
        return bool(
            (overlap > self._parameters.most_overlap).any()
            or (alike > self._parameters.most_alike).any()
        )

    def state(self) -> bytes:
        """Return what the tracker and this one know."""
        buffer = io.BytesIO()
        inner = np.frombuffer(self._tracker.state(), np.uint8)
        np.savez(buffer, allow_pickle=False, tracker=inner, **vars(self._known))
        return buffer.getvalue()

    def restore(self, state: bytes) -> None:
        """Go on from a saved state.

        Raises:
            ValueError: the bytes are no state of a propagating tracker.
        """
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            inner = arrays.pop("tracker").tobytes()
            self._known = Known(**arrays)
        except (OSError, KeyError, EOFError, TypeError, ValueError) as error:
            raise ValueError(f"got {len(state)} bytes that are no tracker state") from error
        self._tracker.restore(inner)


def join_poses(first: Poses, second: Poses) -> Poses:
    """Return the people of both, in that order."""
    if len(second) == 0:
        return first
    names = [f.name for f in fields(Poses)]
    return Poses(**{n: np.concatenate([getattr(first, n), getattr(second, n)]) for n in names})
