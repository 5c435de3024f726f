"""Cameras of this machine, read through OpenCV."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from pipeline.live.policy import Picture
from rmpe.records import ImageArray


class CameraCapture:
    """A camera of this machine, by number or device path, read through OpenCV.

    Raises:
        OSError: there is no such camera or it is in use; names the devices that exist.
    """

    codec = "camera"

    def __init__(self, device: str) -> None:
        self._device = device
        self._capture = self._open()
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = max(float(self._capture.get(cv2.CAP_PROP_FPS)), 0.0)

    def __iter__(self) -> Iterator[Picture]:
        """Yield pictures until the camera gives none."""
        while True:
            good, image = self._capture.read()
            if not good:
                raise OSError(f"camera {self._device} gives no picture any more")
            picture = np.asarray(image, np.uint8)
            yield Picture(time.monotonic(), partial(_itself, picture), picture.nbytes)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        number = self._device.removeprefix("/dev/video")
        path = Path(self._device if not number.isdecimal() else f"/dev/video{number}")
        if sys.platform == "linux" and not path.exists():
            raise OSError(f"there is no {path}; {existing_cameras()}")
        capture = cv2.VideoCapture(int(number) if number.isdecimal() else self._device)
        if not capture.isOpened():
            capture.release()
            raise OSError(
                f"camera {self._device} cannot be opened: it may be in use, or not allowed to "
                f"this user; {existing_cameras()}"
            )
        return capture


def existing_cameras(folder: Path = Path("/dev")) -> str:
    """Return a sentence that says which cameras this machine has, with their names on Linux."""
    if sys.platform != "linux":
        return "cameras are numbered from 0"
    found = []
    for device in sorted(folder.glob("video*")):
        name = Path("/sys/class/video4linux") / device.name / "name"
        found.append(f"{device} ({name.read_text().strip()})" if name.exists() else str(device))
    return f"there are {', '.join(found)}" if found else "this machine has no camera (/dev/video*)"


def _itself(image_bgr: ImageArray) -> ImageArray:
    return image_bgr
