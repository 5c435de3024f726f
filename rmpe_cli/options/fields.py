"""Options of the command line as fields of frozen dataclasses."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection
from dataclasses import Field, field, fields
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class DiskPath(click.Path):
    """A path of this disk; the address of a store is refused in a sentence."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if "://" in str(value):
            from pipeline.readers.address import is_address, shown_source

            if is_address(str(value)):
                place = shown_source(str(value))
                self.fail(f"{place} is an address; needed here is a path of this disk", param, ctx)
        return super().convert(value, param, ctx)


class Number(click.types.FloatParamType):
    """A number; what is none (``nan``) is refused, and ``inf`` where it makes no sense."""

    def __init__(self, endless: bool = False) -> None:
        self.endless = endless

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number) or (math.isinf(number) and not self.endless):
            self.fail(f"{value} is no number that can be meant here", param, ctx)
        return number


FILE = DiskPath(exists=True, dir_okay=False, path_type=Path)
"""A file that is there."""
FOLDER = DiskPath(file_okay=False, path_type=Path)
"""A folder, which may be made."""
EXISTING = DiskPath(exists=True, path_type=Path)
"""A file or folder that is there."""
UNSEEN = DiskPath(path_type=Path)
"""A file or folder, which may be made."""

_REQUIRED = object()
_KEY = "option"


def option(*spellings: str, default: Any = _REQUIRED, **settings: Any) -> Any:
    """Return a dataclass field that an option of the command line fills.

    Args:
        spellings: as of :func:`click.option`; the parameter is called like the field.
        default: the field's and the option's; without one the option must be given.
        settings: further ones of :func:`click.option`. A default is shown in the help unless it
            is empty or ``show_default`` says otherwise.
    """
    if default is _REQUIRED:
        return field(kw_only=True, metadata={_KEY: (spellings, {**settings, "required": True})})
    settings.setdefault("show_default", bool(default))
    settings["default"] = default
    return field(default=default, kw_only=True, metadata={_KEY: (spellings, settings)})


def takes(without: Collection[str] = (), **groups: type[Any]) -> Callable[[F], F]:
    """Add groups of options to a command, which gets each as the keyword that names it here.

    Args:
        without: fields that the command has no option for; they keep their defaults.
        groups: dataclasses whose fields are made with :func:`option`.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def command(*args: Any, **given: Any) -> Any:
            filled = {
                name: group(**{f.name: given.pop(f.name) for f in fields(group) if f.name in given})
                for name, group in groups.items()
            }
            return function(*args, **given, **filled)

        options = [f for group in groups.values() for f in fields(group) if f.name not in without]
        for item in reversed(options):  # the first decorator applied becomes the last option
            command = _click_option(item)(command)
        return command  # type: ignore[return-value]

    return decorate


def as_json(choices: Any) -> dict[str, Any]:
    """Return every field of a group of options as JSON can hold it, in the order of the help."""
    return {f.name: _json_value(getattr(choices, f.name)) for f in fields(choices)}


def _click_option(item: Field[Any]) -> Callable[[F], F]:
    spellings, settings = item.metadata[_KEY]
    if settings.get("type", type(settings.get("default"))) is float:
        settings = {**settings, "type": Number()}
    return click.option(*spellings, item.name, **settings)


def _json_value(value: Any) -> Any:
    if isinstance(value, Path) or (isinstance(value, float) and math.isinf(value)):
        return str(value)
    return [_json_value(part) for part in value] if isinstance(value, tuple) else value
