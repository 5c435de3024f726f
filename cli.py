"""Command line of rmpe: gathers the commands, and turns failures into exit codes."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys

import click

from rmpe_cli.clips import batch, video
from rmpe_cli.demo import demo
from rmpe_cli.evaluation import evaluate
from rmpe_cli.export import export
from rmpe_cli.live import webcam
from rmpe_cli.machine import doctor
from rmpe_cli.measure import measure
from rmpe_cli.models import models
from rmpe_cli.pictures import images
from rmpe_cli.records import convert, report
from rmpe_cli.stored import render, track
from rmpe_cli.terminal.help import HelpfulGroup
from rmpe_cli.training import learn_nms, learn_score, train
from rmpe_cli.weights import weights

COMMANDS = (
    *(batch, convert, demo, doctor, evaluate, export, images, learn_nms, learn_score),
    *(measure, models),
    *(render, report),
    *(track, train, video, webcam, weights),
)

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Loading makes many objects that stay, and pictures are freed without the collector: Python's own
700 cost a tenth of a second at every start."""


def _show_version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from rmpe import __version__  # loads numpy, which no help needs

        click.echo(f"rmpe, version {__version__}")
        ctx.exit()


@click.group(
    cls=HelpfulGroup,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.option("--verbose", is_flag=True, help="Log what the program does, on stderr.")
def rmpe_command(verbose: bool) -> None:
    """Video human pose: for every frame, who is where and how they stand.

    rmpe COMMAND --help shows what a command takes.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s: %(message)s"
    )
    if not verbose:  # what a store's library says in pages, our error says in a sentence
        for name in ("gcsfs", "google.auth"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def main() -> None:
    """Run the command line; exit code 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    # When the process ends, nobody gains by a search through all that it holds.
    atexit.register(gc.freeze)
    try:
        # Outside its standalone mode click returns the exit code of a command that ended early.
        sys.exit(rmpe_command(prog_name="rmpe", standalone_mode=False) or 0)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        # Everything is written and closed by now; a network's call that is still running would
        # hold up, or crash, an orderly end of the interpreter.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(130)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (ValueError, OSError, RuntimeError) as error:
        logging.getLogger("rmpe").info("the failure in full", exc_info=True)
        from rmpe.error_words import in_words  # loads numpy, which no help needs

        click.echo(f"error: {in_words(error)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
