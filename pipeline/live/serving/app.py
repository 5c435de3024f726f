"""What the server answers: the page, the picture, the records and the figures."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from pipeline.live.serving.access import CAMERAS_PATH, HEALTH_PATH, AccessControl
from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.metrics import CONTENT_TYPE, metrics_text
from pipeline.live.serving.page import ICON, render_page
from pipeline.live.serving.pictures import MovingPicture
from pipeline.live.serving.streams import (
    NO_STORE,
    moving_picture,
    one_picture,
    record_events,
    record_lines,
    status_events,
)
from pipeline.live.serving.wall import render_wall

_STALE_AFTER_S = 10.0


def build_app(hubs: Sequence[ViewHub], token: str = "", host: str = "127.0.0.1") -> AccessControl:
    """Return the ASGI application of a live view.

    - ``/`` the page; it asks nobody else for anything
    - ``/picture.mjpg`` the annotated picture, multipart JPEG; ``/picture.jpg`` one of them;
      with ``?size=small`` for a phone or a tile
    - ``/records`` header, records and events as server-sent events, one JSON object each;
      ``/records.ndjson`` the same as plain lines
    - ``/status`` the figures as server-sent events, twice a second; ``/status.json`` once
    - ``/healthz`` whether results come: 200 or 503; it needs no token
    - ``/metrics`` the figures for Prometheus

    Of several cameras, which then have names, ``/`` shows all as tiles, and records and figures
    are everybody's; all the same addresses of one alone are below ``/cameras/NAME/``.

    Args:
        hubs: where results come from, one for each camera.
        token: see :class:`~pipeline.live.serving.access.AccessControl`.
        host: name or address that the server listens on.
    """
    if len(hubs) == 1 and not hubs[0].camera:
        routes = _camera_routes(hubs[0])
    else:
        alone = [Mount(f"{CAMERAS_PATH}{hub.camera}", routes=_camera_routes(hub)) for hub in hubs]
        routes = [*_wall_routes(hubs), *_side_routes(hubs), *alone]
    return AccessControl(Starlette(routes=routes), token, host)


def _camera_routes(hub: ViewHub) -> list[BaseRoute]:
    """Return what viewers of one camera ask."""

    def size_of(request: Request) -> MovingPicture:
        return hub.small if request.query_params.get("size") == "small" else hub.large

    async def page(request: Request) -> Response:
        return _page(render_page, hub.camera)

    async def pictures(request: Request) -> Response:
        return moving_picture(size_of(request))

    async def picture(request: Request) -> Response:
        return await one_picture(size_of(request))

    async def status(request: Request) -> Response:
        return status_events(hub.figures, lambda: hub.is_closed)

    async def status_once(request: Request) -> Response:
        return JSONResponse(hub.figures(), headers=NO_STORE)

    return [
        Route("/", page),
        Route("/picture.mjpg", pictures),
        Route("/picture.jpg", picture),
        Route("/status", status),
        Route("/status.json", status_once),
        *_record_routes([hub]),
        *_side_routes([hub]),
    ]


def _wall_routes(hubs: Sequence[ViewHub]) -> list[BaseRoute]:
    """Return what viewers of all cameras ask."""
    names = [hub.camera for hub in hubs]

    async def page(request: Request) -> Response:
        return _page(render_wall, names)

    def figures() -> dict[str, Any]:
        return {"cameras": [hub.figures() for hub in hubs]}

    async def status(request: Request) -> Response:
        return status_events(figures, lambda: all(hub.is_closed for hub in hubs))

    async def status_once(request: Request) -> Response:
        return JSONResponse(figures(), headers=NO_STORE)

    return [
        Route("/", page),
        Route("/status", status),
        Route("/status.json", status_once),
        *_record_routes(hubs),
    ]


def _record_routes(hubs: Sequence[ViewHub]) -> list[BaseRoute]:
    async def events(request: Request) -> Response:
        return record_events(hubs)

    async def lines(request: Request) -> Response:
        return record_lines(hubs)

    return [Route("/records", events), Route("/records.ndjson", lines)]


def _side_routes(hubs: Sequence[ViewHub]) -> list[BaseRoute]:
    """Return what watchers of the machine and browsers ask beside the view."""

    async def health(request: Request) -> Response:
        state = health_of(hubs)
        return JSONResponse(state, 200 if state["ready"] else 503, headers=NO_STORE)

    async def metrics(request: Request) -> Response:
        figures = {hub.camera: hub.figures() for hub in hubs}
        return Response(metrics_text(figures), media_type=CONTENT_TYPE)

    async def icon(request: Request) -> Response:
        return Response(ICON, media_type="image/svg+xml")

    return [
        Route(HEALTH_PATH, health),
        Route("/metrics", metrics),
        Route("/favicon.svg", icon),
        Route("/favicon.ico", icon),
    ]


def health_of(hubs: Sequence[ViewHub]) -> dict[str, Any]:
    """Return whether results come from every camera, and each one's own state."""
    if len(hubs) == 1:
        return health_of_one(hubs[0].figures(), hubs[0].age_s)
    states = {hub.camera: health_of_one(hub.figures(), hub.age_s) for hub in hubs}
    return {"ready": all(state["ready"] for state in states.values()), "cameras": states}


def health_of_one(figures: Mapping[str, Any], age_s: float | None) -> dict[str, Any]:
    """Return whether results come from one camera, its source's state, its newest result's age."""
    state = str(figures.get("source_state", "up"))
    fresh = age_s is not None and age_s <= _STALE_AFTER_S
    rounded = None if age_s is None else round(age_s, 3)
    return {"ready": state == "up" and fresh, "source": state, "age_s": rounded}


def _page(render: Any, shown: Any) -> Response:
    """Return a page in which only its own style and script run."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; img-src 'self'; connect-src 'self'; "
        f"style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {
        **NO_STORE,
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(render(nonce, shown), headers=headers)
