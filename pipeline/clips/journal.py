"""How far a run has come: a small file beside the records from which a killed run goes on.

It is written between two chunks of the clip (see ``RunOptions.chunk``), when everything up to
there lies in the outputs, and holds what the next frame depends on: the tracker's state and the
number of frames. A resumed run therefore gives the same records as one that nobody interrupted.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.stages.track import Tracker
from rmpe.error_words import in_words
from rmpe.records import Frame, Poses
from tracking.following import Naming

SCHEMA = "rmpe-checkpoint/3"
SAVE_EVERY_S = 2.0
"""What a killed run may lose; saving oftener costs time."""
WORK_NAME = ".rmpe"
"""Hidden folder of what a run needs only while it is unfinished."""
CHECKPOINT_NAME = "checkpoint.json"
"""File in it that says how far the run has come."""
CHUNKS_NAME = "video"
"""Folder in it of the annotated clip's chunks."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A place where a run may go on."""

    request: Mapping[str, Any]
    """What the run was asked for, see :meth:`pipeline.clips.jobs.ClipJob.whole_request`."""
    engine: str
    """What computed the poses; another engine's poses differ in their last digits."""
    frames: int
    """Frames done; a multiple of the chunk."""
    first_time_s: float
    """Time of the clip's first frame, where the annotated video begins."""
    tracker: str = ""
    """The tracker's state in base64; empty without a tracker."""

    @property
    def tracker_state(self) -> bytes:
        """The tracker's state."""
        return base64.b64decode(self.tracker)

    def save(self, path: Path) -> None:
        """Write the file so that it is either the old one or the new one, whatever happens."""
        write_atomically(path, json.dumps({"schema": SCHEMA, **asdict(self)}))

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Return the checkpoint of a file; None where there is none that can be read."""
        try:
            item: dict[str, Any] = json.loads(path.read_text("utf-8"))
            if item.pop("schema") != SCHEMA:
                return None
            return cls(**item)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s cannot be read: %s", path, in_words(error))
            return None


def write_atomically(path: Path, text: str) -> None:
    """Write a small text file that is whole at every moment, also after a power cut."""
    temporary = path.with_name(path.name + ".new")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


class Journal:
    """The last writer of a run: saves a checkpoint now and then, between chunks of the clip.

    A tracker runs ahead of the writers, so its state is taken when it has seen the last frame of a
    chunk (see :meth:`watch`) and saved when that frame has passed every writer. A checkpoint that
    cannot be written is reported once and the run goes on.

    Args:
        path: the file.
        start: where the run begins; its ``frames`` is 0 for a fresh run.
        chunk: frames of a chunk.
        records: the records file, brought to the disk before a checkpoint relies on it.
        save_every_s: shortest time between two checkpoints.
    """

    def __init__(
        self,
        path: Path,
        start: Checkpoint,
        chunk: int,
        records: Path,
        save_every_s: float = SAVE_EVERY_S,
    ) -> None:
        self.warnings: list[str] = []
        self._start = start
        self._chunk = chunk
        self._path = path
        self._records = records
        self._save_every_s = save_every_s
        self._first_time_s: float | None = start.first_time_s if start.frames else None
        self._written = start.frames
        self._noted: deque[Checkpoint] = deque()
        self._due_at = time.monotonic() + save_every_s
        self._seen = start.frames
        self._watches = False

    def watch(self, tracker: Tracker) -> Tracker:
        """Return the same tracker, whose state goes into the checkpoints."""
        self._watches = True
        return _WatchedTracker(tracker, self._note)

    def write(self, frame: Frame, poses: Poses) -> None:
        """Count a frame that every writer has taken; save the checkpoint that waited for it."""
        if self._first_time_s is None:
            self._first_time_s = frame.timestamp_s
        self._written += 1
        if not self._watches:
            self._note(lambda: b"")
        if self._noted and self._noted[0].frames == self._written:
            self._save(replace(self._noted.popleft(), first_time_s=self._first_time_s))

    def close(self, complete: bool) -> None:
        """Nothing is held open."""

    def _note(self, state: Callable[[], bytes]) -> None:
        """Count a frame that the tracker has seen; take its state where a checkpoint is due."""
        self._seen += 1
        if self._seen % self._chunk or time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + self._save_every_s
        encoded = base64.b64encode(state()).decode("ascii")
        self._noted.append(replace(self._start, frames=self._seen, tracker=encoded))

    def _save(self, checkpoint: Checkpoint) -> None:
        try:
            with open(self._records, "rb") as file:
                os.fsync(file.fileno())
            checkpoint.save(self._path)
        except OSError as error:
            if not self.warnings:
                self.warnings.append(
                    f"progress cannot be saved, a killed run would go on from an earlier "
                    f"place: {in_words(error)}"
                )
                log.warning("%s", self.warnings[0])


class _WatchedTracker:
    """A tracker that tells of its state after every frame."""

    def __init__(self, tracker: Tracker, note: Callable[[Callable[[], bytes]], None]) -> None:
        self._tracker = tracker
        self._note = note

    def update(self, frame: Frame, poses: Poses) -> Poses:
        """Return the poses of the next frame with identities."""
        result = self._tracker.update(frame, poses)
        self._note(self._tracker.state)
        return result

    @property
    def naming(self) -> Naming:
        """Who waits for an identity, and who has got one."""
        return self._tracker.naming

    def state(self) -> bytes:
        """Return what the tracker knows."""
        return self._tracker.state()

    def restore(self, state: bytes) -> None:
        """Go on from a saved state."""
        self._tracker.restore(state)
