"""The table of docs/networks.md: published numbers beside the ones counted on these networks.

``python -m tools.pages.networks_table docs/networks.md`` writes it between the page's two markers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from rmpe.networks.complexity import count_macs, count_parameters
from tools.pages.published_networks import PUBLISHED, PublishedNetwork

BEGIN = "<!-- table: begin -->"
END = "<!-- table: end -->"

HEADER = (
    "Network", "Joints", "Input", "Params M", "MACs 10⁹", "MACs 2³⁰", "Source's rule",
    "Published params M", "Published GFLOPs", "Published AP", "Source",
)  # fmt: skip


def render_rows(networks: Sequence[PublishedNetwork]) -> list[str]:
    """One line of Markdown for each network; every one is built and counted."""
    return [_line(_cells(network)) for network in networks]


def render_table() -> str:
    """The whole table in Markdown; takes some seconds."""
    alignment = ("---",) * 3 + ("---:",) * 6 + ("---",) * 2
    return "\n".join([_line(HEADER), _line(alignment), *render_rows(PUBLISHED)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: PublishedNetwork) -> tuple[str, ...]:
    with torch.device("meta"):
        network = row.build()
    network.to_empty(device="cpu")  # Neither initialised nor read: counting takes shapes only.
    counted = count_macs(network, row.input_height, row.input_width)
    return (
        row.label,
        str(row.joint_count),
        f"{row.input_height}x{row.input_width}",
        f"{count_parameters(network) / 1e6:.3f}",
        f"{counted.macs / 1e9:.3f}",
        f"{counted.macs / 2**30:.2f}",
        _by_source_rule(row.source, counted.macs, counted.transposed_macs),
        row.parameters,
        row.gflops,
        row.accuracy,
        row.source,
    )


def _by_source_rule(source: str, macs: int, transposed_macs: int) -> str:
    """The count as the source counts, where its rule is known.

    HRNet's and SimpleBaseline's tables divide by 2^30 and take weights times output size for a
    transposed convolution of stride 2, four times what is computed.
    """
    if source not in ("HRNet", "SimpleBaseline"):
        return "-"
    return f"{(macs + 3 * transposed_macs) / 2**30:.2f}"


def write_table(page: Path) -> None:
    """Replace what stands between the page's markers by the table.

    Raises:
        OSError: the page cannot be read or written.
        ValueError: it lacks the markers.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} needs the lines {BEGIN!r} and {END!r}")
    page.write_text(f"{before}{begin}\n{render_table()}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("page", type=Path, help="Page with the two markers.")
    write_table(parser.parse_args().page)
