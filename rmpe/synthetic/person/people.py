"""One synthetic person: a body with clothes that can be posed, placed, drawn, and whose joints are
known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rmpe.synthetic.person._face import face_mesh
from rmpe.synthetic.person._limbs import arm_mesh, leg_mesh
from rmpe.synthetic.person._trunk import head_mesh, trunk_mesh
from rmpe.synthetic.person.appearance import Appearance, random_appearance, random_proportions
from rmpe.synthetic.person.body import (
    ANKLE_HEIGHT,
    FOOT_LENGTH,
    BodyPose,
    Placement,
    PosedBody,
    Proportions,
    joint_radii,
    joints_of,
    pose_body,
)
from rmpe.synthetic.person.mesh import Mesh
from rmpe.synthetic.world.camera import Camera
from rmpe.synthetic.world.rendering import Layer

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PersonModel:
    """A person's proportions and clothes; the same person in every frame."""

    proportions: Proportions = field(default_factory=Proportions)
    appearance: Appearance = field(default_factory=Appearance)

    @staticmethod
    def random(rng: np.random.Generator) -> PersonModel:
        """A person drawn from everyday statures, builds, skins and clothes."""
        return PersonModel(random_proportions(rng), random_appearance(rng))

    def pose(self, pose: BodyPose, position: FloatArray, heading: float) -> PosedBody:
        """Body with the middle of its hips at `position` (3,) metres; heading 0 faces the
        camera."""
        return pose_body(self.proportions, pose, position, heading)

    def stand(self, placement: Placement) -> PosedBody:
        """Body whose lowest point is `placement.lift` above the ground y = 0."""
        position = np.array([placement.x, 0.0, placement.z])
        body = self.pose(placement.pose, position, placement.heading)
        position[1] = placement.lift - self.lowest_point(body)
        return self.pose(placement.pose, position, placement.heading)

    def lowest_point(self, body: PosedBody) -> float:
        """Height of the lowest point of feet, knees, seat, trunk, arms and head, metres."""
        stature = self.proportions.stature
        heights = []
        for thigh, shank, foot in body.legs:
            for along in (-0.26, 0.82):
                sole = foot.point((0.0, -ANKLE_HEIGHT * stature, along * FOOT_LENGTH * stature))
                heights.append(sole[1])
            heights.append(thigh.origin[1] - 0.055 * stature)
            heights.append(shank.origin[1] - 0.033 * stature)
        heights.extend(arm[2].point((0.0, -0.09 * stature, 0.0))[1] for arm in body.arms)
        heights.extend(arm[1].origin[1] - 0.025 * stature for arm in body.arms)
        back = -0.068 if self.appearance.backpack is None else -0.175
        for segment, height in ((body.chest, 0.14), (body.pelvis, 0.0)):
            for depth in (back if segment is body.chest else -0.068, 0.068):
                heights.append(segment.point((0.0, height * stature, depth * stature))[1])
        heights.append(body.head.point((0.0, 0.068 * stature, 0.0))[1])
        return float(min(heights))

    def joints(self, body: PosedBody) -> FloatArray:
        """The 19 joints of "coco19" in the world, (19, 3) metres."""
        return joints_of(body, self.proportions)

    def mesh(self, body: PosedBody) -> Mesh:
        """The clothed surface of a posed body."""
        parts = trunk_mesh(body, self.proportions, self.appearance)
        parts += head_mesh(body, self.proportions, self.appearance)
        parts += face_mesh(body, self.proportions, self.appearance)
        for which in (0, 1):
            parts += arm_mesh(body, self.proportions, self.appearance, which)
            parts += leg_mesh(body, self.proportions, self.appearance, which)
        return Mesh.join(parts)

    def unhidden_joints(self, body: PosedBody, camera: Camera, layer: Layer) -> BoolArray:
        """Which of the 19 joints lie in the picture and are not behind the person's own body,
        (19,)."""
        pixels, depths = camera.project(self.joints(body))
        inside = (pixels >= -0.5).all(axis=1)
        inside &= (pixels < np.array([camera.width, camera.height]) - 0.5).all(axis=1)
        height, width = layer.depth.shape
        columns = np.clip(np.round(pixels[:, 0]).astype(int) - layer.left, 0, width - 1)
        rows = np.clip(np.round(pixels[:, 1]).astype(int) - layer.top, 0, height - 1)
        cover = depths - layer.depth[rows, columns]
        return inside & (cover < joint_radii(self.proportions) + 0.045)
