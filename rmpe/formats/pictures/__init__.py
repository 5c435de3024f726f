"""Which picture of a clip a record belongs to: the one rule for every command that reads poses.

Files of poses call their pictures by a name (``frame_000012.jpg``) or a number (12). The rule:

1. Pictures are known (a folder, an annotation): a record belongs to the picture of the same name;
   else of the same file name, the same name without its ending, the same number at its end. Names
   of a video's frames (``12.jpg``) count places. A record that fits no picture is refused.
2. A clip is known: the number at the end of the name is the frame. Numbers count from 0; from 1
   where the highest number is the number of frames.
3. Nothing is known. ``12.jpg``, as AlphaPose calls a video's frames, is frame 12. Names that differ
   only in a number at their end are a series, and numbers left out are frames without people.
   Other names are pictures in the order they came in. All names are kept.

What is guessed is said in ``notes``.
"""

from rmpe.formats.pictures._matching import match_pictures
from rmpe.formats.pictures._names import (
    PictureKey,
    natural_order,
    picture_number,
    picture_of_stem,
    unique_stems,
)
from rmpe.formats.pictures._placed import PlacedReader
from rmpe.formats.pictures._placing import are_close, frames_of_clip, place_pictures

__all__ = [
    "PictureKey",
    "PlacedReader",
    "are_close",
    "frames_of_clip",
    "match_pictures",
    "natural_order",
    "picture_number",
    "picture_of_stem",
    "place_pictures",
    "unique_stems",
]
