"""Make the example clip and the README's picture: a frame of real output on the example clip.

python tools/make_pictures.py            # the picture, from examples/crossing.mp4 as it is
python tools/make_pictures.py --clip     # render the example clip anew first
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import cv2

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from pipeline import run_video  # noqa: E402
from rmpe.drawing import draw_poses  # noqa: E402
from rmpe.estimator import PoseEstimator  # noqa: E402
from rmpe.records import Boxes  # noqa: E402
from rmpe.synthetic import SyntheticFrame, crossing_scene, write_clip  # noqa: E402

CLIP = REPOSITORY / "examples" / "crossing.mp4"
PICTURE = REPOSITORY / "docs" / "images" / "crossing_frame.jpg"
SIZE, FRAMES = (960, 540), 150


def _true_boxes(frame: SyntheticFrame) -> Boxes:
    """Boxes of the people of whom something can be seen."""
    seen = frame.visible_fraction > 0.15
    return Boxes(frame.boxes_xyxy[seen], frame.visible_fraction[seen])


@click.command()
@click.option("--clip", is_flag=True, help="Render the example clip anew first.")
@click.option("--frame", default=100, show_default=True, help="Frame of the clip to show.")
@click.option("--detector", help="Person detector instead of the compact preset's.")
@click.option("--true-boxes", is_flag=True, help="The scene's own boxes instead of a detector.")
def main(clip: bool, frame: int, detector: str | None, true_boxes: bool) -> None:
    """Write the picture, and with --clip the clip."""
    scene = crossing_scene(*SIZE)
    if clip:
        write_clip(CLIP, scene, FRAMES)
    boxes = (_true_boxes(scene.frame_at(index)) for index in range(FRAMES))
    known = (lambda images: [next(boxes) for _ in images]) if true_boxes else None
    estimator = PoseEstimator.build(detector=known or detector or "compact")
    for result in run_video(CLIP, estimator):
        if result.frame.index == frame:
            drawn = draw_poses(result.frame.image_bgr, result.poses, estimator.skeleton)
            PICTURE.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(PICTURE), drawn, [cv2.IMWRITE_JPEG_QUALITY, 90])
            size = PICTURE.stat().st_size / 1000
            click.echo(f"{PICTURE}: {len(result.poses)} people, {size:.0f} kB")
            return
    raise click.ClickException(f"{CLIP} has no frame {frame}")


if __name__ == "__main__":
    main()
