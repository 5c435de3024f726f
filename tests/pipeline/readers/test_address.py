"""What is an address, and what of it may be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.readers.address import ffmpeg_name, is_address, shown_source, without_secrets

SHOWN = {
    "http://user:pw@cam/b.mp4?token=abc": "http://cam/b.mp4",
    "rtsp://admin:p%40ss@10.0.0.9:554/ch/101": "rtsp://10.0.0.9:554/ch/101",
    "rtsp://a:b@c@host/x": "rtsp://host/x",
    "rtsp://cam/user=admin_password=tlJwpbo6_channel=1.sdp": (
        "rtsp://cam/user=admin_password=…_channel=1.sdp"
    ),
    "https://h/x#secret": "https://h/x",
    "https://h?key=1": "https://h",
    "clips/a?b.mp4": "clips/a?b.mp4",
    "bad\udcff.mp4": "bad�.mp4",
}


@pytest.mark.parametrize("source", SHOWN)
def test_nothing_that_only_the_owner_knows_is_shown(source: str) -> None:
    assert shown_source(source) == SHOWN[source]


def test_a_message_loses_the_secrets_of_the_address() -> None:
    source = "http://user:pw123@cam/b.mp4?token=abc"
    assert without_secrets(f"404 for {source}: token=abc, pw123", source) == (
        "404 for http://cam/b.mp4: …, …"
    )
    assert without_secrets("plain", "a.mp4") == "plain"


def test_an_existing_file_is_a_file_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_address("http://b")
    Path("http:").mkdir()
    Path("http:/b").touch()
    assert not is_address("http://b")
    assert ffmpeg_name("10:15.mp4") == "file:10:15.mp4"
    assert ffmpeg_name("rtsp://cam/x") == "rtsp://cam/x"
