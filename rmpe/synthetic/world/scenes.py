"""Scenes of moving people seen by a camera, with the truth about every frame.

    scene = walkers_scene(count=5, width=960, height=540, seed=1)     # rmpe.synthetic.world.clips
    frame = scene.frame_at(0)
    frame.image_bgr, frame.boxes_xyxy, frame.keypoints_xy, frame.visible, frame.ids

Everything is a function of the scene and the frame's number: frames can be made in any order and
come out the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person.body import PosedBody
from rmpe.synthetic.person.motion import Motion
from rmpe.synthetic.person.people import PersonModel
from rmpe.synthetic.world.backdrop import Backdrop
from rmpe.synthetic.world.camera import Camera
from rmpe.synthetic.world.rendering import Layer, Light, cast_shadow, paste_layer, render_mesh

BoolArray = npt.NDArray[np.bool_]
UintArray = npt.NDArray[np.uint8]

JOINT_COUNT = 19


@dataclass(frozen=True)
class SyntheticFrame:
    """A picture and the truth about its N people, the nearest last.

    A person is listed while any of them is inside the picture, also when others hide them.
    """

    index: int
    timestamp_s: float
    image_bgr: UintArray
    """(height, width, 3)."""
    boxes_xyxy: npt.NDArray[np.float32]
    """(N, 4) pixels: outline of the whole person, hidden parts too, cut at the picture's edge."""
    keypoints_xy: npt.NDArray[np.float32]
    """(N, 19, 2) pixels in the order of "coco19"; true also where a joint is hidden or outside the
    picture."""
    visible: BoolArray
    """(N, 19): inside the picture, not behind another person and not behind the person's own
    body."""
    in_picture: BoolArray
    """(N, 19): inside the picture, hidden or not."""
    ids: npt.NDArray[np.int64]
    """(N,) from 1, the same person in every frame."""
    visible_fraction: npt.NDArray[np.float32]
    """(N,) share of a person that is inside the picture and not behind others, 0..1."""

    def select(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> SyntheticFrame:
        """The same picture with the people at `chosen` (index array or mask) only."""
        names = ("boxes_xyxy", "keypoints_xy", "visible", "in_picture", "ids", "visible_fraction")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Actor:
    """One person of a scene and what they do."""

    id: int
    model: PersonModel
    motion: Motion


@dataclass(frozen=True)
class Pan:
    """Turning of the camera to and fro."""

    amplitude: float = 0.0
    """Greatest turn to either side, radians."""
    period_s: float = 6.0
    """Duration of one whole turn to and fro, seconds."""

    def yaw(self, time_s: float) -> float:
        """Turn at `time_s`, radians."""
        return float(self.amplitude * np.sin(2.0 * np.pi * time_s / self.period_s))


@dataclass(frozen=True)
class Scene:
    """People, a street, a camera and the light."""

    camera: Camera
    actors: tuple[Actor, ...]
    backdrop: Backdrop | UintArray
    """A street, or a picture (height, width, 3) to stand in front of (then the camera does not
    turn)."""
    light: Light = field(default_factory=Light)
    pan: Pan = Pan()
    fps: float = 25.0
    noise: float = 2.5
    """Standard deviation of the sensor's noise, grey levels."""
    blur: float = 0.55
    """Softness of the lens, standard deviation in pixels."""
    shadows: bool = True
    seed: int = 0
    """Seed of the noise."""

    def frame_at(self, index: int) -> SyntheticFrame:
        """Frame number `index` (0 the first), its time `index / fps` seconds."""
        time_s = index / self.fps
        camera = replace(self.camera, yaw=self.camera.yaw + self.pan.yaw(time_s))
        image = self._empty_picture(camera)
        drawn = self._draw_people(image, camera, time_s)
        image = self._expose(image, index)
        return _truth(index, time_s, image, camera, drawn)

    def frames(self, count: int) -> Iterator[SyntheticFrame]:
        """The first `count` frames."""
        return (self.frame_at(index) for index in range(count))

    def _empty_picture(self, camera: Camera) -> UintArray:
        if isinstance(self.backdrop, Backdrop):
            return self.backdrop.view(camera)
        if self.backdrop.shape != (camera.height, camera.width, 3):
            raise ValueError(
                f"got a backdrop of shape {self.backdrop.shape}, the camera needs "
                f"({camera.height}, {camera.width}, 3): resize it"
            )
        return self.backdrop.copy()

    def _draw_people(
        self, image: UintArray, camera: Camera, time_s: float
    ) -> list[tuple[Actor, PosedBody, Layer]]:
        present = []
        for actor in self.actors:
            placement = actor.motion.at(time_s, actor.model.proportions)
            if placement is None:
                continue
            body = actor.model.stand(placement)
            distance = float(camera.to_camera(body.pelvis.origin)[2])
            present.append((distance, actor, body))
        present.sort(key=lambda entry: -entry[0])
        meshes = [actor.model.mesh(body) for _, actor, body in present]
        if self.shadows:
            for mesh in meshes:
                cast_shadow(image, mesh, camera, self.light)
        drawn = []
        for (_, actor, body), mesh in zip(present, meshes):
            layer = render_mesh(mesh, camera, self.light)
            if layer is not None and layer.alpha.any():
                paste_layer(image, layer)
                drawn.append((actor, body, layer))
        return drawn

    def _expose(self, image: UintArray, index: int) -> UintArray:
        picture = cv2.GaussianBlur(image, (0, 0), self.blur) if self.blur > 0.0 else image
        if self.noise <= 0.0:
            return np.asarray(picture, dtype=np.uint8)
        rng = np.random.default_rng((self.seed, index))
        grain = rng.standard_normal(picture.shape[:2], dtype=np.float32) * self.noise
        return np.clip(picture + grain[..., None] + 0.5, 0.0, 255.0).astype(np.uint8)


def _truth(
    index: int,
    time_s: float,
    image: UintArray,
    camera: Camera,
    drawn: list[tuple[Actor, PosedBody, Layer]],
) -> SyntheticFrame:
    count = len(drawn)
    boxes = np.zeros((count, 4), np.float32)
    keypoints = np.zeros((count, JOINT_COUNT, 2), np.float32)
    visible = np.zeros((count, JOINT_COUNT), bool)
    inside = np.zeros((count, JOINT_COUNT), bool)
    fraction = np.zeros(count, np.float32)
    limit = np.array([camera.width, camera.height] * 2) - 1.0
    cover = np.zeros((camera.height, camera.width), bool)
    for place in reversed(range(count)):
        actor, body, layer = drawn[place]
        pixels, _ = camera.project(actor.model.joints(body))
        keypoints[place] = pixels
        boxes[place] = np.clip(layer.full_box_xyxy, 0.0, limit)
        inside[place] = (pixels >= -0.5).all(axis=1)
        inside[place] &= (pixels < [camera.width - 0.5, camera.height - 0.5]).all(axis=1)
        nearest = np.round(np.clip(pixels, 0.0, limit[:2])).astype(int)
        hidden = cover[nearest[:, 1], nearest[:, 0]]
        visible[place] = actor.model.unhidden_joints(body, camera, layer) & ~hidden
        solid = layer.alpha > 0.5
        rows, columns = solid.shape
        area = cover[layer.top : layer.top + rows, layer.left : layer.left + columns]
        free = float((solid & ~area).sum()) / max(float(solid.sum()), 1.0)
        fraction[place] = free * _share_inside(layer.full_box_xyxy, boxes[place])
        area |= solid
    ids = np.array([actor.id for actor, _, _ in drawn], np.int64)
    return SyntheticFrame(index, time_s, image, boxes, keypoints, visible, inside, ids, fraction)


def _share_inside(full: npt.NDArray[np.float64], cut: npt.NDArray[np.float32]) -> float:
    whole = (full[2] - full[0]) * (full[3] - full[1])
    return float((cut[2] - cut[0]) * (cut[3] - cut[1]) / max(whole, 1e-6))
