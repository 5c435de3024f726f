"""Poses of this moment: the command, and what it does."""

from rmpe_cli.live.command import LiveChoices, webcam

__all__ = ["LiveChoices", "webcam"]
