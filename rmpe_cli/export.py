"""Networks as files for other programs: the command `export`."""

from __future__ import annotations

from pathlib import Path

import click

from rmpe_cli.options.fields import DiskPath
from rmpe_cli.terminal.wrong_use import wrong_use


@click.command()
@click.argument("network")
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=DiskPath(dir_okay=False, path_type=Path),
    help="File to write: NAME.onnx, or NAME.xml for OpenVINO.",
)
@click.option(
    "--weights-as", default=None, help="Variant or origin, where a checkpoint's keys cannot tell."
)
@click.option(
    "--input-size", default=None, metavar="HEIGHTxWIDTH", help="Input of the network: 384x288."
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
def export(
    network: str, target: Path, weights_as: str | None, input_size: str | None, overwrite: bool
) -> None:
    """Write a pose NETWORK as ONNX or for OpenVINO, checked against torch.

    NETWORK is a checkpoint FILE, a name of the catalogue (rmpe weights list), compact or
    compact-accurate. The batch is open, the input's size is the network's; size, joints, colours
    and decoding stand inside, so that --weights takes the file as it is.
    """
    from rmpe.zoo import LoadChoices
    from rmpe.zoo.export import export_network

    if target.exists() and not overwrite:
        raise click.UsageError(f"{target} is there already; give --overwrite to replace it")
    if not target.parent.is_dir():
        raise click.UsageError(f"there is no folder {target.parent}")
    with wrong_use():
        choices = LoadChoices.from_text(weights_as, input_size)
        done = export_network(network, target, choices)
    click.echo(f"{target}: {done}")
