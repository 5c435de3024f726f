"""A live run that is left alone: sources and processes are killed, and nothing recorded is lost.

Run: python benchmarks/live/bench_left_alone.py [--minutes 60] [--fps 20] [--networks]

The example clip is looped as MJPEG over HTTP by ffmpeg, which is killed and started again
``--source-kills`` times (20). `rmpe webcam --record` reads it in a process of its own, which is
ended ``--process-kills`` times (5), by SIGKILL and SIGTERM in turn, and started again on the same
folder. That takes an hour unless ``--minutes`` says otherwise; a stand-in takes the networks' place
unless ``--networks`` is given. While it runs, `/metrics` is asked how many frames are recorded.
Fails when

- a frame that was reported as recorded is not in a segment whose records are complete and whose
  video plays,
- a file of a segment that was closed has changed, or one that was open was not only gone on with,
- a process that was asked to end (SIGTERM) did not end with 0,
- memory grew by more than 5 % over the second half of a process's life in which it recorded at
  least ``SETTLED_FRAMES``: before, threads and codecs still fill what they keep.
  `bench_losses.py` loses a source more often.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import click

from rmpe.formats.native import NativeReader

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/crossing.mp4"
MOST_GROWTH = 0.05
"""Of the memory held after half of a process's life."""
SETTLED_FRAMES = 3000
"""A process that has recorded so many holds what it will hold."""
SEGMENT_S = 12
AWAY_S = 1.0
LOOK_EVERY_S = 0.25
READY_WITHIN_S = 120.0
END_WITHIN_S = 20.0
PROGRAM = """
import sys
sys.path[:0] = {paths!r}
import cli
if not {networks}:
    from live_memory import StandIn
    from rmpe_cli import building
    building.build_estimator = lambda given, threads: StandIn()
cli.main()
"""


@dataclass
class Life:
    """What is known of one process, from its start to its end."""

    number: int
    reported: int = 0
    """Frames that it said to be recorded, the last time it was asked."""
    memory_mb: list[float] = field(default_factory=list)
    losses: int = 0
    ended_by: str = ""
    exit_code: int = 0

    @property
    def growth(self) -> float:
        """Growth of the memory over the second half of its life, as a share."""
        half = self.memory_mb[len(self.memory_mb) // 2 :]
        return max(half[-5:], default=0.0) / max(half[0], 1.0) - 1 if len(half) > 10 else 0.0


class LoopedSource:
    """The example clip as MJPEG over HTTP, for ever, by ffmpeg; can be killed and comes back."""

    def __init__(self, port: int, fps: int, width: int) -> None:
        ffmpeg = shutil.which("ffmpeg")
        if ffmpeg is None:
            raise click.ClickException("ffmpeg is needed")
        self.address = f"http://127.0.0.1:{port}/clip"
        self._command = [
            *(ffmpeg, "-v", "quiet", "-re", "-stream_loop", "-1", "-i", str(EXAMPLE)),
            *("-an", "-vf", f"setpts=N/{fps}/TB,scale={width}:-2", "-r", str(fps)),
            *("-c:v", "mjpeg", "-q:v", "8", "-f", "mpjpeg", "-listen", "1", self.address),
        ]
        self._stopped = False
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdin=subprocess.DEVNULL)

    def keep_up(self) -> None:
        """Start it again if it has ended because its only listener left."""
        if not self._stopped and self._process.poll() is not None:
            self._process = self._start()

    def kill(self) -> None:
        """Kill it, and start it again after a while."""
        self._process.kill()
        self._process.wait()
        time.sleep(AWAY_S)
        self._process = self._start()

    def stop(self) -> None:
        """End it for good."""
        self._stopped = True
        self._process.kill()
        self._process.wait()


class Recording:
    """The folder that all processes record into, and what its files were."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, tuple[str, bytes | None]] = {}
        self.changed: list[str] = []

    def remember(self, open_ones: bool) -> None:
        """Compare all files with what they were, and remember them.

        Args:
            open_ones: the last segment was left open: its records may be gone on with.
        """
        segments = sorted(self.folder.glob("segment_*"))
        for path in sorted(self.folder.rglob("*.*")):
            if path.name.startswith("."):
                continue
            data = path.read_bytes()
            if path in self._known and not self._is_kept(self._known[path], data):
                self.changed.append(str(path.relative_to(self.folder)))
            is_open = open_ones and path.parent == segments[-1] and path.suffix == ".ndjson"
            whole = data[: data.rfind(b"\n") + 1] if is_open else None
            self._known[path] = (hashlib.sha256(data).hexdigest(), whole)

    def _is_kept(self, known: tuple[str, bytes | None], data: bytes) -> bool:
        digest, whole_lines = known
        if whole_lines is not None:
            return data.startswith(whole_lines)
        return hashlib.sha256(data).hexdigest() == digest

    def frames(self, numbers: range) -> tuple[int, int]:
        """Return the frames that segments hold in records and in video; all must be whole."""
        written = played = 0
        for number in numbers:
            folder = self.folder / f"segment_{number:05d}"
            reader = NativeReader(folder / "poses.ndjson")
            indices = [record.frame_index for record in reader]
            if not reader.complete or indices != sorted(set(indices)):
                raise click.ClickException(f"{folder} is not whole")
            shown = _playable(folder / "annotated.mp4")
            written, played = written + len(indices), played + min(shown, len(indices))
        return written, played

    def count(self) -> int:
        """Return how many segments there are."""
        return len(list(self.folder.glob("segment_*")))


class Webcam:
    """`rmpe webcam --record` in a process of its own."""

    def __init__(self, source: str, folder: Path, networks: bool, log: Any) -> None:
        self.port = _free_port()
        paths = [str(ROOT), str(Path(__file__).parent)]
        program = PROGRAM.format(paths=paths, networks=networks)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", program, "webcam", source, "--record", str(folder)),
                *("--segment", f"{SEGMENT_S}s", "--reconnect", "inf", "--no-window"),
                *("--serve", str(self.port), "--no-propagate"),
                # A busy machine may take its time: frames under way are not cut to one.
                *("--max-latency", "10"),
            ],
            stdout=log,
            stderr=log,
        )

    def look(self, life: Life) -> None:
        """Ask what is recorded and what it holds."""
        with suppress(OSError):
            life.memory_mb.append(_memory_mb(self.process.pid))
            address = f"http://127.0.0.1:{self.port}/metrics"
            with urllib.request.urlopen(address, timeout=5) as answer:
                text = answer.read().decode()
            life.reported = max(life.reported, _sample(text, "rmpe_frames_recorded_total"))
            life.losses = _sample(text, "rmpe_source_losses_total")

    def end(self, number: signal.Signals) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(END_WITHIN_S)


def _sample(text: str, name: str) -> int:
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def _memory_mb(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _playable(path: Path) -> int:
    """Return the number of frames that play; none where the file was just begun."""
    try:
        with av.open(str(path)) as container:
            return sum(1 for _ in container.decode(video=0))
    except (av.error.FFmpegError, FileNotFoundError):
        return 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _source(fps: int, width: int) -> Iterator[LoopedSource]:
    source = LoopedSource(_free_port(), fps, width)
    try:
        yield source
    finally:
        source.stop()


def live_through(
    webcam: Webcam, source: LoopedSource, life: Life, seconds: float, kills: int
) -> None:
    """Let a process run for a time from its first recorded frame on, killing its source."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not life.reported:
        if time.monotonic() > deadline:
            raise click.ClickException("nothing is recorded")
        source.keep_up()
        webcam.look(life)
        time.sleep(LOOK_EVERY_S)
    life.memory_mb.clear()
    began = time.monotonic()
    for kill in itertools.count(1):
        until = began + seconds * min(kill / (kills + 1), 1.0)
        while time.monotonic() < until:
            source.keep_up()
            webcam.look(life)
            time.sleep(LOOK_EVERY_S)
        if kill > kills:
            return
        source.kill()


def run_left_alone(
    folder: Path,
    *,
    minutes: float,
    fps: int,
    source_kills: int,
    process_kills: int,
    networks: bool = False,
    width: int = 320,
) -> bool:
    """Run it all, print what came of it, and return whether nothing was lost.

    Args:
        folder: an empty folder to record into.
        minutes: how long all processes live together.
        fps: frames a second.
        source_kills: how often the source is killed and comes back.
        process_kills: how often the process is ended and started again.
        networks: run the compact preset in place of a stand-in.
        width: columns of the pictures.
    """
    recording = Recording(folder)
    lives = []
    with _source(fps, width) as source, (folder.parent / "left_alone.log").open("w") as log:
        for number in range(process_kills + 1):
            life, first = Life(number), recording.count()
            webcam = Webcam(source.address, folder, networks, log)
            try:
                seconds = 60 * minutes / (process_kills + 1)
                kills = len(range(number, source_kills, process_kills + 1))
                live_through(webcam, source, life, seconds, kills)
                is_killed = number % 2 == 0 and number < process_kills
                end = signal.SIGKILL if is_killed else signal.SIGTERM
                life.ended_by, life.exit_code = end.name, webcam.end(end)
            finally:
                webcam.process.kill()
                webcam.process.wait()
            recording.remember(open_ones=is_killed)
            lives.append((life, range(first, recording.count())))
    return _judge(lives, recording)


def _judge(lives: list[tuple[Life, range]], recording: Recording) -> bool:
    """Print what came of every life and of all; return whether nothing was lost."""
    total = played = 0
    good = True
    for life, numbers in lives:
        written, shown = recording.frames(numbers)
        total, played = total + written, played + shown
        asked = life.ended_by == "SIGKILL" or life.exit_code == 0
        is_flat = life.growth <= MOST_GROWTH or written < SETTLED_FRAMES
        is_good = life.reported <= shown and asked and is_flat
        good &= is_good
        print(
            f"process {life.number}: source lost {life.losses}x, {life.ended_by} -> "
            f"{life.exit_code}; reported {life.reported}, in {len(numbers)} whole segments "
            f"{written} in records and {shown} in video; memory {life.memory_mb[0]:.0f} -> "
            f"{life.memory_mb[-1]:.0f} MB (second half {life.growth:+.1%})"
            + ("" if is_good else "  FAILED"),
            flush=True,
        )
    lost = sum(life.losses for life, _ in lives)
    print(
        f"{total} frames recorded, {played} of them in video, {recording.count()} segments; source "
        f"lost {lost}x, process ended {len(lives)}x; changed files: {recording.changed or 'none'}"
    )
    return good and not recording.changed


@click.command()
@click.option("--minutes", default=60.0, show_default=True, help="How long the processes live.")
@click.option("--fps", default=20, show_default=True, help="Frames a second.")
@click.option("--width", default=192, show_default=True, help="Columns of the pictures.")
@click.option("--source-kills", default=20, show_default=True, help="Kills of the source.")
@click.option("--process-kills", default=5, show_default=True, help="Ends of the process.")
@click.option("--networks", is_flag=True, help="Run the compact preset, not a stand-in.")
def main(**choices: Any) -> None:
    """Kill sources and processes of a recording run and count what is left."""
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / "recording"
        inside.mkdir()
        good = run_left_alone(inside, **choices)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
