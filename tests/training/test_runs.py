"""Training runs by name."""

import pytest

from rmpe.training.runs import run_recipe


def test_an_unknown_recipe_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="compact-pose, compact-detector"):
        run_recipe("nothing", tmp_path, tmp_path)


def test_missing_packs_are_an_os_error(tmp_path):
    with pytest.raises(OSError, match=r"images\.tar"):
        run_recipe("compact-pose", tmp_path, tmp_path / "out")
