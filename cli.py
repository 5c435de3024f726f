"""Command line of rmpe: parse, call, print, exit code. Heavy imports happen in the commands."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pipeline.assemble import RunOptions
    from pipeline.clip import OutputPlan
    from pipeline.flow import PosedFrame
    from pipeline.jobs import ClipJob
    from pipeline.readers import Reader
    from pipeline.worklist import ClipOutcome
    from rmpe.estimator import PoseEstimator
    from rmpe.evaluation.runs import Dataset
    from rmpe.report import ClipMode
    from rmpe.zoo.describe import Kind
    from rmpe.zoo.download import FetchOptions

F = TypeVar("F", bound=Callable[..., Any])


class WrongUseError(click.ClickException):
    """The command cannot be carried out as it was given: one line, exit code 2."""

    exit_code = 2


@contextmanager
def wrong_use(*errors: type[Exception]) -> Iterator[None]:
    """Turn a caller's mistake that the library found into exit code 2."""
    caught: tuple[type[Exception], ...] = (ValueError, *errors)
    try:
        yield
    except caught as error:
        raise WrongUseError(str(error).partition("\n")[0]) from error


def estimator_options(command: F) -> F:
    """Add the options that say which detector and network run, where and how."""
    file = click.Path(exists=True, dir_okay=False)
    default: dict[str, Any] = {"show_default": True}
    options = [
        click.option("--preset", default="compact", **default, help="Detector and network."),
        click.option("--detector", help="Person detector instead of the preset's."),
        click.option("--pose-network", help="Network of the zoo instead of the preset's."),
        click.option("--weights", type=file, help="Checkpoint of a pose network, any family."),
        click.option("--weights-as", help="Variant or origin that the file's keys cannot tell."),
        click.option("--input-size", help="Height x width of the checkpoint's input: 384x288."),
        click.option("--device", default="auto", **default, help="auto, cpu, cuda, cuda:N, mps."),
        click.option("--runtime", default="auto", **default, help="auto, torch or openvino."),
        click.option("--precision", default="auto", **default, help="auto, fp32, bf16 or fp16."),
        click.option("--batch-size", default=16, **default, help="Crops in one network call."),
        click.option("--min-score", default=0.15, **default, help="Drop people below this score."),
        click.option("--max-people", default=0, **default, help="Most people a frame; 0: any."),
        click.option("--flip-test", is_flag=True, help="Average with the mirrored crop: slower."),
        click.option(
            "--crowd",
            "--association",
            "association",
            is_flag=True,
            help="Share joint candidates out among the people of a crowd.",
        ),
        click.option("--sstn", is_flag=True, help="Cut badly placed boxes anew before the pose."),
        click.option("--boxes", type=file, help="Person boxes to use instead of a detector."),
        click.option("--nms", default="pose", **default, help="pose, oks, oks-soft or none."),
        click.option(
            "--nms-parameters",
            default="alphapose",
            **default,
            help="Set of pose-NMS constants, or a file from learn-nms.",
        ),
        click.option("--oks-threshold", default=0.9, **default, help="Most alike two may be."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def output_options(command: F) -> F:
    """Add the options that say what is written and shown."""
    options = [
        click.option("-o", "--output", type=click.Path(), help="Output folder."),
        click.option("--format", "formats", multiple=True, help="Also write this record format."),
        click.option("--recursive", is_flag=True, help="Look into folders of folders."),
        click.option("--quiet", is_flag=True, help="No progress bar and no table."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def build_estimator(given: dict[str, Any], openvino_threads: int) -> PoseEstimator:
    """Return the estimator that the options ask for."""
    from pipeline.assemble import find_nobody
    from rmpe.association import AssociationParameters
    from rmpe.estimator import EstimatorOptions, PoseEstimator
    from rmpe.pose_nms import choose_nms
    from rmpe.zoo import LoadChoices
    from rmpe.zoo.presets import get_preset

    with wrong_use():
        preset = get_preset(given["preset"])
        return PoseEstimator.build(
            detector=find_nobody if given["boxes"] else given["detector"] or preset.detector,
            network=given["pose_network"] or preset.network,
            weights=given["weights"],
            weights_choices=LoadChoices.from_text(given["weights_as"], given["input_size"]),
            device=given["device"],
            runtime=given["runtime"],
            precision=given["precision"],
            threads=openvino_threads,
            sstn=given.get("sstn", False),
            options=EstimatorOptions(
                min_score=given["min_score"],
                max_people=given["max_people"],
                flip_test=given["flip_test"],
                batch_size=given["batch_size"],
                nms=choose_nms(given["nms"], given["nms_parameters"], given["oks_threshold"]),
                association=AssociationParameters() if given.get("association") else None,
            ),
        )


def run_options(given: dict[str, Any]) -> RunOptions:
    """Return how the run goes; checks the record formats too, before anything is loaded."""
    from pipeline.assemble import RunOptions
    from rmpe.detectors.precomputed import read_boxes
    from rmpe.formats import get_format

    boxes = None
    if given["boxes"]:
        try:
            boxes = read_boxes(given["boxes"])
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    with wrong_use():
        for name in given["formats"]:
            get_format(name)
        return RunOptions(detect_every=given.get("detect_every", 1), boxes=boxes)


def run_one(
    open_reader: Callable[[], Reader],
    estimator: PoseEstimator,
    plan: OutputPlan,
    options: RunOptions,
    given: dict[str, Any],
) -> bool:
    """Run the pictures with a progress bar, say what came of it, and return whether all is well."""
    from tqdm import tqdm

    from pipeline.clip import process_clip
    from pipeline.stage import StageError
    from pipeline.stats import stage_table

    quiet = given["quiet"]
    try:
        reader = open_reader()
        expected = reader.info.frames_expected or None
        hidden = quiet or not sys.stderr.isatty()
        tqdm.monitor_interval = 0  # no thread of its own; every frame moves the bar
        with tqdm(total=expected, unit="frame", disable=hidden, dynamic_ncols=True) as bar:

            def advance(result: PosedFrame) -> None:
                bar.set_postfix(people=len(result.poses), refresh=False)
                bar.update()

            summary = process_clip(
                reader,
                estimator,
                plan,
                options=options,
                described=given,
                on_frame=advance,
            )
    except (OSError, ValueError, StageError) as error:
        logging.getLogger("rmpe").info("the failure in full", exc_info=True)
        click.echo(f"error: {error}", err=True)
        return False
    if summary.stats and not quiet:
        click.echo(stage_table(summary.stats), err=True)
    for warning in summary.warnings:
        click.echo(f"warning: {summary.source}: {warning}", err=True)
    if summary.decoder_errors:
        click.echo(
            f"error: {summary.source} is damaged in {summary.decoder_errors} places, the "
            f"{summary.frames} frames that came are kept; {summary.decoder_messages[0]}",
            err=True,
        )
    click.echo(f"{plan.folder}: {summary.frames} frames, up to {summary.most_people} people")
    return summary.succeeded


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="rmpe")
@click.option("--verbose", is_flag=True, help="Log what the program does, on stderr.")
def rmpe_command(verbose: bool) -> None:
    """Video human pose: for every frame, who is where and how they stand."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s: %(message)s"
    )


@rmpe_command.command()
def doctor() -> None:
    """Show versions, devices, threads and weights, and run a short self-test."""
    from rmpe.doctor import describe_machine, describe_weights, self_test

    for name, value in [*describe_machine(), *describe_weights(), self_test()]:
        click.echo(f"{name:>24}  {value}")


def clip_options(command: F) -> F:
    """Add the options that say which part of clips is taken, and how lists of them go."""
    file = click.Path(exists=True, dir_okay=False)
    options = [
        click.option(
            "--list", "lists", type=file, multiple=True, help="File of clips, one a line."
        ),
        click.option("--no-video", is_flag=True, help="Write no annotated.mp4."),
        click.option("--start", default=0.0, help="First second of the clip to take."),
        click.option("--end", type=float, help="Second to stop at."),
        click.option("--stride", default=1, show_default=True, help="Take every n-th frame."),
        click.option(
            "--detect-every", default=1, show_default=True, help="Detect in every n-th frame."
        ),
        click.option(
            "--track/--no-track", default=True, show_default=True, help="Give identities."
        ),
        click.option("--smooth", is_flag=True, help="Smooth the joints of every person over time."),
        click.option(
            "--resume/--overwrite",
            default=True,
            help="Go on where a run stopped (the default), or begin again.",
        ),
        click.option("--fail-fast", is_flag=True, help="Stop at the first clip that fails."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


_NOT_OF_THE_RUN = {
    *("output", "lists", "recursive", "quiet", "resume", "fail_fast", "engine", "address"),
    *("workers", "cpus_per_worker", "gpus_per_worker", "segments"),
}
"""Options that have no effect on a clip's results, so that runs without them are the same run."""


def clip_jobs(inputs: tuple[str, ...], given: dict[str, Any], video_threads: int) -> list[ClipJob]:
    """Return one job for each clip that is asked for."""
    from pipeline.jobs import ClipJob
    from pipeline.outputs import OutputPlan
    from pipeline.readers import Span
    from pipeline.readers.finding import find_clips, output_folders, read_list
    from pipeline.stages.track import build_tracker

    if not inputs and not given["lists"]:
        raise click.UsageError("Missing argument 'INPUTS...': give clips, or --list FILE")
    with wrong_use(OSError):
        sources = find_clips(inputs, given["recursive"])
        sources += [clip for path in given["lists"] for clip in read_list(path)]
    with wrong_use():
        span = Span(given["start"], given["end"], given["stride"])
        build_tracker(given["track"], given["smooth"])
    options = run_options(given)
    described = {name: value for name, value in given.items() if name not in _NOT_OF_THE_RUN}
    formats, video = given["formats"], not given["no_video"]
    return [
        ClipJob(
            source,
            OutputPlan(folder, formats, video, video_threads=video_threads),
            span=span,
            options=options,
            track=given["track"],
            smooth=given["smooth"],
            described=described,
            rerun="go_on" if given["resume"] else "overwrite",
            threads=video_threads,
        )
        for source, folder in zip(sources, output_folders(sources, given["output"]))
    ]


def report_worklist(outcomes: list[ClipOutcome], given: dict[str, Any]) -> None:
    """Print and write what came of a list of clips; exit with 1 if one is not done."""
    from pipeline.worklist import worklist_table, write_worklist_summary

    if len(outcomes) > 1:
        click.echo(worklist_table(outcomes), err=True)
        write_worklist_summary(Path(given["output"] or "") / "summary.json", outcomes)
    if not all(outcome.succeeded for outcome in outcomes):
        sys.exit(1)


@rmpe_command.command()
@click.argument("inputs", nargs=-1)
@output_options
@clip_options
@estimator_options
def video(inputs: tuple[str, ...], **given: Any) -> None:
    """Poses of the people in clips: files, folders of clips, patterns or addresses.

    Each clip gets a folder, STEM_rmpe by default, with poses.ndjson, annotated.mp4 and
    summary.json. A clip that is done is left alone and one that was interrupted goes on where it
    stopped. A clip that fails is reported and the others still run; exit code 1.
    """
    from pipeline.progress import TerminalWatcher
    from pipeline.worklist import run_worklist
    from rmpe.runtimes import limit_threads

    threads = limit_threads()
    watcher = TerminalWatcher(click.echo, partial(click.echo, err=True), given["quiet"])
    try:
        outcomes = run_worklist(
            clip_jobs(inputs, given, threads.video),
            lambda: build_estimator(given, threads.openvino),
            watcher,
            given["fail_fast"],
        )
    finally:
        watcher.close()
    report_worklist(outcomes, given)


@rmpe_command.command()
@click.argument("inputs", nargs=-1)
@output_options
@clip_options
@click.option("--engine", type=click.Choice(["local", "ray"]), default="ray", show_default=True)
@click.option("--address", help="Ray cluster to join; without it Ray runs on this machine.")
@click.option("--workers", default=0, help="Processes; 0: as many as there is room for.")
@click.option("--cpus-per-worker", default=1, show_default=True, help="Cores of each.")
@click.option("--gpus-per-worker", default=0.0, show_default=True, help="GPUs of each, or a part.")
@click.option("--segments", default=1, show_default=True, help="Parts to cut every clip into.")
@estimator_options
def batch(inputs: tuple[str, ...], **given: Any) -> None:
    """Poses of the people in many clips, on many processes or machines with Ray.

    Takes what video takes and leaves the same folders; a second call does what is left. With
    --segments a long clip is worked on in parts and put together again.
    """
    from pipeline.batch import run_batch
    from pipeline.fleet import FleetOptions

    if given["segments"] < 1:
        raise click.UsageError(f"--segments is {given['segments']}, allowed is 1 or more")
    with wrong_use():
        fleet = FleetOptions(
            given["address"], given["workers"], given["cpus_per_worker"], given["gpus_per_worker"]
        )
    jobs = clip_jobs(inputs, given, 1)
    outcomes = run_batch(
        jobs,
        partial(build_on_worker, given),
        fleet if given["engine"] == "ray" else None,
        segments=given["segments"],
        fail_fast=given["fail_fast"],
        quiet=given["quiet"],
        tell=partial(click.echo, err=True),
    )
    report_worklist(outcomes, given)


def build_on_worker(given: dict[str, Any], cores: int) -> PoseEstimator:
    """Return the estimator of a process that may use so many cores."""
    from rmpe.runtimes import limit_threads

    return build_estimator(given, limit_threads(cores).openvino)


@rmpe_command.command()
@click.argument("inputs", nargs=-1, required=True)
@output_options
@click.option("--no-images", is_flag=True, help="Write no annotated pictures.")
@estimator_options
def images(inputs: tuple[str, ...], **given: Any) -> None:
    """Poses of the people in pictures: files or folders, into one folder.

    The folder, STEM_rmpe of the first input by default, gets poses.ndjson, annotated pictures
    and summary.json. A picture that cannot be read is reported; exit code 1.
    """
    from pipeline.clip import OutputPlan
    from pipeline.readers import ImageReader
    from pipeline.readers.finding import find_images, output_folders
    from rmpe.runtimes import limit_threads

    with wrong_use(OSError):
        pictures = find_images(inputs, given["recursive"])
    options = run_options(given)
    estimator = build_estimator(given, limit_threads().openvino)
    plan = OutputPlan(
        output_folders(inputs[:1], given["output"])[0],
        given["formats"],
        video=False,
        images=not given["no_images"],
    )
    reader = partial(ImageReader, pictures, source=inputs[0])
    if not run_one(reader, estimator, plan, options, given):
        sys.exit(1)


@rmpe_command.command()
@click.argument("source", default="0")
@click.option("--policy", default="newest", show_default=True, help="newest, or every frame.")
@click.option("--max-latency", default=0.25, show_default=True, help="Wanted seconds to a result.")
@click.option("--max-backlog", default=250, show_default=True, help="Frames kept with every.")
@click.option("--detect-every", default="auto", show_default=True, help="auto, or every n-th.")
@click.option("--reconnect", default=0.0, help="Try for these seconds to get a lost source back.")
@click.option("--stall", default=5.0, show_default=True, help="Seconds of silence mean it is lost.")
@click.option("--serve", help="Show it in a browser: PORT or HOST:PORT; loopback by default.")
@click.option("--token", default="", help="What viewers of --serve must know.")
@click.option("--record", type=click.Path(file_okay=False), help="Folder to record into.")
@click.option("--segment", help="Record in segments of a time or size: 10m, 500MB.")
@click.option("--no-video", is_flag=True, help="Record no annotated.mp4.")
@click.option("--window/--no-window", default=None, help="A window; default: without --serve.")
@click.option("--track/--no-track", default=True, show_default=True, help="Give identities.")
@click.option("--smooth", is_flag=True, help="Smooth the joints of every person over time.")
@click.option("--quiet", is_flag=True, help="No progress line.")
@estimator_options
def webcam(source: str, **given: Any) -> None:
    """Poses of this moment: camera number, device, RTSP/HTTP/UDP address, - or a clip played live.

    Frames that are older than the network is quick are dropped and counted. Ctrl-C, q in the
    window or the end of the stream ends it; what was recorded is whole.
    """
    from pipeline.live.command import LiveCommand, run_command

    if given["boxes"]:
        raise click.UsageError("--boxes belong to a clip's frames; live frames have none")
    with wrong_use():
        command = LiveCommand.from_options(source, given)
    from rmpe.runtimes import limit_threads

    threads = limit_threads()
    estimator = build_estimator(given, threads.openvino)
    complain = partial(click.echo, err=True)
    ended = run_command(command, estimator, threads.video, click.echo, complain)
    if ended.at_once:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.exit_code)
    if ended.exit_code:
        sys.exit(ended.exit_code)


@rmpe_command.command()
@click.argument("records", type=click.Path(exists=True))
@click.option("--to", "to_format", required=True, help="Format to write.")
@click.option("-o", "--output", type=click.Path(), help="File or folder to write.")
@click.option("--from", "from_format", help="Format of RECORDS, where it is not recognised.")
@click.option("--skeleton", help="Joints of RECORDS, where its format leaves them open.")
@click.option("--fps", default=0.0, help="Frames a second, to give frames a time.")
@click.option("--frames", type=int, help="Frames of the clip: the last may be without people.")
@click.option("--images", type=click.Path(exists=True), help="Folder of the pictures it names.")
@click.option(
    "--rows",
    type=click.Choice(["people", "joints"]),
    default="people",
    show_default=True,
    help="For parquet and csv: what a row is, for every frame.",
)
def convert(records: str, to_format: str, output: str | None, **given: Any) -> None:
    """Convert stored poses between formats; joints are matched by name.

    --to parquet and --to csv write a table for data analysis, which is not read back.
    """
    from pipeline.readers.finding import find_images
    from rmpe.formats import ReadHints, convert_records, get_format, read_records
    from rmpe.formats.table import TABLE_SUFFIXES, write_table
    from rmpe.skeletons import get_skeleton

    with wrong_use(OSError):
        pictures = find_images([given["images"]], False) if given["images"] else []
        table = f".{to_format}" in TABLE_SUFFIXES
        default_name = f"poses.{to_format}" if table else get_format(to_format).output_name
        target = output or default_name
        if table and Path(target).suffix != f".{to_format}":
            raise ValueError(f"{target} does not end in .{to_format}")
        named = given["skeleton"]
        hints = ReadHints(
            skeleton=get_skeleton(named) if named else None,
            fps=given["fps"],
            frame_count=given["frames"],
            image_names=tuple(Path(name).name for name in pictures),
        )
        get_format(given["from_format"] or "native")
    if table:
        stored = read_records(records, given["from_format"], hints)
        count = write_table(target, stored, given["rows"])
        click.echo(f"{count} rows -> {target}")
        return
    count = convert_records(records, target, to_format, given["from_format"], hints)
    click.echo(f"{count} frames -> {target}")


@rmpe_command.command("learn-nms")
@click.argument("candidates", type=click.Path(exists=True))
@click.option("--annotations", required=True, type=click.Path(exists=True), help="The truth.")
@click.option("-o", "--output", default="pose_nms.json", show_default=True, help="File to write.")
@click.option("--start", default="alphapose", show_default=True, help="Set to start from.")
@click.option("--skeleton", default="coco17", show_default=True, help="Joints of the annotations.")
@click.option("--held-out", default=4, show_default=True, help="Keep every Nth picture; 0: none.")
def learn_nms(candidates: str, annotations: str, output: str, **given: Any) -> None:
    """Fit pose-NMS to CANDIDATES, poses that nothing suppressed (--nms none), by their AP."""
    from rmpe.evaluation.learn_nms import fit_pose_nms
    from rmpe.skeletons import get_skeleton

    with wrong_use():
        skeleton = get_skeleton(given["skeleton"])
        lines = fit_pose_nms(
            candidates, annotations, output, given["start"], skeleton, given["held_out"]
        )
    for line in lines:
        click.echo(line)


@rmpe_command.command(context_settings={"default_map": {"min_score": 0.0}})
@click.argument("dataset", type=click.Choice(["coco", "crowdpose", "mpii", "posetrack", "lsp"]))
@click.option("--annotations", required=True, type=click.Path(exists=True), help="The truth.")
@click.option("--predictions", type=click.Path(exists=True), help="Stored poses to score.")
@click.option("--images", type=click.Path(exists=True), help="Pictures to find the poses in.")
@click.option("--detect", is_flag=True, help="Run the detector; otherwise annotated boxes.")
@click.option("--json", "json_file", type=click.Path(), help="Write every figure here.")
@click.option("--report", type=click.Path(), help="Write a page of curves and failures here.")
@click.option("--head-boxes", type=click.Path(exists=True), help="MPII: its gt_valid.mat.")
@click.option("--held-out", is_flag=True, help="LSP: the rows marked as held out alone.")
@click.option("--tracking/--no-tracking", default=True, help="PoseTrack: MOTA and the like too.")
@click.option("--resume", type=click.Path(), help="Keep results here and go on from them.")
@estimator_options
def evaluate(
    dataset: Dataset, annotations: str, predictions: str | None, images: str | None, **given: Any
) -> None:
    """Score stored poses, or an estimator on pictures, by a data set's own rules.

    With both --predictions and --images the pictures are only for the report.
    """
    from rmpe.evaluation import runs

    if predictions is None and images is None:
        raise click.UsageError("give --predictions, or --images to find the poses in")
    if given["report"] and dataset not in ("coco", "crowdpose"):
        raise click.UsageError("--report draws coco and crowdpose scores")
    if predictions is not None:
        rules = {"tracking": given["tracking"], "held_out": given["held_out"]}
        result = runs.evaluate_predictions(dataset, annotations, predictions, **rules)
    else:
        from rmpe.detectors.precomputed import read_boxes

        boxes = read_boxes(given["boxes"]) if given["boxes"] else None
        result = runs.evaluate_images(
            dataset,
            annotations,
            images or "",
            build_estimator({**given, "boxes": not given["detect"]}, 0),
            boxes=boxes,
            annotated_boxes=not given["detect"],
            head_boxes=given["head_boxes"],
            progress_file=given["resume"],
            held_out=given["held_out"],
        )
    for line in result.skipped:
        click.echo(f"skipped: {line}", err=True)
    click.echo("\n".join([*result.table, *result.breakdown]))
    if given["json_file"]:
        runs.write_json(result, given["json_file"])
    if given["report"]:
        from rmpe.evaluation.report import write_report

        write_report(given["report"], result, annotations, images)


@rmpe_command.command()
@click.argument("recipe")
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Folder of the data.")
@click.option("--annotations", type=click.Path(exists=True, path_type=Path), help="Own COCO file.")
@click.option("--images", type=click.Path(exists=True, path_type=Path), help="Its pictures.")
@click.option("--val-annotations", type=click.Path(exists=True, path_type=Path), help="Held out.")
@click.option("--val-images", type=click.Path(exists=True, path_type=Path), help="Its pictures.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--set", "settings", multiple=True, help="Replace a value of the recipe: name=value.")
@click.option("--show", is_flag=True, help="Print the recipe, settings in place, and end.")
@click.option(
    "--start", type=click.Path(exists=True, path_type=Path), help="Weights to start from."
)
@click.option("--teacher", type=click.Path(exists=True, path_type=Path), help="For compact-pose.")
@click.option("--resume", type=click.Path(exists=True, path_type=Path), help="last.ckpt of a run.")
@click.option("--proposals", help="DPG boxes: an .npz file, or a detector to learn them from.")
@click.option("--labels", type=click.Path(exists=True, path_type=Path), help="Of unknown regions.")
@click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), default="auto")
@click.option("--devices", default=1, show_default=True, help="Processes on each machine.")
@click.option("--machines", default=1, show_default=True, help="Machines that train together.")
@click.option("--workers", default=2, show_default=True, help="Processes that make crops.")
def train(recipe: str, show: bool, data: Path | None, output: Path | None, **given: Any) -> None:
    """Train a network by a recipe, on a data set or on own pictures; docs/training.md shows how."""
    from rmpe.training.runs import RunRequest, describe_recipe, run_recipe

    with wrong_use():
        if show:
            click.echo(describe_recipe(recipe, given["settings"]))
            return
        if output is None:
            raise click.UsageError("give --output, the folder of the run")
        logging.getLogger("rmpe").setLevel(logging.INFO)
        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
        request = RunRequest(**given, progress=sys.stderr.isatty())
        click.echo(run_recipe(recipe, data, output, request))


@rmpe_command.command()
@click.option("--people", default=6, show_default=True, help="People in the scene.")
@click.option("--frames", default=150, show_default=True, help="Length of the clip at 25 fps.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same scene.")
@click.option("--width", default=960, show_default=True, help="Columns of the picture.")
@click.option("--height", default=540, show_default=True, help="Rows of the picture.")
@click.option("--pan", default=0.0, show_default=True, help="Turn of the camera, radians.")
@click.option("--detect-every", default=1, show_default=True, help="Detect in every n-th frame.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Annotated clip to write.")
@estimator_options
def demo(**given: Any) -> None:
    """Render people whose places are known, run on them, and print what was found."""
    from pipeline.demo import run_demo
    from pipeline.writers import VideoWriter, Writer
    from rmpe.runtimes import limit_threads
    from rmpe.synthetic import walkers_scene
    from tracking import OnlineTracker

    frames, size = given["frames"], (given["width"], given["height"])
    if frames < 1 or min(size) < 16:
        raise click.UsageError("needed are --frames of 1 or more, --width and --height of 16")
    with wrong_use():
        scene = walkers_scene(
            given["people"], *size, given["seed"], pan=given["pan"], duration_s=max(frames / 25, 4)
        )
    options = run_options({**given, "formats": ()})
    threads = limit_threads()
    estimator = build_estimator(given, threads.openvino)
    writers: list[tuple[str, Writer]] = []
    if given["output"]:
        video_writer = VideoWriter(
            given["output"], estimator.skeleton, scene.fps, threads=threads.video
        )
        writers.append(("video", video_writer))
    report = run_demo(scene, frames, estimator, OnlineTracker(), options=options, writers=writers)
    click.echo("\n".join(report.table()))


@rmpe_command.command()
@click.argument("records", type=click.Path(exists=True))
@click.option("--video", help="The clip; by default the one that RECORDS name.")
@click.option("--images", multiple=True, help="Pictures or their folder, in place of a clip.")
@click.option("-o", "--output", type=click.Path(), help="File to write; a folder for pictures.")
@click.option("--from", "from_format", help="Format of RECORDS, where it is not recognised.")
@click.option("--skeleton", help="Joints of RECORDS, where its format leaves them open.")
@click.option(
    "--min-joint-score", default=0.3, show_default=True, help="Leave out joints below it."
)
@click.option("--no-limbs", is_flag=True, help="Draw no limbs and joints.")
@click.option("--no-boxes", is_flag=True, help="Draw no boxes.")
@click.option("--no-ids", is_flag=True, help="Write no ids.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def render(records: str, video: str | None, images: tuple[str, ...], **given: Any) -> None:
    """Draw stored poses onto their clip or pictures; no network is run.

    Writes rendered.mp4, or for pictures the folder rendered, beside RECORDS by default.
    """
    from pathlib import Path

    from tqdm import tqdm

    from pipeline.readers import ImageReader, VideoReader
    from pipeline.readers.finding import find_images
    from pipeline.render import render_records
    from rmpe.drawing import DrawingStyle
    from rmpe.formats import ReadHints, read_records
    from rmpe.runtimes import limit_threads
    from rmpe.skeletons import get_skeleton

    if video and images:
        raise click.UsageError("give --video or --images, not both")
    with wrong_use():
        joints = get_skeleton(given["skeleton"]) if given["skeleton"] else None
        stored = read_records(records, given["from_format"], ReadHints(skeleton=joints))
    threads = limit_threads()
    reader: Reader
    with wrong_use(OSError):
        if images or (stored.header.image_names and not video):
            pictures = find_images(images or (stored.header.source,))
            reader = ImageReader(pictures, source=str(pictures[0].parent))
        else:
            reader = VideoReader(video or stored.header.source, threads=threads.video)
    name = "rendered" if reader.info.image_names else "rendered.mp4"
    output = Path(given["output"] or Path(records).parent / name)
    style = DrawingStyle(
        min_joint_score=given["min_joint_score"],
        limbs=not given["no_limbs"],
        boxes=not given["no_boxes"],
        ids=not given["no_ids"],
    )
    tqdm.monitor_interval = 0  # no thread of its own; every frame moves the bar
    hidden = given["quiet"] or not sys.stderr.isatty()
    expected = reader.info.frames_expected or None
    with tqdm(total=expected, unit="frame", disable=hidden, dynamic_ncols=True) as bar:
        count = render_records(
            reader,
            stored,
            output,
            style=style,
            video_threads=threads.video,
            on_frame=lambda _: bar.update(),
        )
    click.echo(f"{count} frames -> {output}")


@rmpe_command.command()
@click.argument("records", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("-o", "--output", default="report.html", show_default=True, help="Page to write.")
@click.option("--title", default="", help="Heading; by default the name of the clip.")
@click.option("--video", type=click.Path(exists=True), help="The clip, if RECORDS name it wrongly.")
@click.option(
    "--clip",
    "mode",
    type=click.Choice(["auto", "embed", "link", "strip", "none"]),
    default="auto",
    show_default=True,
    help="Put the clip into the page, link to its file, or take a strip of small pictures.",
)
@click.option("--embed-up-to", default=25.0, show_default=True, help="MB that auto puts in.")
@click.option("--from", "from_format", help="Format of RECORDS, where it is not recognised.")
@click.option("--skeleton", help="Joints of RECORDS, where its format leaves them open.")
@click.option("--fps", default=0.0, help="Frames a second, where RECORDS do not say.")
def report(records: tuple[str, ...], output: str, mode: ClipMode, **given: Any) -> None:
    """Make one HTML page to look at stored poses: picture, timeline, scores; no network needed.

    Several RECORDS come onto one page with a selector.
    """
    from rmpe.formats import ReadHints
    from rmpe.report import PictureOptions, ReportOptions, write_report
    from rmpe.skeletons import get_skeleton

    with wrong_use(OSError):
        joints = get_skeleton(given["skeleton"]) if given["skeleton"] else None
        options = ReportOptions(
            title=given["title"],
            clip=Path(given["video"]) if given["video"] else None,
            pictures=PictureOptions(mode, int(given["embed_up_to"] * 1e6)),
            format_name=given["from_format"],
            hints=ReadHints(skeleton=joints, fps=given["fps"]),
        )
        written = write_report(output, records, options)
    for warning in written.warnings:
        click.echo(f"warning: {warning}", err=True)
    for clip in written.clips:
        click.echo(f"{clip.name}: {clip.frames} frames, {clip.identities} ids, {clip.shown}")
    click.echo(f"{written.size_bytes / 1e6:.1f} MB -> {output}")


@rmpe_command.command()
@click.argument("records", type=click.Path(exists=True))
@click.option("--video", help="The clip; by default the one that RECORDS name.")
@click.option("--images", multiple=True, help="Pictures or their folder, in place of a clip.")
@click.option("-o", "--output", type=click.Path(), help="File to write; tracked.ndjson by default.")
@click.option("--to", "to_format", default="native", show_default=True, help="Format to write.")
@click.option("--from", "from_format", help="Format of RECORDS, where it is not recognised.")
@click.option("--skeleton", help="Joints of RECORDS, where its format leaves them open.")
@click.option("--offline", is_flag=True, help="See the whole clip: merge and join whole flows.")
@click.option("--smooth", is_flag=True, help="Smooth the joints of every person over time.")
@click.option("--reference", is_flag=True, help="Rules of the public PoseFlow, not our own.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def track(records: str, video: str | None, images: tuple[str, ...], **given: Any) -> None:
    """Give stored poses identities, anew and without a network; pictures come from the clip."""
    from pathlib import Path

    from tqdm import tqdm

    from pipeline.readers import ImageReader, VideoReader
    from pipeline.readers.finding import find_images
    from pipeline.retrack import retrack_records
    from rmpe.formats import ReadHints, get_format, read_records
    from rmpe.runtimes import limit_threads
    from rmpe.skeletons import get_skeleton
    from tracking import DEFAULT, POSEFLOW_REFERENCE, OneEuroSmoother

    if video and images:
        raise click.UsageError("give --video or --images, not both")
    output = Path(given["output"] or Path(records).parent / "tracked.ndjson")
    if output.exists() and output.samefile(records):
        raise click.UsageError(f"{output} is the file to read; give another --output")
    with wrong_use():
        joints = get_skeleton(given["skeleton"]) if given["skeleton"] else None
        target = get_format(given["to_format"])
        stored = read_records(records, given["from_format"], ReadHints(skeleton=joints))
    threads = limit_threads()
    reader: Reader
    with wrong_use(OSError):
        if images or (stored.header.image_names and not video):
            pictures = find_images(images or (stored.header.source,))
            reader = ImageReader(pictures, source=str(pictures[0].parent))
        else:
            reader = VideoReader(video or stored.header.source, threads=threads.video)
    hidden = given["quiet"] or not sys.stderr.isatty()
    expected = reader.info.frames_expected or None
    with tqdm(total=expected, unit="frame", disable=hidden, dynamic_ncols=True) as bar:
        people = retrack_records(
            reader,
            stored,
            lambda header: target.writer(output, header),
            parameters=POSEFLOW_REFERENCE if given["reference"] else DEFAULT,
            whole_clip=given["offline"],
            smoother=OneEuroSmoother() if given["smooth"] else None,
            on_frame=lambda _: bar.update(),
        )
    click.echo(f"{people} people -> {output}")


@rmpe_command.group()
def weights() -> None:
    """Published checkpoints: what there is, what a file holds, fetching, checking."""


def fetch_options(command: F) -> F:
    """Add the options that say where fetched files come from and go to."""
    options = [
        click.option("--cache-dir", type=click.Path(file_okay=False), help="Folder of the files."),
        click.option("--offline", is_flag=True, help="Take files from the cache only."),
        click.option("--mirror", help="Address in place of the publisher's https://host."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def chosen_fetch_options(given: dict[str, Any]) -> FetchOptions:
    """Return the options given, the environment's where none was."""
    from rmpe.zoo.download import FetchOptions

    chosen: dict[str, Any] = {}
    if given["cache_dir"]:
        chosen["cache_dir"] = Path(given["cache_dir"])
    if given["offline"]:
        chosen["offline"] = True
    if given["mirror"]:
        chosen["mirror"] = given["mirror"]
    return FetchOptions(**chosen)


@weights.command("list")
@click.argument("containing", default="")
@click.option("--kind", type=click.Choice(["pose", "detector", "all"]), default="pose")
@click.option("--dataset", default="", help="Only those of COCO, MPII, CrowdPose or PoseTrack18.")
@fetch_options
def weights_list(containing: str, kind: Kind, dataset: str, **given: Any) -> None:
    """List the checkpoints with a direct address; * marks those that are fetched."""
    from rmpe.zoo.describe import list_entries, render_entries

    for line in render_entries(
        list_entries(kind, dataset, containing), chosen_fetch_options(given)
    ):
        click.echo(line)


@weights.command("show")
@click.argument("source")
@fetch_options
def weights_show(source: str, **given: Any) -> None:
    """Show what a checkpoint FILE holds, or a catalogue entry by NAME."""
    from rmpe.zoo.describe import describe

    with wrong_use():
        facts = describe(source, chosen_fetch_options(given))
    for label, value in facts:
        click.echo(f"{label:>14}  {value}")


@weights.command("fetch")
@click.argument("names", nargs=-1, required=True)
@fetch_options
def weights_fetch(names: tuple[str, ...], **given: Any) -> None:
    """Fetch catalogue entries, going on where a fetch was interrupted."""
    from tqdm import tqdm

    from rmpe.zoo.catalogue import find_entry
    from rmpe.zoo.download import fetch

    with wrong_use():
        entries = [find_entry(name) for name in names]
    tqdm.monitor_interval = 0
    for entry in entries:
        with tqdm(unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

            def advance(done: int, total: int, bar: Any = bar) -> None:
                bar.total = total or None
                bar.update(done - bar.n)

            path = fetch(entry.address, entry.sha256_prefix, chosen_fetch_options(given), advance)
        click.echo(str(path))


@weights.command("check")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@fetch_options
def weights_check(files: tuple[str, ...], **given: Any) -> None:
    """Check the hash and the content of FILES, or of every fetched file."""
    from rmpe.zoo.describe import cached_files, check_file

    paths = [Path(file) for file in files] or cached_files(chosen_fetch_options(given))
    failed = 0
    for path in paths:
        try:
            click.echo(f"{path.name}: {check_file(path)}")
        except (ValueError, OSError) as error:
            failed += 1
            click.echo(f"error: {error}", err=True)
    click.echo(f"{len(paths) - failed} of {len(paths)} files are right")
    if failed:
        raise click.exceptions.Exit(1)


def main() -> None:
    """Run the command line; exit code 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        rmpe_command(prog_name="rmpe", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        # Everything is written and closed by now; a network's call that is still running would
        # hold up, or crash, an orderly end of the interpreter.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(130)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (ValueError, OSError, RuntimeError) as error:
        logging.getLogger("rmpe").info("the failure in full", exc_info=True)
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
