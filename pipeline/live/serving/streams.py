"""What never ends: pictures, records and figures as long as a viewer reads them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.pictures import MovingPicture
from pipeline.live.serving.viewer_queue import ViewerQueue

NO_STORE = {"Cache-Control": "no-store"}
_HEADERS = {**NO_STORE, "X-Accel-Buffering": "no"}
_BOUNDARY = "rmpe-picture"
_STATUS_EVERY_S = 0.5
"""As often as somebody reads figures."""


def moving_picture(shown: MovingPicture) -> Response:
    """Return the annotated pictures as multipart JPEG."""
    return StreamingResponse(
        _picture_parts(shown),
        media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}",
        headers=_HEADERS,
    )


async def one_picture(shown: MovingPicture) -> Response:
    """Return the newest annotated picture as soon as there is one."""
    async with contextlib.aclosing(_pictures(shown)) as stream:
        async for data in stream:
            return Response(data, media_type="image/jpeg", headers=_HEADERS)
    return Response("the run is over\n", 410)


def record_events(hubs: Sequence[ViewHub]) -> Response:
    """Return headers, records and events of all hubs as server-sent events."""
    return _event_stream(_record_lines(hubs))


def record_lines(hubs: Sequence[ViewHub]) -> Response:
    """Return headers, records and events of all hubs as plain lines."""

    async def lines() -> AsyncIterator[str]:
        async with contextlib.aclosing(_record_lines(hubs)) as stream:
            async for line in stream:
                yield line + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson", headers=_HEADERS)


def status_events(figures: Callable[[], dict[str, Any]], is_over: Callable[[], bool]) -> Response:
    """Return figures twice a second as server-sent events; the last ones say that it is over."""

    async def lines() -> AsyncGenerator[str, None]:
        while not is_over():
            yield json.dumps(figures())
            await asyncio.sleep(_STATUS_EVERY_S)
        yield json.dumps({**figures(), "end": True})

    return _event_stream(lines())


def _event_stream(lines: AsyncGenerator[str, None]) -> Response:
    async def events() -> AsyncIterator[str]:
        async with contextlib.aclosing(lines) as stream:
            async for line in stream:
                yield f"data: {line}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers=_HEADERS)


async def _pictures(shown: MovingPicture) -> AsyncGenerator[bytes, None]:
    """Yield the newest JPEG whenever there is one; what comes while the viewer reads is missed."""
    shown.join()
    try:
        number = 0
        while (found := await shown.next(number)) is not None:
            number, data = found
            yield data
    finally:
        shown.leave()


async def _picture_parts(shown: MovingPicture) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(_pictures(shown)) as stream:
        async for data in stream:
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}"
            yield head.encode() + b"\r\n\r\n" + data + b"\r\n"
    yield f"--{_BOUNDARY}--\r\n".encode()


async def _record_lines(hubs: Sequence[ViewHub]) -> AsyncGenerator[str, None]:
    queue = ViewerQueue()
    for hub in hubs:
        hub.join_records(queue)
    try:
        while True:
            for line in queue.drain():
                yield line
            if all(hub.is_closed for hub in hubs):
                yield json.dumps({"end": True})
                return
            await queue.changed.wait()
    finally:
        for hub in hubs:
            hub.leave_records(queue)
