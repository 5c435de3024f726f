"""Options that several commands share, each group a frozen dataclass.

A field made with :func:`option` is an option of the command line: its spelling, default and help
stand there and nowhere else. ``@takes(clip=ClipChoices)`` adds a group's options to a command and
hands it the filled dataclass as ``clip``.
"""

from rmpe_cli.options.clips import ClipChoices, OutputChoices, WorklistChoices
from rmpe_cli.options.estimator import EstimatorChoices
from rmpe_cli.options.fields import option, takes
from rmpe_cli.options.showing import ShowingChoices
from rmpe_cli.options.stored import FrameChoices, OverwriteChoice, ReadingChoices

__all__ = [
    "ClipChoices",
    "EstimatorChoices",
    "FrameChoices",
    "OutputChoices",
    "OverwriteChoice",
    "ReadingChoices",
    "ShowingChoices",
    "WorklistChoices",
    "option",
    "takes",
]
