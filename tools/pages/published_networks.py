"""Sizes and accuracies that the sources publish of their networks, of ``published_networks.csv``.

What the zoo's catalogue says of a checkpoint stands there only: the column ``zoo`` names its entry.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from rmpe.networks.mspn import MSPN
from rmpe.networks.rsn import RSN
from rmpe.networks.variants import build_network
from rmpe.zoo.catalogue import find_entry

TABLE = Path(__file__).with_name("published_networks.csv")


@dataclass(frozen=True)
class PublishedNetwork:
    """One line: a network at an input size, and what its source publishes of it."""

    label: str
    """What the source calls it."""
    variant: str
    """Name of the network here."""
    with_biases: bool
    """Whether convolutions before a normalisation have biases; mmpose's MSPN and RSN do without."""
    joint_count: int
    """Heatmaps."""
    input_height: int
    """Rows of the input."""
    input_width: int
    """Columns of the input."""
    source: str
    """Where the published numbers are from."""
    parameters: str
    """Published, in millions."""
    gflops: str
    """Published; a multiply-add counts one."""
    accuracy: str
    """Published: COCO val2017 AP with flip test unless another measure is named."""

    def build(self) -> nn.Module:
        """Return the network, without trained weights."""
        if self.with_biases:
            return build_network(self.variant, self.joint_count)
        stages = int(self.variant[-len("1stage")])
        if self.variant.startswith("mspn"):
            return MSPN(stages, self.joint_count, bias=False)
        return RSN(18 if "18" in self.variant else 50, stages, self.joint_count, bias=False)


def _network(row: dict[str, str]) -> PublishedNetwork:
    height, width = map(int, row["input"].split("x"))
    score = f"{100 * find_entry(row['zoo']).score:.1f} " if row["zoo"] else ""
    return PublishedNetwork(
        label=row["label"],
        variant=row["variant"],
        with_biases=row["biases"] == "yes",
        joint_count=int(row["joints"]),
        input_height=height,
        input_width=width,
        source=row["source"],
        parameters=row["parameters"] or "-",
        gflops=row["gflops"] or "-",
        accuracy=(score + row["accuracy"]).strip() or "-",
    )


with TABLE.open(encoding="utf-8", newline="") as file:
    PUBLISHED = tuple(map(_network, csv.DictReader(file)))
