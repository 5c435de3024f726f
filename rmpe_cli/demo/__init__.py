"""The pipeline on drawn people whose places are known: the command, and the comparison."""

from typing import Any

from rmpe_cli.demo.command import DemoChoices, demo

__all__ = ["DemoChoices", "DemoReport", "compare_with_truth", "demo", "run_demo"]


def __getattr__(name: str) -> Any:
    """Load the comparison the first time it is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rmpe_cli.demo import comparison

    return getattr(comparison, name)
