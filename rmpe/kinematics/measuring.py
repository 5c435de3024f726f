"""From stored poses to angles, places, speeds, distances and steps of every person of a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rmpe.formats import PoseReader, read_records
from rmpe.kinematics._gait import FootEvent, GaitFacts, foot_events, gait_facts
from rmpe.kinematics._options import MeasureOptions
from rmpe.kinematics.angles import ANGLES, angle_values, facing_left, measured_angles
from rmpe.kinematics.cleaning import fill_gaps, hampel, repair_swaps
from rmpe.kinematics.filters import Filter, derivative
from rmpe.kinematics.metres import MetricPlane, find_floor, height_in_px
from rmpe.kinematics.trajectories import (
    Trajectory,
    choose_people,
    frame_rate,
    is_constant_rate,
    read_trajectories,
)

FloatArray = NDArray[np.float64]
_AXES = frozenset(angle.name for angle in ANGLES if angle.axis)
# Feet of somebody who does not walk across the picture rise and sink more than a floor does.
_STEEP_FLOOR_DEG = 15.0
Kind = Literal["joint_angle", "segment_angle", "position", "speed", "distance"]


@dataclass(frozen=True, eq=False)
class Series:
    """One quantity over time; NaN where it is unknown."""

    name: str
    """``left_knee``; of a position ``left_knee_x``."""
    kind: Kind
    """What it is."""
    unit: str
    """deg, px, m, px/s or m/s."""
    values: FloatArray
    """Cleaned and filtered, (F,)."""
    raw: FloatArray
    """As found, in the same unit, (F,)."""
    velocity: FloatArray
    """Change a second, (F,)."""
    acceleration: FloatArray
    """Change of the velocity a second, (F,)."""

    @property
    def column(self) -> str:
        """Its name in a wide table: name, kind where two share a name, and unit."""
        kind = {"segment_angle": "_segment", "speed": "_speed"}.get(self.kind, "")
        return f"{self.name}{kind}_{self.unit.replace('/', '_per_')}"


@dataclass(frozen=True, eq=False)
class PersonMeasures:
    """Everything measured of one person."""

    person: Trajectory
    """The person, cleaned and filtered, in pixels."""
    raw: Trajectory
    """The person as found, in pixels."""
    places: FloatArray
    """Joints: metres, X along the floor and Y upwards; or pixels of the picture, (F, K, 2)."""
    series: tuple[Series, ...]
    """Angles, positions, speeds and distances."""
    events: tuple[FootEvent, ...]
    """When feet meet and leave the floor."""
    gait: GaitFacts
    """Means of the strides."""
    faces_left: NDArray[np.bool_]
    """Frames in which the person faces left, (F,)."""
    repaired: dict[str, int]
    """How often sides were swapped back, outliers replaced and gaps filled."""

    @property
    def time_s(self) -> FloatArray:
        """Time of each frame, (F,)."""
        return self.person.time_s

    def of_kind(self, *kinds: Kind) -> list[Series]:
        """Return the series of some kinds."""
        return [one for one in self.series if one.kind in kinds]

    def named(self, name: str, kind: Kind = "joint_angle") -> Series:
        """Return one series; ``ValueError`` lists those of its kind."""
        for one in self.of_kind(kind):
            if one.name == name:
                return one
        there = ", ".join(one.name for one in self.of_kind(kind)) or "none"
        raise ValueError(f"there is no {kind} {name!r}; there are {there}")


@dataclass(frozen=True, eq=False)
class ClipMeasures:
    """Everything measured in one clip."""

    source: str
    """The clip that the records name."""
    plane: MetricPlane
    """How pixels became the unit."""
    unit: str
    """Unit of lengths: px or m."""
    people: tuple[PersonMeasures, ...]
    """The people asked for, by id; nobody in a clip without people."""
    boxes: Mapping[int, NDArray[np.float32]]
    """Everybody's boxes by frame index, corners in pixels, (N, 4); frames without people lack."""
    warnings: tuple[str, ...]
    """What was guessed or left out."""


def measure_clip(
    records: PoseReader | str | Path, options: MeasureOptions | None = None
) -> ClipMeasures:
    """Return what the people of a clip do, measured from its stored poses.

    Args:
        records: what :func:`rmpe.read_records` returns, or the path that it takes; people need
            identities unless there is one.
        options: what is cleaned and measured.

    Raises:
        OSError: the path cannot be read.
        ValueError: there is no such person, joints that are asked for are missing, people have no
            identities, or a scale or the floor cannot be told from what is there.
    """
    options = options or MeasureOptions()
    if isinstance(records, (str, Path)):
        records = read_records(records)
    everybody, boxes = read_trajectories(records, options.min_score, options.fps, options.max_gap)
    chosen = choose_people(everybody, str(options.person))
    warnings: list[str] = []
    cleaned = [_cleaned(person, options, warnings) for person in chosen]
    if chosen and not measured_angles(chosen[0]):
        warnings.append(f"no angle can be told from the joints of {records.header.skeleton.name}")
    plane = _plane([person for person, _ in cleaned], options, warnings)
    unit = "m" if options.metric else "px"
    people = tuple(
        _measured(raw, person, repaired, plane, unit, options)
        for raw, (person, repaired) in zip(chosen, cleaned)
    )
    return ClipMeasures(records.header.source, plane, unit, people, boxes, tuple(warnings))


def _usual_filter(person: Trajectory, warnings: list[str]) -> Filter:
    """Return the filter of a person for whom none was chosen."""
    usual = Filter.from_text("butterworth")
    rate = frame_rate(person.time_s)
    if rate > 2 * usual.values[0] or not rate:
        return usual
    warning = (
        f"joints are not filtered: {rate:g} frames a second are too few for {usual}; "
        "another filter may be chosen (--filter)"
    )
    if warning not in warnings:
        warnings.append(warning)
    return Filter("none")


def _cleaned(
    raw: Trajectory, options: MeasureOptions, warnings: list[str]
) -> tuple[Trajectory, dict[str, int]]:
    """Return a person repaired and filtered, and what was repaired."""
    person, swaps, wild, filled = raw, 0, 0, 0
    if not np.isfinite(raw.points_xy).any():
        warnings.append(
            f"person {raw.identity}: no joint scores {options.min_score:g}, nothing is known"
        )
    if options.repair_swaps:
        person, swaps = repair_swaps(person)
    points = person.points_xy
    if options.outliers:
        points, wild = hampel(points)
    points, filled = fill_gaps(points, person.time_s, options.max_gap)
    smoothing = options.chosen_filter() or _usual_filter(person, warnings)
    points = smoothing.apply(points, person.time_s)
    if smoothing.name != "none" and not is_constant_rate(person.time_s):
        warnings.append(
            f"person {raw.identity}: frames are not equally far apart; joints were brought to a "
            "constant rate for the filter and back"
        )
    return person.with_points(points), {
        "swaps": swaps,
        "outliers": wild // 2 + wild % 2,
        "filled": filled // 2,
    }


def _plane(
    people: Sequence[Trajectory], options: MeasureOptions, warnings: list[str]
) -> MetricPlane:
    """Return the scale, origin and floor of a clip."""
    px_per_m = 1.0
    if options.person_height_m and people:
        px_per_m = height_in_px(people[0]) / options.person_height_m
        if len(people) > 1:
            warnings.append(
                f"the scale is that of person {people[0].identity}; people nearer or farther "
                "are measured wrongly"
            )
    elif options.known_length is not None:
        px_per_m = options.known_length.pixels / options.known_length.metres
    elif options.px_per_m:
        px_per_m = options.px_per_m
    if not people or not (options.metric or options.floor_deg is None):
        return MetricPlane(px_per_m, floor_deg=options.floor_deg or 0.0)
    # Without a scale a standing foot is told by the speed that 1 m/s has for a person of 1.7 m.
    scale = px_per_m if options.metric else height_in_px(people[0]) / 1.7
    try:
        floor = find_floor(people[0], scale)
    except ValueError as error:
        if options.floor_deg is None:
            raise
        warnings.append(f"heights count from the picture's top: {error}")
        return MetricPlane(px_per_m, floor_deg=options.floor_deg)
    if options.floor_deg is None:
        warnings.append(f"the floor lies at {floor.angle_deg:.2f} degrees by the feet")
        if abs(floor.angle_deg) > _STEEP_FLOOR_DEG:
            warnings.append(
                "so steep a floor is rarely true: somebody who comes nearer or walks off looks "
                "like it; give its angle, or measure a person who walks across the picture"
            )
        return MetricPlane(px_per_m, (0.0, floor.level_px), floor.angle_deg)
    return MetricPlane(px_per_m, (0.0, floor.level_px), options.floor_deg)


def _measured(
    raw: Trajectory,
    person: Trajectory,
    repaired: dict[str, int],
    plane: MetricPlane,
    unit: str,
    options: MeasureOptions,
) -> PersonMeasures:
    faces_left = facing_left(person, options.facing)
    time_s = person.time_s
    places, raw_places = person.points_xy, raw.points_xy
    if options.metric:
        places, raw_places = plane.convert(places), plane.convert(raw_places)
    series = [
        _series(
            time_s,
            angle.name,
            angle.kind,
            "deg",
            angle_values(angle, person, faces_left, plane.floor_deg),
            angle_values(angle, raw, faces_left, plane.floor_deg),
        )
        for angle in measured_angles(person)
    ]
    for place, joint in enumerate(person.joints):
        own, found = places[:, place], raw_places[:, place]
        for axis, letter in enumerate("xy"):
            name = f"{joint}_{letter}"
            series.append(_series(time_s, name, "position", unit, own[:, axis], found[:, axis]))
        speeds = [np.linalg.norm(derivative(part, time_s), axis=-1) for part in (own, found)]
        series.append(_series(time_s, joint, "speed", f"{unit}/s", speeds[0], speeds[1]))
    for first, second in options.distances:
        for joint in (first, second):
            if not person.has(joint):
                there = ", ".join(person.joints)
                raise ValueError(f"there is no joint {joint!r}; there are {there}")
        a, b = person.place(first), person.place(second)
        lengths = [
            np.linalg.norm(part[:, a] - part[:, b], axis=-1) for part in (places, raw_places)
        ]
        name = f"{first}-{second}"
        series.append(_series(time_s, name, "distance", unit, lengths[0], lengths[1]))
    events = foot_events(person, places, faces_left)
    return PersonMeasures(
        person, raw, places, tuple(series), tuple(events), gait_facts(events), faces_left, repaired
    )


def _series(
    time_s: FloatArray, name: str, kind: Kind, unit: str, values: FloatArray, raw: FloatArray
) -> Series:
    if kind in ("joint_angle", "segment_angle"):
        # Both were unwrapped on their own; the raw one is shown beside the filtered one.
        period = 180.0 if name in _AXES else 360.0
        turns = np.round((raw - values) / period)
        raw = raw - np.nan_to_num(turns) * period
    velocity = derivative(values, time_s)
    return Series(name, kind, unit, values, raw, velocity, derivative(velocity, time_s))
