"""Addresses and file names: which is which, what may be shown of it, and how FFmpeg is told."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

_SECRET = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)?|pwd|token|secret|sig(?:nature)?|auth\w*|\w*key)=)[^&/;,_]*"
)


def is_address(text: str) -> bool:
    """Whether ``text`` is an address (``scheme://…``) rather than a path."""
    if "://" not in text:
        return False
    try:
        return not Path(text).exists()
    except (OSError, ValueError):
        return True


def shown_source(text: str) -> str:
    """Return a source as it may be written and shown: an address without what only its owner knows.

    User and password go, and so does everything from the question mark on, where tokens stand;
    cameras that take ``password=…`` inside the path get dots in its place. A path stays as it is,
    apart from bytes that are no text.
    """
    if not is_address(text):
        return os.fsencode(text).decode("utf-8", "replace")
    scheme, _, rest = text.partition("://")
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    authority, slash, path = rest.partition("/")
    host = authority.rpartition("@")[2]
    path = _SECRET.sub(r"\1…", path)
    return f"{scheme}://{host}{slash}{path}"


def without_secrets(message: str, source: str) -> str:
    """Return an error's words with a source in them as it may be shown, and its secrets gone."""
    if not is_address(source):
        return message
    message = message.replace(source, shown_source(source))
    parts = urlsplit(source)
    for secret in (parts.password, parts.query):
        if secret:
            message = message.replace(secret, "…")
    return message


def ffmpeg_name(source: str) -> str:
    """Return what FFmpeg shall open: a path as ``file:…``, so that a colon in it is no protocol."""
    return source if is_address(source) else f"file:{source}"
