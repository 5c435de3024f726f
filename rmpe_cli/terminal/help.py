"""The list of commands in the help: whole sentences."""

from __future__ import annotations

import inspect
from typing import Any

import click

from rmpe_cli.terminal.wrong_use import WrongUseError


class HelpfulGroup(click.Group):
    """A group whose help holds the commands' first sentences, and whose failures name addresses."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help where nothing was asked for; that is no mistake."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit(0)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what fails on the copy of a store's file names its address."""
        from rmpe_cli.options.places import with_addresses

        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort):
            raise
        except (click.ClickException, ValueError, OSError, RuntimeError) as error:
            words = _words_of(error)
            if (told := with_addresses(words)) == words:
                raise
            wrong = getattr(error, "exit_code", 1) == WrongUseError.exit_code
            raise (WrongUseError if wrong else click.ClickException)(told) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every command with its first paragraph, which click would cut to one line."""
        rows = [
            (name, " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split()))
            for name, command in sorted(self.commands.items())
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _words_of(error: Exception) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    from rmpe.error_words import in_words  # loads numpy, which no help needs

    return in_words(error)
