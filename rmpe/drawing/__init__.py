"""Draw people on pictures: limbs, joints, boxes, ids, trails; on the clip, on a colour, on nothing.

:func:`draw_poses` draws one frame; a :class:`FramePainter` does what a :class:`Look` says over a
whole clip.
"""

from rmpe.drawing._painter import FramePainter
from rmpe.drawing.colours import Palette, colour_of_id
from rmpe.drawing.look import Background, DrawingStyle, LimbStyle, Look
from rmpe.drawing.people import draw_poses

__all__ = [
    "Background",
    "DrawingStyle",
    "FramePainter",
    "LimbStyle",
    "Look",
    "Palette",
    "colour_of_id",
    "draw_poses",
]
