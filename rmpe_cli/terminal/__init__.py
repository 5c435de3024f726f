"""What every command shares with the person at the terminal: help, progress, one-line mistakes."""

from rmpe_cli.terminal.help import HelpfulGroup
from rmpe_cli.terminal.wrong_use import WrongUseError, wrong_use

__all__ = ["HelpfulGroup", "WrongUseError", "wrong_use"]
