"""The presets as a table: what each finds, how good it was published to be, and what it weighs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rmpe.skeletons import get_skeleton
from rmpe.zoo.bundled import BUNDLED
from rmpe.zoo.catalogue import OPENMMLAB_ADDRESS
from rmpe.zoo.conventions import CONVENTIONS
from rmpe.zoo.download import FetchOptions
from rmpe.zoo.presets import PRESETS, Preset

HEADER = ("preset", "joints", "detector", "published", "licence", "MB", "what it is")
MARKDOWN_HEADER = (
    *("Preset", "What it is", "Joints", "Detector", "Published", "Source", "Licence"),
    *("MB", "ms torch", "ms OpenVINO"),
)
_BUNDLED_MB = {"compact": "5", "compact-accurate": "12"}


@dataclass(frozen=True)
class CropTime:
    """Processor milliseconds of one crop, measured with random weights."""

    torch: float
    """With torch."""
    openvino: float
    """With OpenVINO."""


def render_presets(options: FetchOptions) -> list[str]:
    """One line for each preset under a heading, ``*`` before those that need no fetching."""
    rows = [("", *HEADER)]
    for preset in PRESETS.values():
        row = _facts(preset)
        here = _is_here(preset, options)
        rows.append(
            (
                *("*" if here else "", preset.name, row.joints, row.detector, row.published),
                *(row.licence, row.megabytes, preset.summary),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]


def _is_here(preset: Preset, options: FetchOptions) -> bool:
    """Whether the pose network needs no fetching."""
    entry = preset.entry
    if entry is None:
        return True
    if entry.is_hub:
        from rmpe.zoo.hugging_face import is_in_hubs_cache

        return is_in_hubs_cache(entry.name)
    return (options.cache_dir / entry.file_name).is_file()


def render_markdown(times: Mapping[str, CropTime]) -> list[str]:
    """The lines of the table of docs/models.md."""
    lines = [_line(MARKDOWN_HEADER), _line(["---"] * 7 + ["---:"] * 3)]
    for preset in PRESETS.values():
        row, time = _facts(preset), times.get(preset.name)
        lines.append(
            _line(
                (
                    *(f"`{preset.name}`", preset.summary, row.joints, row.detector, row.published),
                    *(row.source, row.licence, row.megabytes),
                    f"{time.torch:.1f}" if time else "-",
                    f"{time.openvino:.1f}" if time else "-",
                )
            )
        )
    return lines


@dataclass(frozen=True)
class _Facts:
    joints: str
    detector: str
    published: str
    source: str
    licence: str
    megabytes: str


def _facts(preset: Preset) -> _Facts:
    entry = preset.entry
    detector = preset.detector.partition(":")[2].partition("_8xb")[0] or preset.detector
    detector = detector.rpartition("/")[2]
    if entry is None:
        skeleton = CONVENTIONS["compact"].skeleton
        return _Facts(
            *(f"{skeleton.joint_count} ({skeleton.name})", detector, "-", "docs/compact.md"),
            *("Apache-2.0", _BUNDLED_MB[preset.network]),
        )
    count = get_skeleton(entry.skeleton_name).joint_count
    if entry.is_hub:
        page = "ViTPose's page"
    else:
        assert entry.address.startswith(OPENMMLAB_ADDRESS)
        page = "mmpose, RTMPose page" if "/projects/" in entry.address else "mmpose, model zoo"
    return _Facts(
        *(f"{count} ({entry.skeleton_name})", detector, f"{entry.score * 100:.1f} {entry.metric}"),
        *(page, entry.licence, str(entry.megabytes or "-")),
    )


def networks_of(presets: Iterable[Preset]) -> list[Preset]:
    """The presets whose network can be built without its file, in order."""
    return [
        preset
        for preset in presets
        if preset.network in BUNDLED or (preset.entry is not None and not preset.entry.is_onnx)
    ]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
