"""Windows and macOS: nothing that only POSIX, or only Linux, has is used without another way."""

from __future__ import annotations

import ast
import multiprocessing
from pathlib import Path

import pytest

from rmpe.training.data.workers import start_method

MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
NAMES = {
    *("os.fork", "os.forkpty", "os.getuid", "os.geteuid", "os.getpgid", "os.killpg", "os.mkfifo"),
    *("os.sched_getaffinity", "os.sched_setaffinity", "os.setsid", "os.statvfs", "os.uname"),
    *("signal.SIGKILL", "signal.SIGHUP", "signal.SIGUSR1", "signal.SIGUSR2", "signal.SIGALRM"),
    *("signal.alarm", "signal.pause", "signal.setitimer", "select.poll", "select.epoll"),
    *("socket.AF_UNIX", "os.O_NONBLOCK", "os.O_DIRECTORY", "select.select"),
}
GUARDS = ("sys.platform", "os.name", "hasattr(os", "hasattr(signal", "hasattr(socket")
TEXTS = ("/tmp/", "/proc/", '"forkserver"', '"fork"', "preexec_fn")
"""Places and ways of starting that Windows has not."""


def used(tree: ast.AST) -> set[str]:
    """Return the POSIX-only modules and names that a file uses."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} & MODULES
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & NAMES
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {f"{node.value.id}.{node.attr}"} & NAMES
    return found


def test_what_only_posix_has_stands_behind_a_question_for_the_system(repository: Path) -> None:
    wrong, seen = [], set()
    for top in ("rmpe", "tracking", "pipeline", "rmpe_cli"):
        for path in (repository / top).rglob("*.py"):
            text = path.read_text("utf-8")
            names = used(ast.parse(text)) | {part for part in TEXTS if part in text}
            seen |= names
            asks = any(guard in text for guard in (*GUARDS, "get_all_start_methods"))
            if names and not asks:
                wrong.append(f"{path.relative_to(repository)}: {', '.join(sorted(names))}")
    assert wrong == []
    assert {"fcntl", "os.sched_setaffinity"} <= seen, "the search finds what is there"


def test_the_search_finds_names_however_they_are_imported() -> None:
    text = "import fcntl\nfrom os import fork\nimport os\nos.killpg(1, 2)\nos.path.join('a')\n"
    assert used(ast.parse(text)) == {"fcntl", "os.fork", "os.killpg"}


@pytest.mark.parametrize(
    ("methods", "chosen"),
    [(["fork", "spawn", "forkserver"], "forkserver"), (["spawn"], "spawn")],
)
def test_workers_are_started_as_the_system_can(
    monkeypatch: pytest.MonkeyPatch, methods: list[str], chosen: str
) -> None:
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: methods)
    assert start_method() == chosen
