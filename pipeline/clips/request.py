"""What a run was asked for: whether files are still the same, and what is asked for otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pipeline.readers.finding import is_pattern, pictures_of
from pipeline.storage.staging import pictures_in
from pipeline.storage.store import Stored, is_stored

FLAGS = ("video", "images", "sound")
"""What may be written beside formats of records."""


def plain_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked for, without what was not; also of what earlier versions wrote.

    Those gave outputs as formats and three truth values, and every option that was not given.
    """
    item = {name: value for name, value in request.items() if value is not None}
    if item.get("part") == [0, None]:
        del item["part"]
    if isinstance(item.get("files"), dict):
        item["files"] = {name: stamp for name, stamp in item["files"].items() if stamp is not None}
    outputs = item.get("outputs", [])
    if True in outputs or False in outputs:
        formats, flags = outputs[: -len(FLAGS)], outputs[-len(FLAGS) :]
        item["outputs"] = [*formats, *(name for name, flag in zip(FLAGS, flags) if flag)]
    return item


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return in words what was asked for otherwise."""
    words = []
    for name in sorted({*before, *now}):
        earlier, later = before.get(name), now.get(name)
        if earlier == later:
            continue
        if name == "files" and earlier and later:
            every = sorted({**earlier, **later})
            changed = [file for file in every if earlier.get(file) != later.get(file)]
            words.append(f"{', '.join(changed or every)} changed")
        else:
            words.append(f"{name} was {_shown(earlier)}, now {_shown(later)}")
    return "; ".join(words)


def _shown(value: Any) -> str:
    return "not given" if value is None else str(value)


def stamp_of(name: str) -> list[Any] | None:
    """Return size and time of change of a file, number and latest time of a folder's pictures.

    None for what is neither. Of what lies in a store, what that says of its content.

    Raises:
        OSError: a store cannot be asked.
    """
    if is_stored(name):
        place = Stored.at(name)
        return place.stamp() or [picture.stamp() for picture in pictures_in(place)]
    with suppress(OSError, ValueError):
        if os.path.isdir(name) or is_pattern(name):
            times = [os.stat(path).st_mtime_ns for path in pictures_of(name)]
            return [len(times), max(times)]
        if os.path.isfile(name):
            status = os.stat(name)
            return [status.st_size, status.st_mtime_ns]
    return None
