"""What the server answers: the page, the picture, the records and the figures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from pipeline.live.serving.access import HEALTH_PATH, AccessControl
from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.metrics import CONTENT_TYPE, metrics_text
from pipeline.live.serving.page import ICON, render_page

_BOUNDARY = "rmpe-picture"
_STATUS_EVERY_S = 0.5
_STALE_AFTER_S = 10.0
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def build_app(hub: ViewHub, token: str = "", host: str = "127.0.0.1") -> AccessControl:
    """Return the ASGI application of a live view.

    - ``/`` the page; it asks nobody else for anything
    - ``/picture.mjpg`` the annotated picture, multipart JPEG; ``/picture.jpg`` one of them
    - ``/records`` header, records and events as server-sent events, one JSON object each;
      ``/records.ndjson`` the same as plain lines
    - ``/status`` the figures as server-sent events, twice a second; ``/status.json`` once
    - ``/healthz`` whether results come: 200 or 503; it needs no token
    - ``/metrics`` the figures for Prometheus

    Args:
        hub: where results come from.
        token: see :class:`~pipeline.live.serving.access.AccessControl`.
        host: name or address that the server listens on.
    """

    async def page(request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; img-src 'self'; connect-src 'self'; "
            f"style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(render_page(nonce), headers=headers)

    async def pictures(request: Request) -> Response:
        return StreamingResponse(
            _picture_parts(hub),
            media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}",
            headers=_STREAM_HEADERS,
        )

    async def picture(request: Request) -> Response:
        async with contextlib.aclosing(_pictures(hub)) as stream:
            async for data in stream:
                return Response(data, media_type="image/jpeg", headers=_STREAM_HEADERS)
        return Response("the run is over\n", 410)

    async def records(request: Request) -> Response:
        return _event_stream(_record_lines(hub))

    async def record_lines(request: Request) -> Response:
        async def lines() -> AsyncIterator[str]:
            async with contextlib.aclosing(_record_lines(hub)) as stream:
                async for line in stream:
                    yield line + "\n"

        return StreamingResponse(
            lines(), media_type="application/x-ndjson", headers=_STREAM_HEADERS
        )

    async def status(request: Request) -> Response:
        return _event_stream(_status_lines(hub))

    async def status_once(request: Request) -> Response:
        return JSONResponse(hub.figures(), headers={"Cache-Control": "no-store"})

    routes = [
        Route("/", page),
        Route("/picture.mjpg", pictures),
        Route("/picture.jpg", picture),
        Route("/records", records),
        Route("/records.ndjson", record_lines),
        Route("/status", status),
        Route("/status.json", status_once),
        *_side_routes(hub),
    ]
    return AccessControl(Starlette(routes=routes), token, host)


def _side_routes(hub: ViewHub) -> list[Route]:
    """Return what watchers of the machine and browsers ask beside the view."""

    async def health(request: Request) -> Response:
        state = health_of(hub.figures(), hub.age_s, hub.is_closed)
        headers = {"Cache-Control": "no-store"}
        return JSONResponse(state, 200 if state["ready"] else 503, headers=headers)

    async def metrics(request: Request) -> Response:
        return Response(metrics_text(hub.figures()), media_type=CONTENT_TYPE)

    async def icon(request: Request) -> Response:
        return Response(ICON, media_type="image/svg+xml")

    return [
        Route(HEALTH_PATH, health),
        Route("/metrics", metrics),
        Route("/favicon.svg", icon),
    ]


def health_of(figures: Mapping[str, Any], age_s: float | None, is_over: bool) -> dict[str, Any]:
    """Return whether results come, what the source does, and how old the newest result is."""
    state = "ended" if is_over else str(figures.get("source_state", "up"))
    fresh = age_s is not None and age_s <= _STALE_AFTER_S
    rounded = None if age_s is None else round(age_s, 3)
    return {"ready": state == "up" and fresh, "source": state, "age_s": rounded}


def _event_stream(lines: AsyncGenerator[str, None]) -> Response:
    async def events() -> AsyncIterator[str]:
        async with contextlib.aclosing(lines) as stream:
            async for line in stream:
                yield f"data: {line}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers=_STREAM_HEADERS)


async def _pictures(hub: ViewHub) -> AsyncGenerator[bytes, None]:
    """Yield the newest JPEG whenever there is one; what comes while the viewer reads is missed."""
    hub.join_pictures()
    try:
        number = 0
        while (found := await hub.next_picture(number)) is not None:
            number, data = found
            yield data
    finally:
        hub.leave_pictures()


async def _picture_parts(hub: ViewHub) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(_pictures(hub)) as stream:
        async for data in stream:
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}"
            yield head.encode() + b"\r\n\r\n" + data + b"\r\n"
    yield f"--{_BOUNDARY}--\r\n".encode()


async def _record_lines(hub: ViewHub) -> AsyncGenerator[str, None]:
    queue = hub.join_records()
    try:
        yield hub.header
        while True:
            for line in queue.drain():
                yield line
            if hub.is_closed:
                yield json.dumps({"end": True})
                return
            await queue.changed.wait()
    finally:
        hub.leave_records(queue)


async def _status_lines(hub: ViewHub) -> AsyncGenerator[str, None]:
    while not hub.is_closed:
        yield json.dumps(hub.figures())
        await asyncio.sleep(_STATUS_EVERY_S)
    yield json.dumps({**hub.figures(), "end": True})
