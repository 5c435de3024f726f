"""Ends with 0 if the live view in this container is well, or if the container runs something else.

Asked by Docker. A run without `--serve`, on a clip for instance, has no view and is well while it
runs.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

DEFAULT_PORT = "8000"


def main(command_line: Path = Path("/proc/1/cmdline")) -> int:
    """Return 0 if all is well, 1 if not, after printing what the view answered.

    Args:
        command_line: the words of the container's process, each ended by a zero byte.
    """
    words = command_line.read_bytes().decode(errors="replace").split("\0")
    if "--serve" not in words:
        return 0
    port = words[words.index("--serve") + 1].rpartition(":")[2] or DEFAULT_PORT
    address = f"http://127.0.0.1:{port}{os.environ.get('RMPE_HEALTH_PATH', '/healthz')}"
    try:
        with urllib.request.urlopen(address, timeout=4) as answer:
            sys.stdout.write(answer.read(1000).decode(errors="replace"))
        return 0
    except (urllib.error.URLError, OSError) as error:
        sys.stdout.write(f"{address}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
