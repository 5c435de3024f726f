"""Makes a release: checks the tree, builds wheel and source distribution, and says how to tag it.

The description on an index page is README.md, whose links and pictures are relative so that they
work in a checkout and on the repository's pages. Here they become absolute, in a copy of the tree.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(!?)(\[[^\]]*\])\((?![a-z]+:|#)([^)]+)\)")
"""A picture or link in Markdown whose target is neither an address nor a place on the page."""


def main() -> None:
    """Build into dist/, or say in one line what is in the way."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--repository",
        help="Web address of the repository, which links on the index page lead to; "
        "by default that of the remote called origin.",
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="Folder to write.")
    parser.add_argument(
        "--tag", help="Build what was tagged by this name, which must be the version's."
    )
    parser.add_argument(
        "--any-state",
        action="store_true",
        help="Build from a tree with changes and a changelog without the version, for a trial.",
    )
    given = parser.parse_args()
    version = current_version()
    repository = given.repository or origin_address()
    if not given.any_state:
        check_state(version, given.tag)
    build(given.output.resolve(), repository, version)
    print(f"{given.output} holds version {version}. To release it:")
    print(f'  git tag -a v{version} -m "Version {version}" && git push origin v{version}')
    print(f"  python -m twine upload {given.output}/rmpe-{version}*")


def current_version() -> str:
    """Return the version, which stands in rmpe/__init__.py alone."""
    text = (ROOT / "rmpe" / "__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        sys.exit('error: rmpe/__init__.py has no line __version__ = "..."')
    return found.group(1)


def origin_address() -> str:
    """Return the web address of the remote called origin."""
    asked = _run("git", "remote", "get-url", "origin")
    if asked.returncode:
        sys.exit("error: there is no remote called origin: give --repository ADDRESS")
    address = re.sub(r"^git@([^:]+):", r"https://\1/", asked.stdout.strip())
    return address.removesuffix(".git")


def check_state(version: str, tag: str | None = None) -> None:
    """End with a line unless everything is committed, described and not yet tagged.

    Args:
        version: the tree's.
        tag: the tag that the tree was fetched by, for a release that is tagged already.
    """
    if tag is not None and tag != f"v{version}":
        sys.exit(f"error: the tag is {tag}, the version {version}")
    if _run("git", "status", "--porcelain").stdout:
        sys.exit("error: the tree has changes: commit them first")
    heading = re.compile(rf"^## {re.escape(version)}\b", re.MULTILINE)
    if not heading.search((ROOT / "CHANGELOG.md").read_text("utf-8")):
        sys.exit(f"error: CHANGELOG.md has no heading '## {version}'")
    if tag is None and _run("git", "tag", "--list", f"v{version}").stdout:
        sys.exit(f"error: the tag v{version} is there already: raise the version")


def build(output: Path, repository: str, version: str) -> None:
    """Build from a copy of the tracked files and check what was built."""
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("rmpe-*"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "rmpe"
        for name in _run("git", "ls-files").stdout.splitlines():
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        readme = tree / "README.md"
        text = absolute_links(readme.read_text("utf-8"), repository, f"v{version}")
        readme.write_text(text, "utf-8")
        subprocess.run(
            [sys.executable, "-m", "build", "--outdir", str(output), str(tree)], check=True
        )
    files = sorted(str(path) for path in output.glob("rmpe-*"))
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)


def absolute_links(text: str, repository: str, revision: str) -> str:
    """Return Markdown whose relative links and pictures lead to files of the repository.

    Args:
        text: the Markdown.
        repository: web address of the repository.
        revision: tag or branch that the files are taken from.
    """

    def absolute(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        kind = "raw" if picture else "blob"
        return f"{picture}{words}({repository.rstrip('/')}/{kind}/{revision}/{target})"

    return LINK.sub(absolute, text)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    main()
