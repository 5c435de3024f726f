"""A further format for a clip that is done: made from its stored records, without a new run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.clips.journal import write_atomically
from pipeline.clips.outputs import NATIVE, OutputPlan
from pipeline.clips.request import FLAGS, plain_request
from pipeline.writers import RecordsWriter
from rmpe.formats import get_format, read_records
from rmpe.formats.outputs import RECORDS_NAME, SUMMARY_NAME, check_outputs


def add_formats(plan: OutputPlan, request: Mapping[str, Any]) -> list[str]:
    """Write the formats that a finished run of the same request lacks, and return their names.

    Nothing happens where there is no finished run, or where more than formats is asked for
    otherwise. The summary then holds the wider request. Call it with the folder locked.

    Args:
        plan: what is wanted.
        request: of the run, see :meth:`pipeline.clips.jobs.ClipJob.whole_request`.

    Raises:
        OSError: something cannot be read or written.
        ValueError: an output is there that the run did not make.
    """
    folder = plan.folder
    item = _finished(folder)
    before, wanted = plain_request(item.get("request", {})), dict(request)
    made, requested = list(before.pop("outputs", [])), list(wanted.pop("outputs", []))
    new = [name for name in requested if name not in made]
    if before != wanted or not new or {*made} & {*FLAGS} != {*requested} & {*FLAGS}:
        return []
    for name in new:
        chosen = get_format(name)
        check_outputs(chosen.outputs(folder / chosen.output_name), [folder / RECORDS_NAME])
    for name in new:
        stored = read_records(folder / RECORDS_NAME, NATIVE)
        writer, complete = RecordsWriter(name, folder, stored.header), False
        try:
            for record in stored:
                writer.write_record(record)
            complete = True
        finally:
            writer.close(complete)
    item["request"] = {**wanted, "outputs": requested}
    write_atomically(folder / SUMMARY_NAME, json.dumps(item, indent=2, ensure_ascii=False) + "\n")
    return new


def _finished(folder: Path) -> dict[str, Any]:
    """Return the summary of a finished run; empty where there is none."""
    try:
        item = json.loads((folder / SUMMARY_NAME).read_text("utf-8"))
        whole = item["complete"] and (folder / RECORDS_NAME).exists()
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return item if whole else {}
