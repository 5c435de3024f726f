"""Fixtures that every room's tests may use."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.stores import gs_server, s3_server, scheme, staging, store

__all__ = ["gs_server", "s3_server", "scheme", "staging", "store"]

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Ctrl-C ends programs in a run in the background too, which a shell makes deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's top folder."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of development data beside the checkout; skips where it is absent."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the development data folder ../shared is not here")
    return folder


@pytest.fixture
def wait_for() -> Callable[..., None]:
    """A function that waits until a condition holds, at most 10 s."""

    def wait(condition: Callable[[], object], seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the wait was in vain"
            time.sleep(0.01)

    return wait
