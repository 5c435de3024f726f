"""A caller's mistake, told in one line with exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click


class WrongUseError(click.ClickException):
    """The command cannot be carried out as it was given: one line, exit code 2."""

    exit_code = 2


@contextmanager
def wrong_use(*errors: type[Exception]) -> Iterator[None]:
    """Turn a caller's mistake that the library found into exit code 2."""
    caught: tuple[type[Exception], ...] = (ValueError, *errors)
    try:
        yield
    except caught as error:
        from rmpe.error_words import in_words

        raise WrongUseError(in_words(error).partition("\n")[0]) from error
