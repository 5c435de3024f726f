"""Draw meshes into a picture: shading, depth order, anti-aliasing, shadows on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person.mesh import Mesh
from rmpe.synthetic.world.camera import Camera

FloatArray = npt.NDArray[np.float64]
UintArray = npt.NDArray[np.uint8]

SUBPIXEL_BITS = 4
DEPTH_LEVELS = 254


@dataclass(frozen=True)
class Light:
    """The sun and the sky."""

    direction: tuple[float, float, float] = (-0.45, 0.75, 0.48)
    """Towards the sun, in the world."""
    sun: float = 0.62
    """Brightness of the sun on a surface that faces it."""
    sky: float = 0.50
    """Brightness of the sky on a surface that looks up; half of it reaches one that looks down."""
    tint: tuple[float, float, float] = (0.97, 1.0, 1.03)
    """Colour of the sunlight, BGR."""


@dataclass(frozen=True)
class Layer:
    """One person alone, over the part of the picture they cover."""

    left: int
    top: int
    colour: UintArray
    """(h, w, 3) BGR; black where there is nobody."""
    alpha: npt.NDArray[np.float32]
    """(h, w) 0..1, how much of a pixel the person covers; `colour` is already multiplied by it."""
    depth: FloatArray
    """(h, w) metres from the camera along the view; infinite where there is nobody."""
    full_box_xyxy: FloatArray
    """(4,) pixels, outline of the whole person, also where they are out of the picture."""


def render_mesh(mesh: Mesh, camera: Camera, light: Light) -> Layer | None:
    """Draw a mesh; None when none of it lies in the picture."""
    pixels, depths = camera.project(mesh.corners)
    if depths.min() < 0.15:
        return None
    flat = pixels.reshape(-1, 2)
    box = np.concatenate([flat.min(axis=0), flat.max(axis=0)])
    left, top = max(int(box[0]) - 1, 0), max(int(box[1]) - 1, 0)
    right, bottom = min(int(box[2]) + 3, camera.width), min(int(box[3]) + 3, camera.height)
    if right - left < 1 or bottom - top < 1 or box[2] < 0 or box[3] < 0:
        return None
    scale = 4 if box[3] - box[1] < 160 else (3 if box[3] - box[1] < 420 else 2)
    near, far = float(depths.min()), float(depths.max())
    colours = shade(mesh, camera, light)
    middle = depths.mean(axis=1)
    levels = 1.0 + DEPTH_LEVELS * (far - middle) / max(far - near, 1e-6)
    facing = _faces_camera(mesh, camera)
    order = np.flatnonzero(facing)
    order = order[np.argsort(-(middle - mesh.lift)[order])]
    canvas = np.zeros(((bottom - top) * scale, (right - left) * scale, 4), np.uint8)
    shifted = (pixels[order] - np.array([left, top]) + 0.5) * scale - 0.5
    polygons = np.round(shifted * (1 << SUBPIXEL_BITS)).astype(np.int32)
    values = np.concatenate([colours[order], levels[order, None]], axis=1).tolist()
    for polygon, value in zip(polygons, values):
        cv2.fillConvexPoly(canvas, polygon, value, cv2.LINE_8, SUBPIXEL_BITS)
    return _layer_of(canvas, scale, (left, top), (near, far), box)


def _layer_of(
    canvas: UintArray,
    scale: int,
    corner: tuple[int, int],
    depth_range: tuple[float, float],
    box: FloatArray,
) -> Layer:
    size = (canvas.shape[1] // scale, canvas.shape[0] // scale)
    covered = (canvas[..., 3] > 0).astype(np.float32)
    alpha = np.asarray(cv2.resize(covered, size, interpolation=cv2.INTER_AREA), np.float32)
    colour = np.asarray(cv2.resize(canvas[..., :3], size, interpolation=cv2.INTER_AREA), np.uint8)
    tall = box[3] - box[1]
    if tall > 120.0:
        # Evens out the steps between neighbouring quads; eyes, hems and stripes stay sharp.
        reach = int(np.clip(tall / 60.0, 3, 9))
        colour = np.asarray(cv2.bilateralFilter(colour, reach, 16.0, tall / 150.0), np.uint8)
    level = canvas[scale // 2 :: scale, scale // 2 :: scale, 3].astype(np.float64)
    near, far = depth_range
    depth = np.where(level > 0, far - (level - 1.0) / DEPTH_LEVELS * (far - near), np.inf)
    return Layer(corner[0], corner[1], colour, alpha, depth, box)


def shade(mesh: Mesh, camera: Camera, light: Light) -> FloatArray:
    """Colours (Q, 3) of the quads under `light`, BGR 0..255."""
    sun = np.array(light.direction) / np.linalg.norm(light.direction)
    lambert = np.clip(mesh.normals @ sun * 0.85 + 0.15, 0.0, 1.0)
    sky = light.sky * (0.75 + 0.25 * mesh.normals[:, 1])
    view = np.array(camera.position) - mesh.corners.mean(axis=1)
    view = view / np.linalg.norm(view, axis=1, keepdims=True)
    edge = np.clip(np.einsum("qi,qi->q", mesh.normals, view), 0.0, 1.0)
    grazing = 0.78 + 0.22 * np.sqrt(edge)
    brightness = (sky * grazing)[:, None] + light.sun * lambert[:, None] * np.array(light.tint)
    return np.clip(mesh.colours * brightness, 0.0, 255.0)


def _faces_camera(mesh: Mesh, camera: Camera) -> npt.NDArray[np.bool_]:
    towards = np.array(camera.position) - mesh.corners.mean(axis=1)
    return np.asarray(np.einsum("qi,qi->q", mesh.normals, towards) > 0.0)


def paste_layer(image_bgr: UintArray, layer: Layer) -> None:
    """Lay a person over the picture, in place."""
    height, width = layer.alpha.shape
    area = image_bgr[layer.top : layer.top + height, layer.left : layer.left + width]
    kept = area * (1.0 - layer.alpha[..., None])
    area[...] = np.clip(kept + layer.colour + 0.5, 0.0, 255.0).astype(np.uint8)


def cast_shadow(image_bgr: UintArray, mesh: Mesh, camera: Camera, light: Light) -> None:
    """Darken the ground y = 0 where the mesh keeps the sun away, in place."""
    sun = np.array(light.direction)
    corners = mesh.corners[mesh.normals @ sun > 0.0]
    reach = np.maximum(corners[..., 1:2], 0.0) / max(sun[1], 0.15)
    ground = corners - reach * sun
    ground[..., 1] = 0.0
    pixels, depths = camera.project(ground)
    seen = depths.min(axis=1) > 0.3
    if not seen.any():
        return
    pixels = pixels[seen]
    flat = pixels.reshape(-1, 2)
    low = np.maximum(np.floor(flat.min(axis=0)).astype(int) - 12, 0)
    limit = np.array([camera.width, camera.height])
    high = np.minimum(np.ceil(flat.max(axis=0)).astype(int) + 12, limit)
    if (high <= low).any():
        return
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    for polygon in np.round((pixels - low) * 16.0).astype(np.int32):
        cv2.fillConvexPoly(mask, polygon, 255, cv2.LINE_8, SUBPIXEL_BITS)
    blur = max(1.0, 0.012 * camera.focal / float(np.median(depths)))
    soft = cv2.GaussianBlur(mask, (0, 0), blur).astype(np.float32) / 255.0
    strength = 0.55 * light.sun / (light.sun + light.sky)
    area = image_bgr[low[1] : high[1], low[0] : high[0]]
    area[...] = (area * (1.0 - strength * soft[..., None])).astype(np.uint8)
