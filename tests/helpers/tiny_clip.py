"""A clip of a few frames, made by a formula."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def write_tiny_clip(path: Path, frames: int = 4, width: int = 96, height: int = 64) -> None:
    """Write frames of moving grey bars at 10 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"qp": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            bars = (np.arange(width)[None] * 4 + 20 * index) % 256
            picture = np.broadcast_to(bars[..., None], (height, width, 3)).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
