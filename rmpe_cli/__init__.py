"""The commands of the command line, one file a topic: parse, call, print, exit code.

Heavy imports happen in the commands, so that ``--help`` answers at once. ``cli.py`` gathers them.
"""

from rmpe_cli.terminal.help import HelpfulGroup
from rmpe_cli.terminal.wrong_use import WrongUseError, wrong_use

__all__ = ["HelpfulGroup", "WrongUseError", "wrong_use"]
