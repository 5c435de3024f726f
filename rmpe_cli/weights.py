"""Published checkpoints: the group `weights`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmpe_cli.options import option, takes
from rmpe_cli.options.fields import FILE, FOLDER
from rmpe_cli.terminal.help import HelpfulGroup
from rmpe_cli.terminal.wrong_use import wrong_use

if TYPE_CHECKING:
    from rmpe.zoo.describe import Kind
    from rmpe.zoo.download import FetchOptions


@click.group(cls=HelpfulGroup)
def weights() -> None:
    """List, show, fetch and check published checkpoints."""


@dataclass(frozen=True)
class FetchChoices:
    """Where fetched files come from and go to."""

    cache_dir: Path | None = option(
        "--cache-dir", default=None, type=FOLDER, help="Folder of fetched files."
    )
    offline: bool = option(
        "--offline", default=False, is_flag=True, help="Take files from the cache only."
    )
    mirror: str | None = option(
        "--mirror", default=None, help="Address in place of the publisher's https://host."
    )

    def options(self) -> FetchOptions:
        """Return what was given, the environment's where nothing was."""
        from rmpe.zoo.download import FetchOptions

        given = {name: value for name, value in vars(self).items() if value}
        return FetchOptions(**given)


@weights.command("list")
@click.argument("containing", default="")
@click.option(
    "--kind",
    type=click.Choice(["pose", "detector", "all"]),
    default="pose",
    show_default=True,
    help="List pose networks, detectors or both.",
)
@click.option(
    "--dataset", default="", help="List only those of COCO, MPII, CrowdPose or PoseTrack18."
)
@takes(cache=FetchChoices)
def weights_list(containing: str, kind: Kind, dataset: str, cache: FetchChoices) -> None:
    """List the checkpoints with a direct address; * marks those that are fetched."""
    from rmpe.zoo.describe import list_entries, render_entries

    for line in render_entries(list_entries(kind, dataset, containing), cache.options()):
        click.echo(line)


@weights.command("show")
@click.argument("source")
@takes(cache=FetchChoices)
def weights_show(source: str, cache: FetchChoices) -> None:
    """Show what a checkpoint FILE holds, or a catalogue entry by NAME."""
    from rmpe.zoo.describe import describe

    with wrong_use():
        facts = describe(source, cache.options())
    for label, value in facts:
        click.echo(f"{label:>14}  {value}")


@weights.command("fetch")
@click.argument("names", nargs=-1, required=True)
@takes(cache=FetchChoices)
def weights_fetch(names: tuple[str, ...], cache: FetchChoices) -> None:
    """Fetch catalogue entries, going on where a fetch was interrupted."""
    from tqdm import tqdm

    from rmpe.zoo.catalogue import find_entry
    from rmpe.zoo.unpacking import fetch_entry

    with wrong_use():
        entries = [find_entry(name) for name in names]
    tqdm.monitor_interval = 0
    for entry in entries:
        with tqdm(unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

            def advance(done: int, total: int, bar: Any = bar) -> None:
                bar.total = total or None
                bar.update(done - bar.n)

            path = fetch_entry(entry, cache.options(), advance)
        click.echo(str(path))


@weights.command("check")
@click.argument("files", nargs=-1, type=FILE)
@takes(cache=FetchChoices)
def weights_check(files: tuple[Path, ...], cache: FetchChoices) -> None:
    """Check the hash and the content of FILES, or of every fetched file."""
    from rmpe.error_words import in_words
    from rmpe.zoo.describe import cached_files, check_file

    paths = list(files) or cached_files(cache.options())
    failed = 0
    for path in paths:
        try:
            click.echo(f"{path.name}: {check_file(path)}")
        except (ValueError, OSError) as error:
            failed += 1
            click.echo(f"error: {in_words(error)}", err=True)
    click.echo(f"{len(paths) - failed} of {len(paths)} files are right")
    if failed:
        raise click.exceptions.Exit(1)
