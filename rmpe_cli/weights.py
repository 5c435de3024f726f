"""Published checkpoints: the group `weights`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmpe_cli.options import F
from rmpe_cli.wrong_use import wrong_use

if TYPE_CHECKING:
    from rmpe.zoo.describe import Kind
    from rmpe.zoo.download import FetchOptions


@click.group()
def weights() -> None:
    """Published checkpoints: what there is, what a file holds, fetching, checking."""


def fetch_options(command: F) -> F:
    """Add the options that say where fetched files come from and go to."""
    options = [
        click.option("--cache-dir", type=click.Path(file_okay=False), help="Folder of the files."),
        click.option("--offline", is_flag=True, help="Take files from the cache only."),
        click.option("--mirror", help="Address in place of the publisher's https://host."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def chosen_fetch_options(given: dict[str, Any]) -> FetchOptions:
    """Return the options given, the environment's where none was."""
    from rmpe.zoo.download import FetchOptions

    chosen: dict[str, Any] = {}
    if given["cache_dir"]:
        chosen["cache_dir"] = Path(given["cache_dir"])
    if given["offline"]:
        chosen["offline"] = True
    if given["mirror"]:
        chosen["mirror"] = given["mirror"]
    return FetchOptions(**chosen)


@weights.command("list")
@click.argument("containing", default="")
@click.option("--kind", type=click.Choice(["pose", "detector", "all"]), default="pose")
@click.option("--dataset", default="", help="Only those of COCO, MPII, CrowdPose or PoseTrack18.")
@fetch_options
def weights_list(containing: str, kind: Kind, dataset: str, **given: Any) -> None:
    """List the checkpoints with a direct address; * marks those that are fetched."""
    from rmpe.zoo.describe import list_entries, render_entries

    for line in render_entries(
        list_entries(kind, dataset, containing), chosen_fetch_options(given)
    ):
        click.echo(line)


@weights.command("show")
@click.argument("source")
@fetch_options
def weights_show(source: str, **given: Any) -> None:
    """Show what a checkpoint FILE holds, or a catalogue entry by NAME."""
    from rmpe.zoo.describe import describe

    with wrong_use():
        facts = describe(source, chosen_fetch_options(given))
    for label, value in facts:
        click.echo(f"{label:>14}  {value}")


@weights.command("fetch")
@click.argument("names", nargs=-1, required=True)
@fetch_options
def weights_fetch(names: tuple[str, ...], **given: Any) -> None:
    """Fetch catalogue entries, going on where a fetch was interrupted."""
    from tqdm import tqdm

    from rmpe.zoo.catalogue import find_entry
    from rmpe.zoo.download import fetch

    with wrong_use():
        entries = [find_entry(name) for name in names]
    tqdm.monitor_interval = 0
    for entry in entries:
        with tqdm(unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

            def advance(done: int, total: int, bar: Any = bar) -> None:
                bar.total = total or None
                bar.update(done - bar.n)

            path = fetch(entry.address, entry.sha256_prefix, chosen_fetch_options(given), advance)
        click.echo(str(path))


@weights.command("check")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@fetch_options
def weights_check(files: tuple[str, ...], **given: Any) -> None:
    """Check the hash and the content of FILES, or of every fetched file."""
    from rmpe.zoo.describe import cached_files, check_file

    paths = [Path(file) for file in files] or cached_files(chosen_fetch_options(given))
    failed = 0
    for path in paths:
        try:
            click.echo(f"{path.name}: {check_file(path)}")
        except (ValueError, OSError) as error:
            failed += 1
            click.echo(f"error: {error}", err=True)
    click.echo(f"{len(paths) - failed} of {len(paths)} files are right")
    if failed:
        raise click.exceptions.Exit(1)
