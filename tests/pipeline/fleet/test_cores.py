"""Cores for one process alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import Popen

import pytest

from pipeline.fleet.cores import CoreClaim

if not hasattr(os, "sched_getaffinity"):
    pytest.skip("this system has no affinity", allow_module_level=True)

CLAIM = """
import os, sys
from pathlib import Path
os.sched_getaffinity = lambda process: {0, 1, 2}
os.sched_setaffinity = lambda thread, cores: None
from pipeline.fleet.cores import CoreClaim
first, second, third = (CoreClaim(n, Path(sys.argv[1])) for n in (1, 1, 2))
print(sorted(first.cores), sorted(second.cores), sorted(third.cores), flush=True)
first.release()
print(sorted(CoreClaim(2, Path(sys.argv[1])).cores), flush=True)
sys.stdin.read()
"""


def test_claims_have_different_cores_and_end_with_their_process(
    tmp_path: Path, repository: Path
) -> None:
    def start() -> Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", CLAIM, tmp_path],
            env={**os.environ, "PYTHONPATH": str(repository)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    with start() as holder:
        assert holder.stdout.readline() == "[0] [1] []\n"
        assert holder.stdout.readline() == "[0, 2]\n"
        with start() as other:
            other.stdin.close()
            assert other.stdout.read() == "[] [] []\n[]\n"
        holder.kill()
    with start() as again:
        assert again.stdout.readline() == "[0] [1] []\n"
        again.stdin.close()


def test_all_cores_and_an_unusable_folder_claim_nothing(tmp_path: Path) -> None:
    assert not CoreClaim(len(os.sched_getaffinity(0)), tmp_path).cores
    (tmp_path / "file").touch()
    before = os.sched_getaffinity(0)
    assert not CoreClaim(1, tmp_path / "file").cores
    assert os.sched_getaffinity(0) == before
