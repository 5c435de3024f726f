"""What people are placed in and seen by: surroundings, camera, scenes, clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmpe._door import lazy_door

if TYPE_CHECKING:
    from rmpe.synthetic.world.backdrop import Backdrop
    from rmpe.synthetic.world.camera import Camera
    from rmpe.synthetic.world.rendering import Light, render_mesh
    from rmpe.synthetic.world.scenes import Actor, Pan, Scene, SyntheticFrame

__all__ = [
    "Actor",
    "Backdrop",
    "Camera",
    "Light",
    "Pan",
    "Scene",
    "SyntheticFrame",
    "render_mesh",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "Actor": "rmpe.synthetic.world.scenes",
        "Backdrop": "rmpe.synthetic.world.backdrop",
        "Camera": "rmpe.synthetic.world.camera",
        "Light": "rmpe.synthetic.world.rendering",
        "Pan": "rmpe.synthetic.world.scenes",
        "Scene": "rmpe.synthetic.world.scenes",
        "SyntheticFrame": "rmpe.synthetic.world.scenes",
        "render_mesh": "rmpe.synthetic.world.rendering",
    },
)
