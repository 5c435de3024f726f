"""Clips as files: what a clip's folder holds, going on after an interruption, lists of clips."""

from pipeline.clips.clip import ClipSummary, process_clip
from pipeline.clips.folder_lock import FolderInUseError, FolderLock
from pipeline.clips.jobs import ClipJob, run_job
from pipeline.clips.outputs import OutputPlan
from pipeline.clips.worklist import ClipOutcome, run_worklist

__all__ = [
    "ClipJob",
    "ClipOutcome",
    "ClipSummary",
    "FolderInUseError",
    "FolderLock",
    "OutputPlan",
    "process_clip",
    "run_job",
    "run_worklist",
]
