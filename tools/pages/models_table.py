"""The table of docs/models.md: every preset, what it finds, its published score, what a crop takes.

``python -m tools.pages.models_table docs/models.md`` writes it between the page's two markers; the
times are those of ``tools/pages/measured_models.csv``, which
``benchmarks/networks/bench_models.py --write`` measured.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from rmpe.zoo.models import CropTime, render_markdown
from tools.pages.networks_table import BEGIN, END

TIMES = Path(__file__).with_name("measured_models.csv")


def measured_times() -> dict[str, CropTime]:
    """What was measured, by preset."""
    with TIMES.open(encoding="utf-8") as file:
        return {
            row["preset"]: CropTime(float(row["torch_ms"]), float(row["openvino_ms"]))
            for row in csv.DictReader(file)
        }


def written(text: str) -> str:
    """The page with the table between its markers.

    Raises:
        ValueError: it lacks them.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN!r} and {END!r}")
    table = "\n".join(render_markdown(measured_times()))
    return f"{before}{begin}\n{table}\n{end}{after}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the table of presets into a page.")
    parser.add_argument("page", type=Path, help="docs/models.md, whose table is replaced.")
    page = parser.parse_args().page
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
