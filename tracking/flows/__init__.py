"""A whole clip at once: pieces of tracks linked by likelihood; the paper's pose flows."""

from tracking.flows.building import build_most_confident_flows
from tracking.flows.flow import Flow, build_flows
from tracking.flows.nms import FlowParameters

__all__ = ["Flow", "FlowParameters", "build_flows", "build_most_confident_flows"]
