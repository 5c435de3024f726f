"""The progress bar of commands that go over frames."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.readers import Reader


def frame_bar(reader: Reader, quiet: bool) -> Any:
    """Return tqdm's bar on stderr for the frames of a clip; hidden if quiet or no terminal."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread of its own; every frame moves the bar
    hidden = quiet or not sys.stderr.isatty()
    expected = reader.info.frames_expected or None
    return tqdm(total=expected, unit="frame", disable=hidden, dynamic_ncols=True)
