"""Speed, memory and sameness of the whole run: the tables of README and docs/scale.md, in one go.

Run: python benchmarks/bench_pipeline.py [--clip FILE] [--part PART ...] [--everything] [--write]

- ``against``: this tree and another state of the repository in turn, as their commands: frames a
  second with and without video and with the same stored boxes, first frame, five pictures.
- ``people``: processor time a frame and cores busy with stored boxes of 1 to 60 people.
- ``alphapose``: FastPose-50 on stored boxes, this program beside its torch road in fp32.
- ``length``: memory and processor time over 200 and over 2,000 frames (the clip looped).
- ``networks``: processor time of the bundled networks in each precision, one thread.
- ``stages``: processor time a frame of everything that is not a network, stage by stage.
- ``cost``: what a frame costs on one core, stage by stage, and what it writes; for docs/scale.md.
- ``memory``: the most that is held, by the size of the pictures and of the queues.
- ``rhythm``: ``--detect-every``, its cost and whom it finds.
- ``presets``: both bundled pairs with and without looking for people whom the detector missed.
- ``parity``: the same poses and identities without torch and with it, and what int8 changes.

Only when asked for: ``batches``, processor time a crop in batches of 1 to 16; and with
``--everything`` afterwards what has scripts of its own, so that one command makes every figure of
time and memory in README and docs: Ray's workers, latency of live runs, a crop of every preset.

Figures are medians of runs in turn. ``--write`` puts them into ``benchmarks/measured.json`` and the
pages, with ``--part`` those of that part alone; wall times need a quiet machine.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
from against import compare
from bundled_times import part_batches, part_networks
from measuring import CLIP, Settings
from parity import part_parity
from tables import DOCS, README, Table, markdown, write
from tradeoffs import part_memory, part_rhythm
from whole_runs import (
    part_alphapose,
    part_cost,
    part_length,
    part_people,
    part_presets,
    part_stages,
)

from rmpe.runtimes import limit_threads
from rmpe.runtimes.threads import available_cores

PARTS: dict[str, Callable[[Settings], Table]] = {
    "against": compare,
    "people": part_people,
    "alphapose": part_alphapose,
    "length": part_length,
    "networks": part_networks,
    "stages": part_stages,
    "cost": part_cost,
    "memory": part_memory,
    "rhythm": part_rhythm,
    "presets": part_presets,
    "parity": part_parity,
}
EXTRA: dict[str, Callable[[Settings], Table]] = {"batches": part_batches}
SCRIPTS = (
    ("bench_scale.py",),
    ("networks/bench_models.py",),
    ("live/bench_live.py", "--part", "latency"),
)
"""Those of the other pages; each takes ``--write``. The last one fails where latency is long."""


def machine() -> str:
    """Return what computes, in words."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text("utf-8").splitlines() if facts.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{available_cores()} cores of {names[0] if names else platform.machine()}"


def run_scripts(into_pages: bool) -> None:
    """Run those of the other pages, one thread in every library, each in a process of its own."""
    for script, *arguments in SCRIPTS:
        command = [sys.executable, str(Path(__file__).parent / script)]
        command += [*arguments, *(["--write"] if into_pages else [])]
        ended = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
        if ended.returncode:
            raise SystemExit(f"{script} ended with {ended.returncode}")


@click.command()
@click.option("--clip", type=click.Path(exists=True, dir_okay=False), default=str(CLIP))
@click.option("--frames", default=205, show_default=True, help="Frames of the timed runs.")
@click.option("--ref", default="4d69942", show_default=True, help="Of git, for --part against.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each, in turn.")
@click.option("--write", "into_pages", is_flag=True, help="Write the figures into the pages too.")
@click.option("--part", "parts", multiple=True, type=click.Choice([*PARTS, *EXTRA]))
@click.option("--everything", is_flag=True, help="The figures of the other pages too.")
def main(
    clip: str,
    frames: int,
    ref: str,
    rounds: int,
    into_pages: bool,
    parts: tuple[str, ...],
    everything: bool,
) -> None:
    """Print the figures."""
    settings = Settings(Path(clip).resolve(), frames, rounds, ref, limit_threads().video)
    click.echo(f"{machine()}, load {os.getloadavg()[0]:.1f} at the start\n", err=True)
    found = {}
    for name in parts or PARTS:
        found[name] = {**PARTS, **EXTRA}[name](settings)
        click.echo(markdown([found[name]]))
    if into_pages:
        cost = {name: table for name, table in found.items() if name == "cost"}
        rest = {name: table for name, table in found.items() if name in PARTS and name != "cost"}
        write("bench_pipeline.py", README, rest)
        write("bench_pipeline.py cost", DOCS / "scale.md", cost)
    if everything:
        run_scripts(into_pages)


if __name__ == "__main__":
    main()
