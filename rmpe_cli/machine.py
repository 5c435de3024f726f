"""Whether everything works here: `doctor`."""

from __future__ import annotations

import click


@click.command()
def doctor() -> None:
    """Show versions, devices, threads and weights, and run a short self-test."""
    from rmpe.doctor import describe_machine, describe_weights, self_test

    for name, value in [*describe_machine(), *describe_weights(), self_test()]:
        click.echo(f"{name:>24}  {value}")
