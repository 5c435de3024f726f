"""Several cameras in one run: each its own records, names everywhere, no death but one's own."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.live.capture.address import NamedSource, parse_sources
from rmpe.estimator import EstimatorOptions, PoseEstimator
from rmpe.formats import read_records
from tests.helpers.command_line import CommandLine
from tests.helpers.squares import SquaresEstimator
from tests.pipeline.live.conftest import MjpegSender, Receiver


def squares_of(number: int, count: int | None = None) -> Callable[[], Iterator[np.ndarray]]:
    """Return a function that yields pictures of so many walking squares."""

    def pictures() -> Iterator[np.ndarray]:
        index = 0
        while count is None or index < count:
            picture = np.zeros((60, 200, 3), np.uint8)
            for place in range(number):
                left = 8 + 60 * place + index % 20
                picture[15:27, left : left + 12] = 200
            yield picture
            index += 1

    return pictures


@pytest.fixture
def several(rmpe: CommandLine, squares: type[SquaresEstimator]) -> CommandLine:
    """The command line on the bundled pose network, with people where bright squares are."""
    compact = PoseEstimator("compact")
    options = EstimatorOptions(min_score=0.0, nms=None)
    rmpe.estimator = PoseEstimator(squares().detect, compact.runtime, compact.conventions, options)
    return rmpe


def people_in(folder: Path) -> list[int]:
    """Return how many people the frames below a folder have, whole segments only."""
    records = [read_records(path) for path in sorted(folder.rglob("poses.ndjson"))]
    people = [len(record.poses) for part in records for record in part]
    assert all(part.complete for part in records)
    return people


def test_each_camera_has_its_own_people_ids_and_recording(
    several: CommandLine, mjpeg: Callable[..., MjpegSender], tmp_path: Path
) -> None:
    one = mjpeg(count=40, fps=20, pictures=squares_of(1, 40))
    three = mjpeg(count=40, fps=20, pictures=squares_of(3, 40))
    code, out, err = several(
        *("webcam", one.address, f"hall={three.address}", "--record", tmp_path),
        *("--policy", "every", "--segment", "1s", "--no-video"),
    )
    assert code == 0, err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["camera_0", "hall"]
    assert people_in(tmp_path / "camera_0") == [1] * 40
    assert people_in(tmp_path / "hall") == [3] * 40
    assert "camera_0: 40 frames captured, 40 processed" in out
    assert "hall: 40 frames captured, 40 processed" in out
    first = next(iter(read_records(tmp_path / "hall" / "segment_00000" / "poses.ndjson")))
    assert sorted(first.poses.ids) == [1, 2, 3], "ids begin at 1 for every camera"
    assert len(list((tmp_path / "hall").glob("segment_*"))) >= 2


def test_a_camera_that_dies_leaves_the_others_alone(
    several: CommandLine, mjpeg: Callable[..., MjpegSender], tmp_path: Path
) -> None:
    dying = mjpeg(fps=20, pictures=squares_of(1, 10))
    dying._pictures, pictures = lambda: hang_at_the_end(dying, pictures), dying._pictures
    living = mjpeg(fps=20, pictures=squares_of(2, 60))
    code, out, err = several(
        *("webcam", f"dies={dying.address}", f"lives={living.address}"),
        *("nowhere=http://127.0.0.1:9/none", "--record", tmp_path, "--no-video"),
        *("--stall", "0.5", "--policy", "every"),
    )
    assert code == 1, "two of three failed"
    assert "error: dies: http" in err and "was lost: nothing came for 0.5 s" in err
    assert "error: nowhere: http://127.0.0.1:9/none cannot be opened" in err
    assert people_in(tmp_path / "lives") == [2] * 60
    assert set(people_in(tmp_path / "dies")) == {1}
    assert "lives: 60 frames captured, 60 processed, 0 dropped" in out


def hang_at_the_end(
    sender: Any, pictures: Callable[[], Iterable[np.ndarray]]
) -> Iterator[np.ndarray]:
    """Yield pictures, then let the connection stand open without any."""
    yield from pictures()
    sender.hanging.set()
    yield np.zeros((60, 200, 3), np.uint8)


def asked(address: str) -> tuple[int, str]:
    """Return status and body of an address; (0, "") where nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_what_is_handed_on_and_shown_says_which_camera(
    several: CommandLine,
    mjpeg: Callable[..., MjpegSender],
    receiver: Receiver,
    free_tcp_port: int,
    wait_for: Callable[..., None],
) -> None:
    senders = [mjpeg(fps=20, pictures=squares_of(number)) for number in (1, 2)]
    view = f"http://127.0.0.1:{free_tcp_port}"
    seen = {}

    def watch() -> None:
        wait_for(lambda: asked(f"{view}/healthz")[0] == 200, 60)
        seen["health"] = json.loads(asked(f"{view}/healthz")[1])
        seen["metrics"] = asked(f"{view}/metrics")[1]
        with urllib.request.urlopen(f"{view}/records.ndjson", timeout=10) as lines:
            seen["lines"] = [json.loads(lines.readline()) for _ in range(20)]
        picture = urllib.request.urlopen(f"{view}/cameras/b/picture.jpg", timeout=10).read()
        seen["picture"] = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        wait_for(lambda: len(receiver.lines) >= 20, 30)
        senders[0].stop()
        wait_for(lambda: asked(f"{view}/healthz")[0] == 503, 30)
        seen["health with one dead"] = json.loads(asked(f"{view}/healthz")[1])["cameras"]
        seen["alone"] = [asked(f"{view}/cameras/{name}/healthz")[0] for name in "ab"]
        senders[1].stop()

    watching = threading.Thread(target=watch)
    watching.start()
    sources = [f"{name}={sender.address}" for name, sender in zip("ab", senders)]
    code, _, err = several(
        *("webcam", *sources, "--serve", free_tcp_port, "--no-window"),
        *("--send-to", f"http://127.0.0.1:{receiver.port}/"),
    )
    watching.join()
    assert code == 0, err
    assert seen["health"]["cameras"]["a"]["ready"] and seen["health"]["cameras"]["b"]["ready"]
    assert [seen["health with one dead"][name]["ready"] for name in "ab"] == [False, True]
    assert seen["alone"] == [503, 200]
    assert 'rmpe_source_up{camera="a"} 1.0' in seen["metrics"]
    assert seen["picture"].shape == (60, 200, 3)
    for lines in (seen["lines"], receiver.lines):
        assert {line["camera"] for line in lines} == {"a", "b"}
        assert [line["camera"] for line in lines if "schema" in line].count("a") == 1
        frames = [line for line in lines if "frame" in line]
        assert all(len(line["people"]) == "ab".index(line["camera"]) + 1 for line in frames)


def test_a_source_that_comes_later_is_waited_for(
    several: CommandLine,
    mjpeg: Callable[..., MjpegSender],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    wait_for: Callable[..., None],
) -> None:
    gone = mjpeg(fps=20)
    gone.stop()
    tried = "cannot be opened: Connection refused; it is tried again"

    def send_once() -> None:
        wait_for(lambda: tried in caplog.text)
        sender = mjpeg(fps=20, port=gone.port, pictures=squares_of(1, 20))
        while sender.sent < 20:
            time.sleep(0.05)
        sender.stop()

    late = threading.Thread(target=send_once)
    late.start()
    several(
        *("webcam", gone.address, "--record", tmp_path, "--no-video", "--policy", "every"),
        *("--reconnect", "3", "--no-window"),
    )
    late.join()
    assert people_in(tmp_path) == [1] * 20


def test_sources_have_the_names_they_are_given_or_their_places() -> None:
    named = parse_sources(["0", "door=rtsp://me:pw@host/a=b?c=d", "-", "http://host/x?y=z"])
    assert named == (
        NamedSource("camera_0", "0"),
        NamedSource("door", "rtsp://me:pw@host/a=b?c=d"),
        NamedSource("camera_2", "-"),
        NamedSource("camera_3", "http://host/x?y=z"),
    )
    assert parse_sources(["0"]) == (NamedSource("", "0"),)
    assert parse_sources(["door=0"]) == (NamedSource("door", "0"),)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a=0", "A=1"], "given twice"),
        (["camera_1=0", "1"], "given twice"),
        (["-", "-"], "can be given once"),
        (["0", "nowhere"], "needed is a camera number"),
        (["../x=0"], "needed is a camera number"),
    ],
)
def test_sources_that_cannot_be_told_apart_are_refused(texts: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_sources(texts)


def test_a_window_shows_one_camera(rmpe: CommandLine) -> None:
    code, _, err = rmpe("webcam", "0", "1", "--window")
    assert code == 2 and "--serve PORT shows several" in err
