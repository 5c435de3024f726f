"""Puts records, pictures and the page's own files together into one HTML file."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from rmpe.formats import PoseReader, ReadHints, read_records
from rmpe.formats.catalogue import notes_of
from rmpe.formats.outputs import RECORDS_NAME, check_outputs
from rmpe.json_files import load_json
from rmpe.report._measuring import page_angles
from rmpe.report.packing import TICKS_PER_S, PackedPoses, pack_poses
from rmpe.report.pictures import ClipPictures, PictureOptions, clip_pictures, promised_frames

SUMMARY_NAME = "summary.json"
_RUN_TIMES = ("wall_s", "frames_per_s")
_STAGE_TIMES = ("busy_s", "cpu_s", "wait_input_s", "wait_output_s")
"""Numbers that the table of stages shows."""
_SCRIPTS = ("data.js", "player.js", "stage.js", "timeline.js", "charts.js", "measure.js", "page.js")


@dataclass(frozen=True)
class ReportOptions:
    """What the page shows, and where it is found."""

    title: str = ""
    """Heading; empty takes the clip's name."""
    clip: Path | None = None
    """The clip of a single record; None takes the one that the record names, if it is there."""
    pictures: PictureOptions = field(default_factory=PictureOptions)
    """How the clip gets onto the page."""
    format_name: str | None = None
    """Format of the records; None recognises it."""
    hints: ReadHints = field(default_factory=ReadHints)
    """What the records may not say themselves."""


@dataclass(frozen=True)
class ClipReport:
    """What one clip brought onto the page."""

    name: str
    """Its name on the page."""
    frames: int
    """Stored frames."""
    identities: int
    """Lanes of its timeline, without that of people who have no id."""
    pictures: str
    """How its pictures came in: embed, link, strip or none."""

    @property
    def shown(self) -> str:
        """How its pictures came in, in words."""
        return {
            "embed": "clip in the page",
            "link": "clip linked from the page",
            "strip": "strip of small pictures",
        }.get(self.pictures, "no pictures")


@dataclass(frozen=True)
class ReportSummary:
    """What was written."""

    path: Path
    """The page."""
    size_bytes: int
    """Its size."""
    clips: tuple[ClipReport, ...]
    """In the order of the page."""
    warnings: tuple[str, ...] = ()
    """What is missing on the page, and why."""


def write_report(
    path: str | Path, records: Sequence[str | Path], options: ReportOptions | None = None
) -> ReportSummary:
    """Write one self-contained page about stored poses; it opens from disk without a network.

    Args:
        path: HTML file to write.
        records: files or folders of poses, any format; several get a selector.
        options: what is shown.

    Raises:
        OSError: records or a clip that was asked for cannot be read; the page cannot be written.
        ValueError: there are no records, they are in no known format, ``options.clip`` is given
            with several, or the clip cannot be shown as asked.
    """
    options, path = options or ReportOptions(), Path(path)
    if not records:
        raise ValueError("a report needs records: name one file of poses or more")
    if options.clip is not None and len(records) > 1:
        raise ValueError(f"one clip was given for {len(records)} records: make one report each")
    elements, reports, warnings = [], [], []
    for number, source in enumerate(records):
        element, report, missing = _clip_elements(number, Path(source), path, options)
        elements.append(element)
        reports.append(report)
        warnings += missing
    more = f" and {len(records) - 1} more" if len(records) > 1 else ""
    title = options.title or reports[0].name + more
    parts = {
        "title": html.escape(title),
        "style": _page_file("page.css"),
        "script": "\n".join(_page_file(name) for name in _SCRIPTS),
        "clips": "\n".join(elements),
    }
    parts["bytes"] = str(sum(len(part.encode()) for part in parts.values()))
    text = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _page_file("page.html"))
    path.parent.mkdir(parents=True, exist_ok=True)
    size = path.write_bytes(text.encode("utf-8"))
    return ReportSummary(path, size, tuple(reports), tuple(warnings))


def find_clip(reader: PoseReader, records: Path) -> Path | None:
    """Return the clip or folder that records name, as named or beside them; None if neither is."""
    return find_clip_file(reader.header.source, records, bool(reader.header.image_names))


def find_clip_file(source: str, records: Path, folder: bool = False) -> Path | None:
    """Return the clip (or folder of pictures) that records name, as :func:`find_clip`.

    Records of single pictures name the first of them: their folder is meant.
    """
    if not source or "://" in source:
        return None
    for candidate in (Path(source), records.parent / source, records.parent / Path(source).name):
        if candidate.resolve() == records.resolve():
            continue
        if folder and candidate.is_file():
            return candidate.parent
        if candidate.is_dir() if folder else candidate.is_file():
            return candidate
    return None


def _clip_elements(
    number: int, records: Path, page: Path, options: ReportOptions
) -> tuple[str, ClipReport, list[str]]:
    """Return the page's elements that hold one clip, and what is to be said about it."""
    hints = options.hints
    if options.clip is not None and options.clip.is_file():
        # Names of pictures number the clip's frames.
        hints = replace(hints, clip_frames=promised_frames(options.clip))
    reader = read_records(records, options.format_name, hints)
    packed = pack_poses(reader, reader.header)
    name = Path(reader.header.source).name or records.name
    clip = options.clip or find_clip(reader, records)
    if clip is not None and clip.is_file():
        check_outputs([page], [clip], overwrite=True)
    warnings = [f"{records}: {note}" for note in notes_of(reader)]
    if clip is None and options.pictures.mode != "none":
        warnings.append(f"{records}: its clip {reader.header.source!r} is not here, no pictures")
    frames = packed.arrays["slot_frame"].tolist()
    pictures = clip_pictures(reader.header, frames, clip, page, options.pictures)
    folder = records if records.is_dir() else records.parent
    timing = _read_timing(folder / SUMMARY_NAME, warnings)
    header = {"records": folder.resolve().name if records.name == RECORDS_NAME else records.name}
    header |= _page_header(name, reader, packed, pictures, timing)
    elements = [
        f'<script type="application/json" class="clip" id="clip-{number}">{_json(header)}</script>',
        f'<script type="text/plain" id="clip-{number}-poses">{packed.blob()}</script>',
    ]
    if pictures.data:
        film = base64.b64encode(pictures.data).decode("ascii")
        elements.append(f'<script type="text/plain" id="clip-{number}-film">{film}</script>')
    identities = sum(track.identity > 0 for track in packed.tracks)
    report = ClipReport(name, packed.frame_count, identities, pictures.mode)
    return "\n".join(elements), report, warnings


def _page_header(
    name: str,
    reader: PoseReader,
    packed: PackedPoses,
    pictures: ClipPictures,
    timing: dict[str, Any],
) -> dict[str, Any]:
    header = reader.header
    return {
        "name": name,
        "source": header.source,
        "width": header.width,
        "height": header.height,
        "fps": header.fps,
        "complete": reader.complete,
        "joints": list(header.skeleton.joints),
        "limbs": [list(limb) for limb in header.skeleton.limbs],
        "skeleton": header.skeleton.name,
        "ticks_per_s": TICKS_PER_S,
        "quantum_px": packed.quantum_px,
        "score_step": packed.score_step,
        "tracks": [[track.identity, track.first_row, track.row_count] for track in packed.tracks],
        "layout": packed.layout(),
        "pictures": {
            "mode": pictures.mode,
            "mime": pictures.mime,
            "address": pictures.address,
            "strip": [picture.to_json() for picture in pictures.strip],
        },
        "timing": timing,
        "angles": page_angles(header.skeleton),
    }


def _read_timing(path: Path, warnings: list[str]) -> dict[str, Any]:
    """Return the times in the summary beside the records; empty, with a word, if they are none."""
    if not path.is_file():
        return {}
    try:
        timing: dict[str, Any] = dict(load_json(path).get("timing") or {})
        if timing.get("stages"):
            rows = [(timing, _RUN_TIMES), *((stage, _STAGE_TIMES) for stage in timing["stages"])]
            numbers = [row[name] for row, names in rows for name in names]
            if not all(isinstance(number, int | float) for number in numbers):
                raise ValueError("a time is no number")
            json.dumps(timing, allow_nan=False)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        warnings.append(f"{path} holds no times of a run, no stage table: {error}")
        return {}
    return timing


def _page_file(name: str) -> str:
    return resources.files("rmpe.report").joinpath(name).read_text(encoding="utf-8")


def _json(item: Any) -> str:
    """Return JSON that may stand inside a script element, whatever its texts say."""
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")
