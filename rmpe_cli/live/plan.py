"""What the live command shall do, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.live.capture.address import NamedSource, parse_sources
from pipeline.live.capture.reader import LiveReadOptions
from pipeline.live.outlets import open_carrier
from pipeline.live.recording import SegmentLimits
from pipeline.live.session import LiveOptions
from pipeline.stages.track import build_tracker

if TYPE_CHECKING:
    from rmpe_cli.live.command import LiveChoices


@dataclass(frozen=True)
class LiveCommand:
    """The options of the live command, checked before anything is loaded."""

    sources: tuple[NamedSource, ...]
    """What is read, each on its own."""
    read: LiveReadOptions
    """How it is read."""
    options: LiveOptions
    """How the run goes."""
    track: bool = True
    """Give identities."""
    smooth: bool = False
    """Smooth joints over time."""
    propagate: bool = True
    """With identities, look for people whom the detector missed where they should be."""
    serve: tuple[str, int] | None = None
    """Host and port of the browser view; None serves nothing."""
    token: str = ""
    """What viewers must know."""
    send_to: tuple[str, ...] = ()
    """Where results are handed on to, see :func:`~pipeline.live.outlets.open_carrier`."""
    record: Path | None = None
    """Folder to record into; None records nothing."""
    segment: SegmentLimits | None = None
    """When a new segment begins."""
    video: bool = True
    """Record the annotated video too."""
    window: bool | None = None
    """Open a window; None opens one if nothing is served and there is a screen."""
    quiet: bool = False
    """No progress line."""
    described: Mapping[str, Any] | None = None
    """The options as they were given, for the records' header and the summary."""

    @classmethod
    def from_choices(
        cls, sources: Sequence[str], live: LiveChoices, described: Mapping[str, Any]
    ) -> LiveCommand:
        """Return the command that the command line's options mean.

        Args:
            sources: what is read, see :func:`~pipeline.live.capture.address.parse_sources`.
            live: the options.
            described: the options for the records' header and the summary.

        Raises:
            ValueError: one of them means nothing, or needs another, or an extra is missing.
        """
        named = parse_sources(sources)
        build_tracker(live.track, live.smooth)
        for address in live.send_to:
            open_carrier(address)
        if live.segment and live.record is None:
            raise ValueError("--segment divides a recording: it needs --record FOLDER")
        token = live.secret()
        if (live.token_file or live.token) and not live.serve:
            raise ValueError("--token protects the browser view: it needs --serve PORT")
        if live.window and len(named) > 1:
            raise ValueError("a window shows one camera: --serve PORT shows several")
        return cls(
            sources=named,
            read=LiveReadOptions(
                policy=live.policy,
                max_backlog=live.max_backlog,
                reconnect_s=live.reconnect,
                stall_s=live.stall,
            ),
            options=LiveOptions(live.max_latency, _parse_every(live.detect_every)),
            track=live.track,
            smooth=live.smooth,
            propagate=live.propagate,
            serve=_parse_serve(live.serve) if live.serve else None,
            token=token,
            send_to=live.send_to,
            record=live.record,
            segment=SegmentLimits.parse(live.segment) if live.segment else None,
            video=not live.no_video,
            window=False if len(named) > 1 else live.window,
            quiet=live.quiet,
            described=described,
        )


def _parse_serve(text: str) -> tuple[str, int]:
    try:
        from pipeline.live.serving.server import parse_listen
    except ModuleNotFoundError as error:
        raise ValueError(f"--serve needs the extra: pip install 'rmpe[serve]' ({error})") from error
    return parse_listen(text)


def _parse_every(text: str) -> Any:
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise ValueError(f"got detect-every {text!r}, needed is auto or a number from 1 on")
    return int(text)
