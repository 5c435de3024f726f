"""A live run's results as lines of JSON, for whoever gets them while it runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.live.events import Events
from rmpe.formats.native_lines import people_to_json
from rmpe.records import Frame, Poses


class ResultLines:
    """Makes lines of results and of the events between them, for one listener.

    Args:
        header: the native format's first line.
        events: whose events are taken along.
        camera: stands in every line as ``"camera"``; empty where there is only one.

    Attributes:
        header: the first line.
    """

    def __init__(self, header: Mapping[str, Any], events: Events, camera: str = "") -> None:
        self._camera = {"camera": camera} if camera else {}
        self._events = events.subscribe()
        self.header = self.line(header)

    def of(self, frame: Frame, poses: Poses) -> list[str]:
        """Return the lines of the events since the last call and of one result."""
        record = {
            "frame": frame.index,
            "time_s": round(frame.timestamp_s, 6),
            "people": people_to_json(poses),
        }
        return [self.line(item) for item in (*self._events.drain(), record)]

    def skip(self) -> None:
        """Forget the events since the last call."""
        self._events.drain()

    def line(self, item: Mapping[str, Any]) -> str:
        """Return one object as a line, with the camera's name."""
        if self._camera and "schema" in item:
            return json.dumps({**item, **self._camera}, ensure_ascii=False)
        return json.dumps({**self._camera, **item}, ensure_ascii=False)
