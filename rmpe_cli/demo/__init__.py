"""The pipeline on drawn people whose places are known: the command, and the comparison."""

from rmpe_cli.demo.command import DemoChoices, demo

__all__ = ["DemoChoices", "demo"]
