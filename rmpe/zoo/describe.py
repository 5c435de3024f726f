"""The catalogue, its entries and checkpoint files in words, and the check of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rmpe.networks.complexity import count_macs, count_parameters
from rmpe.zoo.bundled import BUNDLED, load_bundled_pose
from rmpe.zoo.catalogue import (
    CatalogueEntry,
    detector_entries,
    entry_of_file,
    find_entry,
    pose_entries,
)
from rmpe.zoo.download import FetchOptions, file_sha256
from rmpe.zoo.loading import LoadChoices, LoadedNetwork, load
from rmpe.zoo.unpacking import check_archive

Kind = Literal["all", "pose", "detector"]
Facts = list[tuple[str, str]]


def list_entries(
    kind: Kind = "pose", dataset: str = "", containing: str = ""
) -> list[CatalogueEntry]:
    """The catalogue's entries, best first within a data set.

    Args:
        kind: pose networks, detectors or all.
        dataset: only this data set, in any case; empty for all.
        containing: only names with this in them.
    """
    entries: list[CatalogueEntry] = []
    if kind in ("all", "pose"):
        entries += pose_entries()
    if kind in ("all", "detector"):
        entries += detector_entries()
    chosen = [
        entry
        for entry in entries
        if dataset.lower() in ("", entry.dataset.lower())
        and (containing in entry.name or containing in entry.alias)
    ]
    return sorted(chosen, key=lambda e: (e.kind != "pose", e.dataset, -e.score, e.name))


def render_entries(entries: Sequence[CatalogueEntry], options: FetchOptions) -> list[str]:
    """One line for each entry under a heading, ``*`` before those in the cache."""
    heading = ("", "name", "data set", "input", "score", "MB", "licence")
    rows = [heading, *(_row(entry, options) for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]


def _row(entry: CatalogueEntry, options: FetchOptions) -> tuple[str, ...]:
    size = f"{entry.input_height}x{entry.input_width}" if entry.input_height else "any"
    is_cached = (options.cache_dir / entry.file_name).is_file()
    return (
        "*" if is_cached else "",
        entry.name,
        entry.dataset,
        size,
        f"{entry.score:.3f}",
        str(entry.megabytes),
        entry.licence,
    )


def describe_entry(entry: CatalogueEntry, options: FetchOptions) -> Facts:
    """Everything the catalogue knows of an entry, as pairs of a label and a value."""
    cached = options.cache_dir / entry.file_name
    facts = [
        ("name", entry.name),
        ("also called", entry.alias),
        ("network", entry.variant),
        ("data set", entry.dataset),
        ("input", f"{entry.input_height}x{entry.input_width}" if entry.input_height else "any"),
        ("skeleton", entry.skeleton_name),
        ("decoding", entry.codec),
        ("published", f"{entry.score:.3f} {entry.metric}"),
        ("size", f"about {entry.megabytes} MB"),
        ("licence", entry.licence),
        ("address", options.address(entry.address)),
        ("sha256 starts", entry.sha256_prefix),
        ("file", str(cached) if cached.is_file() else "not fetched"),
    ]
    return [(label, value) for label, value in facts if value]


def describe_network(loaded: LoadedNetwork) -> Facts:
    """What was recognised in a checkpoint, as pairs of a label and a value."""
    conventions = loaded.conventions
    size = f"{conventions.input_height}x{conventions.input_width}"
    counted = count_macs(loaded.network, conventions.input_height, conventions.input_width)
    facts = [
        ("family", loaded.family),
        ("network", loaded.variant),
        ("conventions of", loaded.origin),
        ("same keys", ", ".join(loaded.same_keys)),
        ("skeleton", f"{conventions.skeleton_name}, {conventions.skeleton.joint_count} joints"),
        ("input", f"{size} {conventions.colour_order}"),
        ("mean", _numbers(conventions.mean)),
        ("deviation", _numbers(conventions.std)),
        ("decoding", conventions.codec),
        ("parameters", f"{count_parameters(loaded.network) / 1e6:.3f} M"),
        ("multiply-adds", f"{counted.macs / 1e9:.3f} G"),
    ]
    return [(label, value) for label, value in facts if value]


def describe(source: str, options: FetchOptions, choices: LoadChoices | None = None) -> Facts:
    """A file's network, a catalogue entry by its name, or one of the package's own.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no checkpoint of a known network, or there is no such entry.
    """
    if Path(source).is_file():
        return [("file", source), *describe_network(load(source, choices, options=options))]
    if source in BUNDLED:
        return [("file", "in the package"), *describe_network(load_bundled_pose(source))]
    return describe_entry(find_entry(source), options)


def check_file(path: Path) -> str:
    """Verify a checkpoint and return what it is, in a few words.

    The SHA-256 must start as the catalogue says where the file has a catalogue name, and a pose
    network must load strictly.

    Raises:
        OSError: the file cannot be read.
        ValueError: the hash is another, or the content does not load.
    """
    entry = next(
        (known for known in (*pose_entries(), *detector_entries()) if known.file_name == path.name),
        None,
    )
    if entry is not None:
        digest = file_sha256(path)
        if not digest.startswith(entry.sha256_prefix):
            raise ValueError(
                f"{path.name} is damaged: its SHA-256 starts with {digest[:8]}, expected is "
                f"{entry.sha256_prefix}; delete it and fetch it again"
            )
        if entry.is_onnx:
            return f"{entry.name}, {check_archive(path)}, no hash was published"
        if entry.kind == "detector":
            return f"{entry.name}, hash right"
    loaded = load(path)
    verified = "hash right" if entry_of_file(path.name) else "not in the catalogue"
    return f"{loaded.variant}, {loaded.conventions.skeleton_name}, loads strictly, {verified}"


def cached_files(options: FetchOptions) -> list[Path]:
    """The fetched files in the cache folder; parts of interrupted fetches are left out."""
    if not options.cache_dir.is_dir():
        return []
    return sorted(path for path in options.cache_dir.iterdir() if path.suffix in (".pth", ".zip"))


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.4g}" for value in values)
