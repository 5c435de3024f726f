"""Results handed on to other programs as they come: by HTTP posts (webhook) or over MQTT.

A thread of the outlet sends; the run only leaves its results here. What cannot be sent is tried
again while newer results come, up to a bound; what falls out then is counted, never waited for.
"""

from __future__ import annotations

import base64
import logging
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Protocol
from urllib.parse import urlsplit

from pipeline.live.events import Events
from pipeline.live.lines import ResultLines
from pipeline.readers.address import shown_source
from rmpe.records import Frame, Poses

_KEPT = 512
"""Lines that wait for a receiver that is away; older ones are dropped and counted."""
_MOST_IN_ONE = 64
"""Lines of one message, so that a receiver that comes back is not sent all at once."""
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 5.0
_ANSWER_WITHIN_S = 5.0
"""A receiver that takes longer is taken to be away."""
_FLUSH_WITHIN_S = 1.0
"""What waits at the end may still be sent for so long, as a run ends within two seconds."""
_MQTT_PORT = 1883
_HEADER_START = '{"schema"'

log = logging.getLogger(__name__)


class Carrier(Protocol):
    """Brings lines to another program."""

    name: str
    """What it is called in messages, without secrets."""

    def send(self, lines: list[str]) -> None:
        """Bring JSON lines; the first ever is the header. ``OSError`` if that cannot be now."""

    def close(self) -> None:
        """Let go of connections."""


class Outlet:
    """Hands header, records and events on through a carrier; a viewer of a live run.

    Args:
        carrier: brings them.
        header: the native format's first line.
        events: handed on between the records.
        camera: stands in every line; empty where there is only one.
        keep: most lines that wait; the oldest go when there are more.

    Attributes:
        sent: lines that arrived.
        dropped: lines that had to go.
    """

    def __init__(
        self,
        carrier: Carrier,
        header: Mapping[str, Any],
        events: Events,
        camera: str = "",
        keep: int = _KEPT,
    ) -> None:
        self.sent = self.dropped = 0
        self._carrier = carrier
        self._make = ResultLines(header, events, camera)
        self._lines: deque[str] = deque()
        self._keep = keep
        self._changed = threading.Condition()
        self._closed = False
        self._broken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outlet-0", daemon=True)
        self._thread.start()

    def show(self, frame: Frame, poses: Poses) -> None:
        """Take one result; returns at once."""
        lines = self._make.of(frame, poses)
        with self._changed:
            self._lines.extend(lines)
            while len(self._lines) > self._keep:
                self._lines.popleft()
                self.dropped += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Send what waits, for a second at most, and end; allowed twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(_FLUSH_WITHIN_S)
        self._broken.set()
        self._thread.join(_ANSWER_WITHIN_S)
        with self._changed:
            self.dropped += len(self._lines)
            self._lines.clear()

    def line(self) -> str:
        """Return in words what came of it."""
        lost = f", {self.dropped} dropped" if self.dropped else ""
        return f"{self._carrier.name}: {self.sent} lines sent{lost}"

    def _run(self) -> None:
        pause_s, headed = _FIRST_PAUSE_S, False
        while not self._broken.is_set() and (lines := self._take()):
            try:
                self._carrier.send(lines if headed else [self._make.header, *lines])
            except OSError as error:
                log.log(logging.INFO if pause_s > _FIRST_PAUSE_S else logging.WARNING, "%s", error)
                self._put_back(lines)
                self._broken.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                pause_s, headed = _FIRST_PAUSE_S, True
                self.sent += len(lines)
        self._carrier.close()

    def _take(self) -> list[str]:
        """Return the lines that wait, up to a bound, as soon as there are any; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closed)
            count = min(len(self._lines), _MOST_IN_ONE)
            return [self._lines.popleft() for _ in range(count)]

    def _put_back(self, lines: list[str]) -> None:
        """Keep lines that were not sent, as far as there is room beside newer ones."""
        with self._changed:
            room = self._keep - len(self._lines)
            kept = lines[max(len(lines) - room, 0) :] if room > 0 else []
            self.dropped += len(lines) - len(kept)
            self._lines.extendleft(reversed(kept))


class WebhookCarrier:
    """Posts lines to an address as ``application/x-ndjson``; an answer of 2xx takes them.

    Args:
        address: ``http://…`` or ``https://…``; user and password in it become basic access.

    Raises:
        ValueError: it is no such address.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.name = shown_source(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"got webhook {self.name!r}, needed is http://… or https://…")
        self._headers = {"Content-Type": "application/x-ndjson"}
        if parts.username is not None:
            pair = f"{parts.username}:{parts.password or ''}"
            self._headers["Authorization"] = f"Basic {_base64(pair)}"
        host = parts.netloc.rpartition("@")[2]
        self._address = parts._replace(netloc=host).geturl()

    def send(self, lines: list[str]) -> None:
        """Post lines; ``OSError`` if they were not taken."""
        body = "".join(line + "\n" for line in lines).encode()
        request = urllib.request.Request(self._address, body, self._headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_WITHIN_S):
                return
        except urllib.error.HTTPError as error:
            error.close()
            raise OSError(f"{self.name} answered {error.code}") from None
        except (OSError, HTTPException) as error:  # a URLError holds another one
            cause = getattr(error, "reason", error)
            reason = getattr(cause, "strerror", None) or cause
            raise OSError(f"{self.name} does not take results: {reason}") from None

    def close(self) -> None:
        """Nothing is held open between posts."""


class MqttCarrier:
    """Publishes to an MQTT broker: the header retained at ``TOPIC/header``, else ``TOPIC/records``.

    Args:
        address: ``mqtt://[user:password@]host[:port]/topic``.

    Raises:
        ValueError: it is no such address, or the extra ``[mqtt]`` is not installed.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.name = shown_source(address)
        self._topic = parts.path.strip("/")
        if parts.scheme != "mqtt" or not parts.hostname or not self._topic:
            raise ValueError(f"got {self.name!r}, needed is mqtt://host/topic")
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ModuleNotFoundError as error:
            raise ValueError("MQTT needs the extra: pip install 'rmpe[mqtt]'") from error
        self._host, self._port = parts.hostname, parts.port or _MQTT_PORT
        self._client = Client(CallbackAPIVersion.VERSION2)
        if parts.username is not None:
            self._client.username_pw_set(parts.username, parts.password)

    def send(self, lines: list[str]) -> None:
        """Publish lines; ``OSError`` if the broker did not confirm them."""
        try:
            if not self._client.is_connected():
                self._connect()
            for line in lines:
                is_header = line.startswith(_HEADER_START)
                self._publish("header" if is_header else "records", line, retain=is_header)
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OSError(f"{self.name} does not take results: {reason}") from None

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connect(self) -> None:
        self._client.loop_stop()
        self._client.connect(self._host, self._port)
        self._client.loop_start()
        deadline = time.monotonic() + _ANSWER_WITHIN_S
        while not self._client.is_connected():
            if time.monotonic() > deadline:
                raise TimeoutError("the broker does not let us in")
            time.sleep(0.02)

    def _publish(self, kind: str, line: str, retain: bool = False) -> None:
        told = self._client.publish(f"{self._topic}/{kind}", line, qos=1, retain=retain)
        told.wait_for_publish(_ANSWER_WITHIN_S)
        if not told.is_published():
            raise TimeoutError("the broker does not confirm")


def open_carrier(address: str, camera: str = "") -> Carrier:
    """Return the carrier of an address: ``http://…``, ``https://…`` or ``mqtt://…``.

    Nothing is connected yet: a receiver that comes later gets what still waits.

    Args:
        address: where to.
        camera: publishes to ``TOPIC/CAMERA/…`` in place of ``TOPIC/…``.

    Raises:
        ValueError: it is none of these, or an extra is missing.
    """
    if not address.startswith("mqtt://"):
        return WebhookCarrier(address)
    return MqttCarrier(f"{address.rstrip('/')}/{camera}" if camera else address)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
