"""Poses of this moment: the command, and what it does, which loads when it is asked for."""

from typing import Any

from rmpe_cli.live.command import LiveChoices, webcam

__all__ = ["Ended", "LiveChoices", "LiveCommand", "run_command", "webcam"]


def __getattr__(name: str) -> Any:
    """Load what runs the command the first time it is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rmpe_cli.live import run

    return getattr(run, name)
