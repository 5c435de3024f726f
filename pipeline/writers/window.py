"""Shows results in a window, where there is a screen; without one nothing is opened or crashes."""

from __future__ import annotations

import os
import subprocess
import sys

import cv2
import numpy as np

from rmpe.drawing import draw_poses
from rmpe.records import Frame, Poses
from rmpe.skeletons import Skeleton

_KEYS_THAT_CLOSE = frozenset({ord("q"), 27})
"""Q and Escape."""
_TRY_WITHIN_S = 20
"""A screen that is not there may hang OpenCV instead of failing."""
# A window toolkit that finds no screen ends its whole process, so another one tries first.
_TRY = "import cv2; cv2.namedWindow('rmpe'); cv2.waitKey(1); cv2.destroyAllWindows()"


def why_no_window() -> str:
    """Return why a window cannot be opened here, empty if it can."""
    unix = sys.platform not in ("win32", "darwin")
    if unix and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no screen (DISPLAY is not set)"
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _TRY], capture_output=True, timeout=_TRY_WITHIN_S, check=False
        )
    except subprocess.TimeoutExpired:
        return "the screen does not answer"
    return "" if tried.returncode == 0 else "the screen cannot be used by OpenCV's windows"


class Window:
    """A window with the newest result; use it from the main thread only.

    Args:
        title: of the window.
        skeleton: of the poses.
    """

    def __init__(self, title: str, skeleton: Skeleton) -> None:
        self._title = title
        self._skeleton = skeleton
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        self._shown = False

    def show(self, frame: Frame, poses: Poses) -> bool:
        """Draw one result; return False when the user closed the window or pressed q or Escape."""
        if self._shown and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            return False
        if not self._shown:
            cv2.resizeWindow(self._title, frame.width, frame.height)
            self._shown = True
        drawn = draw_poses(frame.image_bgr, poses, self._skeleton)
        cv2.imshow(self._title, np.asarray(drawn))
        return (cv2.waitKey(1) & 0xFF) not in _KEYS_THAT_CLOSE

    def close(self) -> None:
        """Take the window away."""
        cv2.destroyAllWindows()
