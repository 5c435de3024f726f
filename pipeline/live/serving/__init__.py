"""The live view in a browser: the extra ``[serve]`` (Starlette, uvicorn) is imported here alone."""

from pipeline.live.serving.app import build_app
from pipeline.live.serving.hub import ViewHub
from pipeline.live.serving.server import LiveServer, parse_listen

__all__ = ["LiveServer", "ViewHub", "build_app", "parse_listen"]
