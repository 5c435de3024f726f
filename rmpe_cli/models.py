"""The presets that commands take: the command `models`."""

from __future__ import annotations

import click

from rmpe_cli.options import takes
from rmpe_cli.weights import FetchChoices


@click.command()
@takes(cache=FetchChoices)
def models(cache: FetchChoices) -> None:
    """List the presets: what each finds, its published score and size; * needs no fetching."""
    from rmpe.zoo.models import render_presets

    for line in render_presets(cache.options()):
        click.echo(line)
    click.echo("use one with: rmpe video CLIP --preset NAME (auto takes what this machine bears)")
