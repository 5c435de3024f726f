"""A run whose results go into a store: look at what is there, run here, upload all in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath

from pipeline.clips.claiming import planned
from pipeline.clips.clip import ClipSummary
from pipeline.clips.outputs import OutputPlan
from pipeline.storage.delivery import StoredFolder


def run_and_deliver(
    plan: OutputPlan,
    inputs: Sequence[str],
    run: Callable[[], ClipSummary],
    *,
    go_on: bool = True,
    in_one_go: bool = False,
    names: Sequence[str] = (),
) -> ClipSummary:
    """Run into a plan's folder and upload what it holds; return what came of it.

    Results that are in the store already are fetched as far as a run needs to know them. Call it
    with the folder locked; it is empty in the end, unless the run or the upload failed.

    Args:
        plan: what is written, with an address.
        inputs: what is read.
        run: the run.
        go_on: a finished run is left as it is; else it is replaced.
        in_one_go: what an earlier run left on this disk is of no use.
        names: pictures that are going to be written, by name.

    Raises:
        ValueError: something of others is in the way; or what ``run`` raises.
        OSError: the store cannot be used; or what ``run`` raises.
        StageError: what ``run`` raises.
    """
    target = StoredFolder.of(plan.folder, plan.address)
    if in_one_go:
        target.forget_here()
    fetched = go_on and target.fetch_finished()
    if not fetched:
        wanted = (PurePath(path.relative_to(plan.folder)) for path in planned(plan, names))
        target.check(wanted, inputs, overwrite=not go_on)
    try:
        summary = run()
        if fetched:
            target.deliver_more()
    except ValueError as error:
        raise ValueError(str(error).replace(str(plan.folder), plan.shown)) from error
    finally:
        if fetched:
            target.forget_here()
    if not fetched:
        try:
            target.deliver()
        except OSError as error:
            if in_one_go:
                raise
            kept = "the results are kept on this disk and the same command uploads them"
            raise OSError(f"{error}; {kept}") from error
        target.clear()
    return summary
