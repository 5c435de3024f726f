"""Frames of a synthetic scene, and the truth about those that were read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pipeline.readers.base import ClipInfo, ReadReport
from rmpe.records import Frame
from rmpe.synthetic import Scene, SyntheticFrame

_NO_PICTURE = np.zeros((0, 0, 3), np.uint8)


class SceneReader:
    """Renders a scene frame by frame; a :class:`~pipeline.readers.base.Reader`.

    Args:
        scene: the scene.
        frames: how many frames there are.
    """

    def __init__(self, scene: Scene, frames: int) -> None:
        self._scene = scene
        self._frames = frames
        self.report = ReadReport()
        self.truth: list[SyntheticFrame] = []
        camera = scene.camera
        self.info = ClipInfo(
            "synthetic scene", camera.width, camera.height, scene.fps, frames, codec="rendered"
        )

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; ``truth`` holds what is known of each, without its picture."""
        for rendered in self._scene.frames(self._frames):
            self.truth.append(replace(rendered, image_bgr=_NO_PICTURE))
            self.report.frames += 1
            yield Frame(rendered.index, rendered.timestamp_s, rendered.image_bgr)

    def close(self) -> None:
        """Nothing is held open."""
