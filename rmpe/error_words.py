"""What went wrong, in words that a person at a terminal can use."""

from __future__ import annotations

import os


def in_words(error: BaseException) -> str:
    """Return an exception's message; the system's own without its number, file first.

    ``[Errno 2] No such file or directory: 'a.mp4'`` becomes ``a.mp4: no such file or directory``.
    """
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    reason = str(error.strerror)
    if reason[1:2].islower():  # not an abbreviation
        reason = reason[0].lower() + reason[1:]
    names = [name for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))]
    files = [os.fsdecode(name).removeprefix("file:") for name in names]  # as FFmpeg says it
    return f"{' -> '.join(files)}: {reason}" if files else reason
