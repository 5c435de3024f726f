"""Pictures read from an uncompressed tar file, any of them at once, without unpacking it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ImageArray = NDArray[np.uint8]


class TarPictures:
    """Random access to the pictures of a tar file by member name.

    The index is read once; the file is opened anew for every picture, so that one instance may be
    used from several threads and processes.

    Raises:
        OSError: the file is missing, or is not a tar file.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        try:
            with tarfile.open(self.path, "r:") as archive:
                self._places = {
                    member.name: (member.offset_data, member.size)
                    for member in archive
                    if member.isfile()
                }
        except tarfile.ReadError as error:
            raise OSError(f"{self.path} is not an uncompressed tar file: {error}") from error

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __len__(self) -> int:
        return len(self._places)

    def read(self, name: str) -> ImageArray:
        """Decode one picture to BGR uint8 (H, W, 3).

        Raises:
            ValueError: the file has no member of that name.
            OSError: the member is not a picture.
        """
        if name not in self._places:
            raise ValueError(f"{self.path} has no member {name!r}")
        offset, size = self._places[name]
        with self.path.open("rb") as stream:
            stream.seek(offset)
            data = np.frombuffer(stream.read(size), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if image is None:
            raise OSError(f"{name} in {self.path} is not a picture that OpenCV can decode")
        return np.asarray(image, np.uint8)
