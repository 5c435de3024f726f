"""Make the example clip and the README's picture: a frame of what its first line writes.

python tools/pages/make_pictures.py            # the picture, from examples/crossing.mp4 as it is
python tools/pages/make_pictures.py --clip     # render the example clip anew first
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import av
import click

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from rmpe.synthetic import crossing_scene, write_clip  # noqa: E402

CLIP = REPOSITORY / "examples" / "crossing.mp4"
PICTURE = REPOSITORY / "docs" / "images" / "crossing_frame.jpg"
SIZE, FRAMES = (960, 540), 150


@click.command()
@click.option("--clip", is_flag=True, help="Render the example clip anew first.")
@click.option("--frame", default=100, show_default=True, help="Frame of the clip to show.")
def main(clip: bool, frame: int) -> None:
    """Write the picture, and with --clip the clip."""
    if clip:
        write_clip(CLIP, crossing_scene(*SIZE), FRAMES)
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, "cli.py", "video", str(CLIP), "-o", folder, "--quiet"]
        subprocess.run(line, cwd=REPOSITORY, check=True)
        with av.open(str(Path(folder) / "annotated.mp4")) as container:
            for index, picture in enumerate(container.decode(video=0)):
                if index == frame:
                    picture.to_image().save(PICTURE, quality=90)
                    click.echo(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")
                    return
    raise click.ClickException(f"{CLIP} has no frame {frame}")


if __name__ == "__main__":
    main()
