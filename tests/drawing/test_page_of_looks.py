"""docs/showing.md: every option that decides how people look has a picture, made with it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

import cli
from tools.pages import make_looks

DOCS = Path(__file__).resolve().parents[2] / "docs"
LOOKS = (
    *("background", "palette", "limb_style", "line_width", "joint_size", "min_joint_score"),
    *("no_limbs", "no_boxes", "ids", "trails", "only", "size", "fps"),
)
"""Parameters of `render` that decide how people look."""


def test_every_look_has_a_picture_beside_the_options_that_made_it() -> None:
    text = (DOCS / "showing.md").read_text("utf-8")
    shown = re.findall(r"\((images/looks/(\w+)\.\w+)\)[^`|\n]*`(--[^`]+)`", text)
    words = {word for _, _, options in shown for word in shlex.split(options)}
    words |= set(re.findall(r"`(--fps) \d+`", text))
    parameters = cli.rmpe_command.commands["render"].params
    looks = [option for option in parameters if option.name in LOOKS]
    assert len(looks) == len(LOOKS)
    for option in looks:
        assert words & {*option.opts, *option.secondary_opts}, f"{option.opts} has no picture"
        if isinstance(option.type, click.Choice):  # the picture of no option shows the default
            assert {*option.type.choices} - words == {option.default}
    for path, name, options in shown:
        assert (DOCS / path).exists()
        assert {*shlex.split(options)} <= {*make_looks.LOOKS[name]}
