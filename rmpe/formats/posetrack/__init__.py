"""PoseTrack's files, 2018 and 2017: predictions in and out, annotations in."""

from rmpe.formats.posetrack.document import (
    PoseTrackFrame,
    PoseTrackPerson,
    parse_posetrack,
    posetrack17_from_18,
)
from rmpe.formats.posetrack.records import PoseTrack17Writer, PoseTrackWriter, read_posetrack

__all__ = [
    "PoseTrack17Writer",
    "PoseTrackFrame",
    "PoseTrackPerson",
    "PoseTrackWriter",
    "parse_posetrack",
    "posetrack17_from_18",
    "read_posetrack",
]
