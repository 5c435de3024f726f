"""A whole clip at once: pieces of the online tracks linked anew, or flows as the paper has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from rmpe.records import Frame, Poses
from tracking.flows.building import build_most_confident_flows
from tracking.flows.flow import Flow, build_flows, close_flow, join_poses
from tracking.flows.linking import link_clip
from tracking.flows.nms import FlowParameters, join_flows, suppress_flows
from tracking.flows.pieces import Observed
from tracking.following import LateNames
from tracking.online import OnlineTracker
from tracking.parameters import DEFAULT, TrackerParameters
from tracking.poseflow.parameters import POSEFLOW_EXTENDED, PoseFlowParameters

FlowBuilding = Literal["identities", "confidence"]


def track_clip(
    clip: Iterable[tuple[Frame, Poses]],
    parameters: TrackerParameters | PoseFlowParameters = DEFAULT,
    flow_parameters: FlowParameters | None = None,
    building: FlowBuilding = "identities",
) -> list[Poses]:
    """Return the poses of every frame with identities for which the whole clip was looked at.

    Pictures are looked at once and not kept.

    Args:
        clip: every frame with its people, in order.
        parameters: of the tracker.
        flow_parameters: of flow-NMS and joining, for flows.
        building: "identities" links pieces of our online tracks
            (:func:`tracking.flows.linking.link_clip`), and takes the identities of PoseFlow's rules
            as flows; "confidence" takes the most confident ways through the poses as flows, as the
            paper does.

    Returns:
        One entry for every frame. People of suppressed flows are merged into those that stay;
        identities are 1, 2, ... in order of first appearance.

    Raises:
        ValueError: ``building`` is something else.
    """
    if building == "confidence":
        # flows of the paper follow the published similarity, which our tracker does not use
        published = parameters if isinstance(parameters, PoseFlowParameters) else POSEFLOW_EXTENDED
        return refine_tracks(build_most_confident_flows(clip, published), flow_parameters)
    if building != "identities":
        raise ValueError(f"building is {building!r}, supported are 'identities', 'confidence'")
    tracker = OnlineTracker(parameters)
    if isinstance(parameters, TrackerParameters):
        return _linked(clip, tracker, parameters)
    tracked = [tracker.update(frame, poses) for frame, poses in clip]
    return refine_tracks(tracked, flow_parameters)


def _linked(
    clip: Iterable[tuple[Frame, Poses]], tracker: OnlineTracker, parameters: TrackerParameters
) -> list[Poses]:
    observed: list[Observed] = []
    late: LateNames[Observed] = LateNames(parameters.wait_sightings - 1)
    camera, size = np.eye(3), (1, 1)
    for frame, poses in clip:
        size = (frame.width, frame.height)
        named = tracker.update(frame, poses)
        step = tracker.explanation
        assert step is not None
        camera = np.vstack([step.camera, [0.0, 0.0, 1.0]]) @ camera
        item = Observed(frame.timestamp_s, named, step.seen, step.now, camera)
        observed += [replace(it, poses=who) for it, who in late.take(item, named, tracker.naming)]
    observed += [replace(it, poses=who) for it, who in late.flush()]
    ids = link_clip(observed, size, parameters)
    return [it.poses.with_ids(who) for it, who in zip(observed, ids, strict=True)]


def refine_tracks(
    tracked: Sequence[Poses], parameters: FlowParameters | None = None
) -> list[Poses]:
    """Return a tracked clip after flows were closed, suppressed, merged and joined.

    Args:
        tracked: poses with identities, one entry for every frame, people or none.
        parameters: of flow-NMS and joining.
    """
    parameters = parameters or FlowParameters()
    closed = [
        close_flow(flow, parameters.recent_frames, parameters.least_confidence)
        for flow in build_flows(tracked)
    ]
    flows = suppress_flows([flow for flow in closed if flow is not None], parameters)
    return _frames_of(join_flows(flows, parameters), tracked)


def _frames_of(flows: Sequence[Flow], tracked: Sequence[Poses]) -> list[Poses]:
    """Return the people of every frame, identities in order of first appearance."""
    if not flows:
        return [Poses.empty(poses.joint_count) for poses in tracked]
    ordered = sorted(flows, key=lambda flow: (flow.start, int(flow.poses.ids[0])))
    frames = np.concatenate([flow.frames for flow in ordered])
    lengths = [len(flow.frames) for flow in ordered]
    everybody = join_poses([flow.poses for flow in ordered]).with_ids(
        np.repeat(np.arange(1, len(ordered) + 1), lengths)
    )
    return [everybody.select(frames == number) for number in range(len(tracked))]
