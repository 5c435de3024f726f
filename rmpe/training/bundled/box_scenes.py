"""Training scenes for the detector: views, mosaics and pasted people made from box pictures.

A scene carries, beside picture and boxes, a *background weight* for each cell of 8x8 pixels: 1
where the absence of a box means background, 0 where nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rmpe.geometry.boxes import clip_boxes, grow_boxes
from rmpe.training.bundled._box_scene import (
    CELL,
    GREY,
    BoxScene,
    colour_jitter,
    feather,
    mark,
    render_view,
    resize,
    without_covered,
)
from rmpe.training.bundled.person_boxes import PersonPicture

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]


@dataclass(frozen=True)
class SceneRecipe:
    """How scenes are drawn."""

    source_shares: Mapping[str, float] = field(
        default_factory=lambda: {
            "coco128": 0.32,
            "street": 0.22,
            "empty": 0.10,
            "lspet": 0.20,
            "flickr_people": 0.04,
            "synthetic": 0.12,
        }
    )
    """How often each source is drawn for a view or a mosaic tile."""
    mosaic_share: float = 0.4
    """Share of scenes made of four tiles."""
    paste_share: float = 0.25
    """Share of scenes with people pasted on a picture."""
    smallest_px: float = 20.0
    """Shortest longer side of the box that a view is built around."""
    largest_zoom: float = 2.0
    """Pictures are not enlarged more than this."""
    least_visible: float = 0.35
    """A box of which less remains visible becomes unknown."""


class SceneMaker:
    """Draws scenes from lists of pictures.

    Raises:
        ValueError: no picture belongs to any source of the recipe.
    """

    def __init__(self, pictures: Sequence[PersonPicture], recipe: SceneRecipe = SceneRecipe()):
        self.recipe = recipe
        self._by_source: dict[str, list[PersonPicture]] = {}
        for picture in pictures:
            teaches = picture.complete or len(picture.boxes_xyxy) > 0
            if teaches and recipe.source_shares.get(picture.source, 0) > 0:
                self._by_source.setdefault(picture.source, []).append(picture)
        if not self._by_source:
            raise ValueError("no picture belongs to a source of the recipe")
        self._people = [p for p in pictures if len(p.boxes_xyxy)]
        self._grounds = [p for p in pictures if p.complete]
        self._empty = [p for p in self._grounds if not len(p.boxes_xyxy)]

    def draw(self, side: int, random: np.random.Generator) -> BoxScene:
        """Make one square scene of ``side`` pixels, a multiple of 32."""
        choice = random.random()
        if choice < self.recipe.mosaic_share:
            scene = self._mosaic(side, random)
        elif choice < self.recipe.mosaic_share + self.recipe.paste_share and self._grounds:
            scene = self._paste(side, random)
        else:
            scene = self._view(self._pick(random), side, side, random)
        return BoxScene(
            colour_jitter(scene.image_bgr, random), scene.boxes_xyxy, scene.background_weight
        )

    def _pick(self, random: np.random.Generator) -> PersonPicture:
        sources = sorted(self._by_source)
        shares = np.array([self.recipe.source_shares[source] for source in sources])
        source = sources[int(random.choice(len(sources), p=shares / shares.sum()))]
        return self._by_source[source][int(random.integers(len(self._by_source[source])))]

    def _view(
        self, picture: PersonPicture, width: int, height: int, random: np.random.Generator
    ) -> BoxScene:
        """Show the picture at a random scale and place, one of its people (if any) in sight."""
        image = picture.load()
        rows, columns = image.shape[:2]
        cover = max(width / columns, height / rows)
        if len(picture.boxes_xyxy):
            box = picture.boxes_xyxy[int(random.integers(len(picture.boxes_xyxy)))]
            longer = max(float(box[2] - box[0]), float(box[3] - box[1]), 4.0)
            largest = 1.15 * max(width, height)
            target = math.exp(random.uniform(math.log(self.recipe.smallest_px), math.log(largest)))
            zoom = float(np.clip(target / longer, 0.6 * cover, self.recipe.largest_zoom))
            focus = (box[:2] + box[2:]) / 2
        else:
            zoom = cover * math.exp(random.uniform(math.log(0.7), math.log(2.0)))
            focus = random.uniform(0.2, 0.8, 2) * (columns, rows)
        squeeze = math.exp(random.normal(0, 0.08))
        scale = np.array([zoom * squeeze, zoom / squeeze])
        place = random.uniform(0.1, 0.9, 2) * (width, height)
        offset = _keep_filled(place - focus * scale, scale, (columns, rows), (width, height))
        mirrored = bool(random.random() < 0.5)
        return render_view(
            picture, image, scale, offset, (width, height), mirrored, self.recipe.least_visible
        )

    def _mosaic(self, side: int, random: np.random.Generator) -> BoxScene:
        cells = side // CELL
        split_x, split_y = random.integers(int(cells * 0.3), int(cells * 0.7) + 1, 2) * CELL
        image = np.full((side, side, 3), GREY, np.uint8)
        weight = np.ones((cells, cells), np.float32)
        boxes = []
        for left, right in ((0, split_x), (split_x, side)):
            for top, bottom in ((0, split_y), (split_y, side)):
                tile = self._view(self._pick(random), right - left, bottom - top, random)
                image[top:bottom, left:right] = tile.image_bgr
                span_y, span_x = (
                    slice(top // CELL, bottom // CELL),
                    slice(left // CELL, right // CELL),
                )
                weight[span_y, span_x] = tile.background_weight
                boxes.append(tile.boxes_xyxy + np.array([left, top, left, top], np.float32))
        return BoxScene(image, np.concatenate(boxes), weight)

    def _paste(self, side: int, random: np.random.Generator) -> BoxScene:
        """Put cut-out rectangles with one person each, and some without, on a complete picture."""
        grounds = self._empty if self._empty and random.random() < 0.6 else self._grounds
        ground = self._view(grounds[int(random.integers(len(grounds)))], side, side, random)
        image, weight = ground.image_bgr.copy(), ground.background_weight.copy()
        boxes = ground.boxes_xyxy
        for _ in range(int(random.integers(1, 6))):
            if self._empty and random.random() < 0.3:
                source = self._empty[int(random.integers(len(self._empty)))]
                picture = source.load()
                extent = np.array([picture.shape[1], picture.shape[0]])
                corner = random.uniform(0, 0.6, 2) * extent
                region = np.concatenate([corner, corner + random.uniform(0.2, 0.4, 2) * extent])
                person = None
            else:
                source = self._people[int(random.integers(len(self._people)))]
                picture = source.load()
                person = source.boxes_xyxy[int(random.integers(len(source.boxes_xyxy)))]
                region = grow_boxes(person, float(random.uniform(1.02, 1.3)))
            boxes = self._paste_one(
                image, weight, boxes, picture, region.astype(np.float32), person, random
            )
        return BoxScene(image, boxes, weight)

    def _paste_one(
        self,
        image: ImageArray,
        weight: FloatArray,
        boxes: FloatArray,
        picture: ImageArray,
        region: FloatArray,
        person: FloatArray | None,
        random: np.random.Generator,
    ) -> FloatArray:
        """Blend ``region`` of ``picture`` into ``image``; return the boxes afterwards."""
        side = image.shape[0]
        x1, y1, x2, y2 = clip_boxes(region, picture.shape[1], picture.shape[0]).round().astype(int)
        if x2 - x1 < 8 or y2 - y1 < 8:
            return boxes
        cut = picture[y1:y2, x1:x2]
        target = math.exp(random.uniform(math.log(28), math.log(0.9 * side)))
        zoom = min(target / max(cut.shape[:2]), self.recipe.largest_zoom)
        width, height = (max(int(n * zoom), 8) for n in (cut.shape[1], cut.shape[0]))
        if width > side or height > side:
            return boxes
        cut = resize(cut, width, height)
        if random.random() < 0.5:
            cut = cut[:, ::-1]
            mirror_axis = x1 + x2
        else:
            mirror_axis = None
        left, top = (int(random.integers(0, side - n + 1)) for n in (width, height))
        alpha = feather(width, height)
        target_area = image[top : top + height, left : left + width]
        target_area[:] = (cut * alpha + target_area * (1 - alpha)).astype(np.uint8)
        span_y = slice(top // CELL, -(-(top + height) // CELL))
        span_x = slice(left // CELL, -(-(left + width) // CELL))
        pasted = np.array([left, top, left + width, top + height], np.float32)
        boxes, lost = without_covered(boxes, pasted, self.recipe.least_visible)
        mark(weight, lost, 0.0)
        if person is None:
            weight[span_y, span_x] = 1.0
            return boxes
        weight[span_y, span_x] = 0.0
        if mirror_axis is not None:
            turned = [mirror_axis - person[2], person[1], mirror_axis - person[0], person[3]]
            person = np.array(turned, np.float32)
        factor = np.array([width / (x2 - x1), height / (y2 - y1)] * 2)
        placed = (person - np.array([x1, y1, x1, y1])) * factor + np.array([left, top, left, top])
        placed = clip_boxes(placed[None], side, side)
        mark(weight, placed, 1.0)
        return np.concatenate([boxes, placed])


def _keep_filled(
    offset: NDArray[np.float64],
    scale: NDArray[np.float64],
    picture: tuple[int, int],
    canvas: tuple[int, int],
) -> NDArray[np.float64]:
    """Shift a picture back until it fills the canvas, or lies inside it where it is smaller."""
    slack = np.array(canvas) - np.array(picture) * scale
    return np.clip(offset, np.minimum(slack, 0), np.maximum(slack, 0))
