"""The sound of a clip for its drawn copy: copied where the container holds it, else encoded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any, cast

import av

from pipeline.readers.address import ffmpeg_name, is_address
from rmpe.pictures import film_of

_COPIED = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "mp3float", "opus"})
"""Codecs that MP4 and MOV hold and players know."""
_COPIED_IN_WEBM = frozenset({"opus", "vorbis"})
_OPUS_RATE = 48000
"""What Opus is coded at, whatever came in."""
_NEW_START_S = 0.1
"""A step back of the times that means a joint of two recordings, as for the pictures."""

log = logging.getLogger(__name__)


class SoundTrack:
    """The sound between two moments of a clip, as packets for another file.

    What cannot be read ends the sound, never the clip; ``failure`` says why.

    Args:
        source: the clip's file; an address, or a file without sound, gives no sound.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._container: Any = None
        self._film: Any = None
        self._stream: Any = None
        self._encoder: Any = None
        self.failure = ""

    def open(self, output: Any) -> bool:
        """Add the sound's stream to an output that nothing was written to; False without sound."""
        if is_address(self._source):
            return False
        try:
            self._container = av.open(ffmpeg_name(self._source), metadata_errors="replace")
            self._film = film_of(self._container)
            if not self._container.streams.audio or self._film is None:
                self.close()
                return False
            self._stream = self._container.streams.audio[0]
            if self._stream.codec_context is None:
                raise ValueError("its codec is not known here")
            context = self._stream.codec_context
            if not context.rate:  # announced alone, as where a transport stream was cut
                raise ValueError("the file announces sound and has none")
            is_webm = output.format.name == "webm"
            if context.name in (_COPIED_IN_WEBM if is_webm else _COPIED):
                self._output = output.add_stream_from_template(self._stream)
            else:
                codec = "libopus" if is_webm else "aac"
                rate = _OPUS_RATE if is_webm else context.rate or _OPUS_RATE
                self._output = output.add_stream(codec, rate=rate)
                self._output.layout = "stereo" if context.channels > 1 else "mono"
                self._encoder = self._output
        except (av.error.FFmpegError, OSError, ValueError) as error:
            self._give_up(error)
            return False
        return True

    def packets(self, start_s: float, end_s: float) -> Iterator[tuple[float, av.Packet]]:
        """Yield packets with their seconds from the output's start.

        Args:
            start_s: moment, counted from the clip's first picture, with which the output begins.
            end_s: seconds of the output after which no packet begins.
        """
        try:
            coded = self._shifted(start_s, end_s)
            yield from self._encoded(coded) if self._encoder is not None else coded
        except (av.error.FFmpegError, ValueError) as error:
            self._give_up(error)
        finally:
            self.close()

    def close(self) -> None:
        """Close the source; allowed twice."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _shifted(self, start_s: float, end_s: float) -> Iterator[tuple[float, av.Packet]]:
        """Yield the source's packets inside the span, their times from the output's start."""
        pictures = self._film
        begin_s = float((pictures.start_time or 0) * (pictures.time_base or 0)) + start_s
        shift_s = last_s = 0.0
        for packet in self._container.demux(self._stream):
            if packet.pts is None or not packet.size:
                continue
            base = Fraction(packet.time_base)
            time_s = float(packet.pts * base) - begin_s + shift_s
            if time_s < last_s - _NEW_START_S:
                shift_s += last_s - time_s
                time_s = last_s
            last_s = time_s + float((packet.duration or 0) * base)
            if time_s >= end_s:
                return
            if time_s < 0:
                continue
            packet.pts = packet.dts = round(time_s / base)
            yield time_s, packet

    def _encoded(
        self, coded: Iterator[tuple[float, av.Packet]]
    ) -> Iterator[tuple[float, av.Packet]]:
        """Yield the sound encoded anew."""
        rate = self._encoder.rate
        resampler = av.AudioResampler(
            format=self._encoder.format, layout=self._encoder.layout, rate=rate
        )
        first_s: float | None = None
        samples = 0
        for time_s, packet in coded:
            first_s = time_s if first_s is None else first_s
            for frame in cast("list[av.AudioFrame]", packet.decode()):
                for block in resampler.resample(frame):
                    block.pts, block.time_base = samples, Fraction(1, rate)
                    samples += block.samples
                    yield from self._timed(self._encoder.encode(block), first_s)
        if first_s is not None:
            yield from self._timed(self._encoder.encode(None), first_s)

    def _timed(self, packets: list[av.Packet], first_s: float) -> Iterator[tuple[float, av.Packet]]:
        for packet in packets:
            if packet.pts is None or packet.time_base is None:
                continue
            shift = round(first_s / packet.time_base)
            packet.pts += shift
            packet.dts = packet.pts
            yield float(packet.pts * packet.time_base), packet

    @property
    def output(self) -> Any:
        """The stream in the output."""
        return self._output

    def _give_up(self, error: Exception) -> None:
        reason = str(getattr(error, "strerror", None) or error)
        self.failure = f"the sound could not be copied: {reason}"
        log.info("%s", self.failure)
        with suppress(av.error.FFmpegError):
            self.close()
