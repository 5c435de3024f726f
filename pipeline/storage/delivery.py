"""The results of a run on their way into a store: whole, and the summary last.

Who reads there sees ``summary.json`` only when everything that it speaks of is there. A hidden file
says which files an upload was about to write, so that the next one knows them as its own when the
process was killed. What a run needs to go on stays on this disk until all is uploaded.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from pipeline.storage.store import Stored, is_stored
from rmpe.formats.outputs import RECORDS_NAME, SUMMARY_NAME

MARK_NAME = ".rmpe-uploading.json"
"""Names the files of an upload that has not ended."""
_FETCHED_NAME = ".rmpe-fetched"
"""Says that what lies beside it came from the store."""
_FILES = "files"
"""What a summary in a store has besides: the names of the run's files."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredFolder:
    """A run's folder on this disk and the place in a store where its files shall be."""

    folder: Path
    """Where the run writes."""
    place: Stored
    """Where to."""

    @classmethod
    def of(cls, folder: Path, address: str) -> StoredFolder:
        """Return the folder of an address.

        Raises:
            OSError, ValueError: see :meth:`~pipeline.storage.store.Stored.at`.
        """
        return cls(folder, Stored.at(address))

    def summary(self) -> dict[str, Any]:
        """Return the summary in the store; empty where there is none of a run that ended.

        Raises:
            OSError: the store cannot be asked.
        """
        return _as_mapping(self.place.child(SUMMARY_NAME).read())

    def is_finished(self) -> bool:
        """Whether a finished run is in the store, or here and not yet uploaded.

        Raises:
            OSError: the store cannot be asked.
        """
        if (self.folder / SUMMARY_NAME).exists():
            return bool(_as_mapping((self.folder / SUMMARY_NAME).read_bytes()).get("complete"))
        return not self._is_begun() and bool(self.summary().get("complete"))

    def fetch_finished(self) -> bool:
        """Have a finished run's summary and records here, and return whether there is one.

        A run that is unfinished on this disk, or not yet uploaded, is worth more and stays.

        Raises:
            OSError: the store cannot be asked, or a file not be copied.
        """
        fetched = self.folder / _FETCHED_NAME
        if fetched.exists():
            self.forget_here()
        if self._is_begun() or not self.summary().get("complete"):
            return False
        fetched.touch()
        for name in (RECORDS_NAME, SUMMARY_NAME):
            self.place.child(name).fetch(self.folder / name)
        return True

    def _is_begun(self) -> bool:
        """Whether a run began on this disk."""
        there = self.folder.iterdir() if self.folder.is_dir() else ()
        return any(path.is_dir() or path.name == SUMMARY_NAME for path in there)

    def forget_here(self) -> None:
        """Remove what was fetched of a finished run, and what was made of it."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name == _FETCHED_NAME or not path.name.startswith("."):
                path.unlink()

    def check(self, names: Iterable[PurePath], inputs: Sequence[str], overwrite: bool) -> None:
        """Raise if the upload would fail, or replace something that no run made, or an input.

        Args:
            names: files and folders that are going to be written, relative to the folder.
            inputs: paths and addresses that are read.
            overwrite: what is there may be replaced; never an input.

        Raises:
            ValueError: it would replace something.
            OSError: nothing can be written there.
        """
        read = {Stored.at(given).identity for given in inputs if is_stored(given)}
        ours = self.summary() or self._made()
        for name in names:
            target = self.place.child(name.as_posix())
            if target.identity in read:
                raise ValueError(f"{target.shown} is the file to read; give another output")
            if not overwrite and not ours and target.kind():
                raise ValueError(
                    f"{target.shown} is there already; --overwrite replaces it, or give another "
                    "output"
                )
        self._try_to_write()

    def deliver(self) -> None:
        """Upload what a run made, the summary last, and remove what runs before it left there.

        An upload that fails takes back what it had written; the files stay here.

        Raises:
            OSError: something cannot be written.
        """
        names = self._names_here()
        made = self._made()
        mark = self.place.child(MARK_NAME)
        self._put_json(mark, {_FILES: sorted({*names, *made})})
        done: list[str] = []
        try:
            self.place.child(SUMMARY_NAME).remove()
            for name in names:
                done.append(name)
                self.place.child(name).put(self.folder / name)
            self._put_summary(names)
        except BaseException:
            self._take_back(done)
            raise
        for name in sorted({*made} - {*names}):
            self.place.child(name).remove()
        mark.remove()

    def deliver_more(self) -> None:
        """Upload files that were made from a finished run's records; the others stay there.

        Raises:
            OSError: something cannot be written.
        """
        names = [name for name in self._names_here() if name != RECORDS_NAME]
        if not names:
            return
        done: list[str] = []
        try:
            for name in names:
                done.append(name)
                self.place.child(name).put(self.folder / name)
            self._put_summary([*self._made(), *names])
        except BaseException:
            self._take_back(done)
            raise

    def clear(self) -> None:
        """Remove the copies on this disk."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _try_to_write(self) -> None:
        """Write a hidden file, so that a run of hours does not end without a place to go to."""
        mark = self.place.child(MARK_NAME)
        if mark.kind():
            return
        try:
            self._put_json(mark, {_FILES: []})
            mark.remove()
        except OSError as error:
            raise OSError(str(error).replace(f"/{MARK_NAME}", "")) from error

    def _names_here(self) -> list[str]:
        """Return the files that are uploaded before the summary, relative to the folder."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        relative = sorted(path.relative_to(self.folder) for path in files)
        shown = [path for path in relative if not path.parts[0].startswith(".")]
        return [path.as_posix() for path in shown if path.as_posix() != SUMMARY_NAME]

    def _made(self) -> list[str]:
        """Return the files in the store that runs made, by summary and mark."""
        mark = _as_mapping(self.place.child(MARK_NAME).read())
        return sorted({*self.summary().get(_FILES, ()), *mark.get(_FILES, ())})

    def _put_summary(self, names: Iterable[str]) -> None:
        item = json.loads((self.folder / SUMMARY_NAME).read_text("utf-8"))
        item[_FILES] = sorted({*names})
        self._put_json(self.place.child(SUMMARY_NAME), item)

    def _put_json(self, target: Stored, item: dict[str, Any]) -> None:
        put_text(target, json.dumps(item, indent=2, ensure_ascii=False) + "\n")

    def _take_back(self, names: Iterable[str]) -> None:
        for name in names:
            with suppress(OSError):
                self.place.child(name).remove()
        log.info("the upload to %s was taken back", self.place.shown)


def put_text(target: Stored, text: str) -> None:
    """Write a small text into a store.

    Raises:
        OSError: it cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "text")
        file.write_text(text, "utf-8")
        target.put(file)


def _as_mapping(content: bytes) -> dict[str, Any]:
    try:
        item = json.loads(content)
    except ValueError:
        return {}
    return item if isinstance(item, dict) else {}
