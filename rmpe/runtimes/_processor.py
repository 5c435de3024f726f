"""Which processor this is, and which products it is quick with."""

from __future__ import annotations

import platform
import sys
from functools import lru_cache
from pathlib import Path

_CPU_FACTS = Path("/proc/cpuinfo")
_BYTE_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni"})
_HALF_PRODUCTS = frozenset({"avx512_bf16", "amx_bf16"})


def multiplies_bytes() -> bool:
    """Tell whether this processor multiplies bytes (VNNI): int8 is its fastest precision.

    Known of x86 on Linux alone; elsewhere the answer is no.
    """
    return bool(_instruction_sets() & _BYTE_PRODUCTS)


def multiplies_halves() -> bool:
    """Tell whether it multiplies bfloat16, so far as is known; see :func:`multiplies_bytes`."""
    return bool(_instruction_sets() & _HALF_PRODUCTS)


def bytes_lose_digits() -> bool:
    """Tell whether sums of byte products overflow on this processor: x86 without VNNI."""
    return bool(found := _instruction_sets()) and not found & _BYTE_PRODUCTS


@lru_cache(maxsize=1)
def processor_identity() -> str:
    """Return what tells processors apart, as far as this system says."""
    told = ("model name", "flags", "Features")
    lines = [line for line in _facts() if line.startswith(told)]
    return "\n".join([platform.machine(), platform.processor(), platform.system(), *lines])


def _instruction_sets() -> frozenset[str]:
    """Return the instruction sets of an x86 processor as Linux names them; empty elsewhere."""
    if platform.machine() == "x86_64":
        for line in _facts():
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    return frozenset()


def _facts() -> list[str]:
    """Return what Linux says of the first core; nothing elsewhere."""
    if sys.platform != "linux" or not _CPU_FACTS.is_file():
        return []
    return _CPU_FACTS.read_text("utf-8", "replace").partition("\n\n")[0].splitlines()
