"""What a release holds, and its description on an index page."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from setuptools import find_packages

import rmpe
from tools import release


def test_relative_links_and_pictures_become_absolute() -> None:
    text = "![p](docs/a.png) [one](docs/b.md#c) [two](https://x.org/) [three](#here) `[i](j)`"
    assert release.absolute_links(text, "https://h.org/o/r/", "v1") == (
        "![p](https://h.org/o/r/raw/v1/docs/a.png) [one](https://h.org/o/r/blob/v1/docs/b.md#c) "
        "[two](https://x.org/) [three](#here) `[i](https://h.org/o/r/blob/v1/j)`"
    )


def test_the_readme_has_no_relative_link_left_and_names_files_that_are_there(
    repository: Path,
) -> None:
    text = (repository / "README.md").read_text("utf-8")
    for target in release.LINK.findall(text):
        assert (repository / target[2].partition("#")[0]).exists(), target
    done = release.absolute_links(text, "https://example.org/r", "v1")
    assert re.findall(r"\]\((?!https?://|#)[^)]*\)", done) == []
    assert "<img" not in text


def test_the_version_has_one_place(repository: Path) -> None:
    settings = ConfigParser()
    settings.read(repository / "setup.cfg")
    assert settings["metadata"]["version"] == "attr: rmpe.__version__"
    assert release.current_version() == rmpe.__version__


def test_every_folder_of_modules_is_a_package_that_the_wheel_holds(repository: Path) -> None:
    settings = ConfigParser()
    settings.read(repository / "setup.cfg")
    wanted = settings["options.packages.find"]["include"].split()
    found = set(find_packages(str(repository), include=wanted))
    for top in ("rmpe", "pipeline", "tracking", "rmpe_cli"):
        for module in (repository / top).rglob("*.py"):
            name = ".".join(module.parent.relative_to(repository).parts)
            assert name in found, f"{module} is in no package"


def test_every_kind_of_file_beside_the_modules_is_in_the_wheel(repository: Path) -> None:
    settings = ConfigParser()
    settings.read(repository / "setup.cfg")
    data = settings["options.package_data"]
    for top in ("rmpe", "pipeline", "tracking", "rmpe_cli"):
        for path in (repository / top).rglob("*"):
            if path.is_dir() or path.suffix in (".py", ".pyc"):
                continue
            package = ".".join(path.parent.relative_to(repository).parts)
            patterns = f"{data.get('*', '')}, {data.get(package, '')}".split(", ")
            assert any(path.match(pattern) for pattern in patterns if pattern), path


def test_a_release_needs_its_heading_in_the_changelog(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.0\n")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    release.check_state("1.2.0")
    with pytest.raises(SystemExit, match=r"no heading '## 1.2.1'"):
        release.check_state("1.2.1")
    release.check_state("1.2.0", "v1.2.0")
    with pytest.raises(SystemExit, match=r"the tag is v1.2.1, the version 1.2.0"):
        release.check_state("1.2.0", "v1.2.1")
