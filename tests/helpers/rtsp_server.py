"""An RTSP server of GStreamer's that plays pictures for ever; run by the system's own Python.

Run: python3 rtsp_server.py PORT "FOLDER/%d.jpg" RATE USER PASSWORD
Its stream is rtsp://127.0.0.1:PORT/stream.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PIPELINE = (
    '( multifilesrc location="{pictures}" loop=true caps=image/jpeg,framerate={rate}/1 '
    "! jpegdec ! videoconvert ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={rate} "
    "! rtph264pay name=pay0 pt=96 )"
)
ROLE = "viewer"


def main() -> None:
    """Serve until it is killed."""
    port, pictures, rate, user, password = sys.argv[1:]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    access = GstRtspServer.RTSPAuth()
    viewer = GstRtspServer.RTSPToken()
    viewer.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE)
    access.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), viewer)
    server.set_auth(access)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PIPELINE.format(pictures=pictures, rate=rate))
    factory.set_shared(True)
    may = Gst.Structure.new_empty(ROLE)
    for right in (
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS,
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
    ):
        may.set_value(right, True)
    factory.add_role_from_structure(may)
    server.get_mount_points().add_factory("/stream", factory)
    server.attach(None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
