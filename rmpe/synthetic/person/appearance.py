"""How a person looks: skin, hair, clothes; and the random choice of them."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person.body import Proportions

T = TypeVar("T")
FloatArray = npt.NDArray[np.float64]
Colour = tuple[float, float, float]
Pattern = Literal["plain", "hoops", "stripes", "checks", "print", "two_tone"]
HairStyle = Literal["short", "long", "bun", "bald", "cap", "beanie"]
Bottoms = Literal["trousers", "shorts", "skirt", "dress", "coat"]

SKIN_TONES: tuple[Colour, ...] = (
    (178, 203, 240),
    (150, 184, 229),
    (130, 164, 214),
    (108, 143, 198),
    (84, 118, 172),
    (66, 92, 141),
    (52, 72, 112),
    (40, 54, 86),
)
HAIR_COLOURS: tuple[Colour, ...] = (
    (22, 24, 28),
    (28, 36, 50),
    (34, 54, 86),
    (52, 84, 122),
    (96, 150, 190),
    (140, 148, 152),
)


@dataclass(frozen=True)
class Appearance:
    """Colours (BGR 0..255) and clothes of one person."""

    skin: Colour = SKIN_TONES[2]
    hair: Colour = HAIR_COLOURS[1]
    hair_style: HairStyle = "short"
    hat: Colour = (60, 60, 150)
    top: Colour = (170, 90, 50)
    top_accent: Colour = (230, 230, 230)
    top_pattern: Pattern = "plain"
    sleeve: float = 0.45
    """Where the sleeve ends: 0 shoulder, 1 elbow, 2 wrist."""
    bottom: Colour = (90, 60, 40)
    bottoms: Bottoms = "trousers"
    shoes: Colour = (40, 40, 40)
    sole: Colour = (220, 220, 220)
    backpack: Colour | None = None
    beard: bool = False
    glasses: bool = False
    looseness: float = 1.1
    """Width of the clothes relative to the body."""
    fold_seed: int = 0
    """Seed of the folds in the cloth."""


def random_proportions(rng: np.random.Generator) -> Proportions:
    """An adult or, now and then, a child."""
    if rng.random() < 0.12:
        return Proportions(
            stature=float(rng.uniform(1.05, 1.45)),
            girth=float(rng.uniform(0.9, 1.15)),
            leg_scale=float(rng.uniform(0.94, 0.99)),
            head_scale=float(rng.uniform(1.15, 1.3)),
        )
    return Proportions(
        stature=float(np.clip(rng.normal(1.71, 0.085), 1.5, 1.95)),
        girth=float(np.clip(rng.normal(1.03, 0.12), 0.82, 1.4)),
        leg_scale=float(rng.uniform(0.96, 1.04)),
        arm_scale=float(rng.uniform(0.96, 1.04)),
        shoulder_scale=float(rng.uniform(0.9, 1.1)),
        hip_scale=float(rng.uniform(0.92, 1.12)),
        head_scale=float(rng.uniform(0.95, 1.05)),
    )


def random_appearance(rng: np.random.Generator) -> Appearance:
    """Everyday clothes in everyday colours."""
    bottoms: Bottoms = _choose(
        rng, ("trousers", "shorts", "skirt", "dress", "coat"), (0.6, 0.18, 0.08, 0.06, 0.08)
    )
    pattern: Pattern = _choose(
        rng,
        ("plain", "hoops", "stripes", "checks", "print", "two_tone"),
        (0.48, 0.12, 0.06, 0.08, 0.16, 0.1),
    )
    style: HairStyle = _choose(
        rng, ("short", "long", "bun", "bald", "cap", "beanie"), (0.46, 0.26, 0.08, 0.06, 0.08, 0.06)
    )
    short_sleeve = float(rng.uniform(0.3, 0.75))
    sleeve = 1.95 if bottoms == "coat" or rng.random() < 0.5 else short_sleeve
    return Appearance(
        skin=_jitter(rng, SKIN_TONES[rng.integers(len(SKIN_TONES))], 8.0),
        hair=_jitter(rng, HAIR_COLOURS[rng.integers(len(HAIR_COLOURS))], 6.0),
        hair_style=style,
        hat=random_cloth_colour(rng),
        top=random_cloth_colour(rng),
        top_accent=random_cloth_colour(rng),
        top_pattern=pattern,
        sleeve=sleeve,
        bottom=random_bottom_colour(rng),
        bottoms=bottoms,
        shoes=random_bottom_colour(rng) if rng.random() < 0.6 else (225.0, 228.0, 230.0),
        sole=(225.0, 225.0, 225.0) if rng.random() < 0.6 else (30.0, 30.0, 30.0),
        backpack=random_cloth_colour(rng) if rng.random() < 0.15 else None,
        beard=bool(style != "long" and rng.random() < 0.2),
        glasses=bool(rng.random() < 0.15),
        looseness=float(rng.uniform(1.02, 1.22)),
        fold_seed=int(rng.integers(1 << 30)),
    )


def random_cloth_colour(rng: np.random.Generator) -> Colour:
    """BGR of a top: a third grey tones, else a hue of middling saturation."""
    if rng.random() < 0.35:
        value = float(rng.uniform(25.0, 235.0))
        return _jitter(rng, (value, value, value), 6.0)
    return _from_hsv(rng.random(), rng.uniform(0.25, 0.85), rng.uniform(0.3, 0.9))


def random_bottom_colour(rng: np.random.Generator) -> Colour:
    """BGR of trousers or shoes: mostly dark, denim or sand."""
    kind = rng.random()
    if kind < 0.4:
        value = float(rng.uniform(22.0, 75.0))
        return _jitter(rng, (value, value, value), 5.0)
    if kind < 0.75:
        return _from_hsv(rng.uniform(0.57, 0.64), rng.uniform(0.3, 0.65), rng.uniform(0.25, 0.65))
    if kind < 0.9:
        return _from_hsv(rng.uniform(0.07, 0.13), rng.uniform(0.2, 0.5), rng.uniform(0.45, 0.8))
    return random_cloth_colour(rng)


def top_colours(appearance: Appearance, across: FloatArray, along: FloatArray) -> FloatArray:
    """Colours (..., 3) of a top at `across` (angle about the body, 0..2 pi) and `along` (metres
    from the neck down)."""
    base = np.array(appearance.top)
    accent = np.array(appearance.top_accent)
    across, along = np.broadcast_arrays(across, along)
    mask = np.zeros(across.shape, dtype=bool)
    if appearance.top_pattern == "hoops":
        mask = np.floor(along / 0.055) % 2 == 0
    elif appearance.top_pattern == "stripes":
        mask = np.floor(across / (2.0 * np.pi) * 20.0) % 2 == 0
    elif appearance.top_pattern == "checks":
        mask = (np.floor(along / 0.05) + np.floor(across / (2.0 * np.pi) * 12.0)) % 2 == 0
        accent = 0.6 * accent + 0.4 * base
    elif appearance.top_pattern == "print":
        mask = (np.abs(across - np.pi / 2) < 0.75) & (np.abs(along - 0.2) < 0.09)
    elif appearance.top_pattern == "two_tone":
        mask = np.asarray(along < 0.16)
    return np.asarray(np.where(mask[..., None], accent, base))


@lru_cache(maxsize=1024)
def fold_shade(shape: tuple[int, int], seed: int, strength: float) -> FloatArray:
    """Light and dark of cloth folds, (rows, columns) factors about 1, the same for the same
    seed."""
    rng = np.random.default_rng(seed)
    rows = np.arange(shape[0])[:, None] / shape[0]
    columns = np.arange(shape[1])[None, :] * 2.0 * np.pi / shape[1]
    shade = np.zeros(shape)
    for _ in range(4):
        wave = rng.integers(1, 5) * columns + rng.uniform(4.0, 22.0) * rows + rng.uniform(0.0, 6.28)
        shade += np.sin(wave + 1.5 * np.sin(rng.uniform(3.0, 9.0) * rows + columns))
    factors: FloatArray = 1.0 + strength * (shade / 4.0 + 0.18 * rng.normal(size=shape))
    factors.flags.writeable = False
    return factors


def _from_hsv(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(float(hue), float(saturation), float(value))
    return 255.0 * blue, 255.0 * green, 255.0 * red


def _jitter(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    blue, green, red = np.clip(np.array(colour) + rng.normal(0.0, spread, 3), 8.0, 250.0)
    return float(blue), float(green), float(red)


def _choose(rng: np.random.Generator, options: tuple[T, ...], weights: tuple[float, ...]) -> T:
    return options[int(rng.choice(len(options), p=weights))]
