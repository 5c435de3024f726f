"""Draw people on pictures: limbs, joints, boxes, ids, trails; on the clip, on a colour, on nothing.

:func:`draw_poses` draws one frame; a :class:`FramePainter` does what a :class:`Look` says over a
whole clip.
"""

from rmpe.drawing._colours import LEFT, MIDDLE, NO_ID, PALETTES, RIGHT, Palette, colour_of_id
from rmpe.drawing.look import BACKGROUNDS, Background, DrawingStyle, LimbStyle, Look
from rmpe.drawing.painter import FramePainter
from rmpe.drawing.people import draw_poses, limb_thickness

__all__ = [
    "BACKGROUNDS",
    "LEFT",
    "MIDDLE",
    "NO_ID",
    "PALETTES",
    "RIGHT",
    "Background",
    "DrawingStyle",
    "FramePainter",
    "LimbStyle",
    "Look",
    "Palette",
    "colour_of_id",
    "draw_poses",
    "limb_thickness",
]
