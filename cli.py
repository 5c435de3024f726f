"""Command line of rmpe: parse, call, print, exit code. Heavy imports happen in the commands."""

from __future__ import annotations

import logging
import sys

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="rmpe")
@click.option("--verbose", is_flag=True, help="Log what the program does, on stderr.")
def rmpe_command(verbose: bool) -> None:
    """Video human pose: for every frame, who is where and how they stand."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s: %(message)s"
    )


@rmpe_command.command()
def doctor() -> None:
    """Show versions, devices, threads and weights, and run a short self-test."""
    from rmpe.doctor import describe_machine, describe_weights, self_test

    for name, value in [*describe_machine(), *describe_weights(), self_test()]:
        click.echo(f"{name:>24}  {value}")


def main() -> None:
    """Run the command line; exit code 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        rmpe_command(prog_name="rmpe", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (ValueError, OSError, RuntimeError) as error:
        logging.getLogger("rmpe").info("the failure in full", exc_info=True)
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
