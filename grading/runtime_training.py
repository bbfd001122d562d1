"""Training in a worker process: a run from claim to a candidate version. The training itself is a child process."""

from __future__ import annotations

import json
import logging
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from courses.transitions import TransitionLost
from grading.exceptions import VersionExists, VersionUnusable
from grading.models import ModelVersion, TrainingRun, TrainingState, WorkerKind
from grading.runtime_pulse import Lease, Pulse, pulse
from grading.services import training_work as work
from grading.services.training import (
    HELD_OUT_FILE,
    TRAIN_FILE,
    VALIDATION_FILE,
    base_config,
    result_name,
    training_directory,
)
from grading.services.versions import version_directory
from grading.services.workers import marking_beside
from gradingsite import logs
from mlcore import threads
from mlcore.base import BaseModelError, describe_base
from mlcore.config import TrainConfig, TrainProgress, TrainTask
from mlcore.files import write_whole

log = logging.getLogger(__name__)

POINT_SECONDS = 2.0  # between two points of a loss curve
ROW_SECONDS = 1.0  # between two writes of how far a run is
SILENCE_SECONDS = 3600.0  # a training that says nothing for so long hangs
GRACE_SECONDS = 10.0  # to write a checkpoint after "stop"

Event = dict[str, Any]


def train_queued() -> None:
    """Run the queued training runs, one after the other."""
    heart = pulse(WorkerKind.TRAINING)
    while not heart.stopping.is_set():
        run = work.training_claim(worker=heart.name)
        if run is None:
            return
        train_run(run, heart)


def train_run(run: TrainingRun, heart: Pulse) -> None:
    """One run to its end, whatever that is."""
    with logs.about(training=run.pk):
        log.info("training run %s begins, attempt %s", run.pk, run.attempt)
        _train_run(run, heart)
        log.info("training run %s: %s", run.pk, run.state)


def _train_run(run: TrainingRun, heart: Pulse) -> None:
    try:
        job = prepare(run)
    except BaseModelError as error:
        log.error("training run %s: %s", run.pk, error)
        work.training_end(run=run, to=TrainingState.FAILED, code="base_unreadable", detail=str(error))
        return
    except (OSError, ValueError) as error:
        log.exception("training run %s could not be prepared", run.pk)
        work.training_end(run=run, to=TrainingState.FAILED, code="training_data", detail=str(error))
        return
    cancel = threading.Event()

    def beat() -> bool:
        said = work.training_heartbeat(run=run)
        if said == "cancel":
            cancel.set()
        return said != "lost"

    with heart.holding(beat) as lease:
        last = _follow(run, job, heart, lease, cancel)
    if lease.lost.is_set():
        return  # somebody else has the run, or it was ended: not ours to write any more
    _conclude(run, last, heart, cancel)


def prepare(run: TrainingRun) -> Path:
    """Write the frozen examples and the job file below the run's directory.

    Raises:
        BaseModelError: the base model is missing, or another one than when the run was started.
        ValueError: the frozen examples were changed, or nothing is left of a side.
    """
    _check_base(run)
    directory = training_directory(run)
    directory.mkdir(parents=True, exist_ok=True)
    rows = work.frozen_rows(run)
    for side, name in (("train", TRAIN_FILE), ("validation", VALIDATION_FILE), ("held_out", HELD_OUT_FILE)):
        write_whole(directory / name, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows[side]))
    if not rows["train"] or not rows["held_out"]:
        raise ValueError("the examples of this run were withdrawn or deleted since it was started")
    body = {
        "config": _config(run, directory).to_json(),
        "marking_base": asdict(base_config()),
        "result": str(_result(run)),
        "held_out": str(directory / HELD_OUT_FILE),
        "in_use": _directory_of(ModelVersion.objects.in_use(run.course_id)),
        "carry_from": _directory_of(run.start_from or ModelVersion.objects.in_use(run.course_id)),
    }
    return write_whole(directory / "job.json", json.dumps(body, indent=1, default=str))


def _check_base(run: TrainingRun) -> None:
    found = describe_base(settings.MARGINALIA_BASE_DIR).revision[:100]
    if run.base_revision and run.base_revision != found:
        raise BaseModelError("the base model was exchanged since this run was started; start a new one")


def _config(run: TrainingRun, directory: Path) -> TrainConfig:
    """The frozen configuration with this machine's paths."""
    frozen = {key: value for key, value in run.config.items() if key != "split_by"}
    here = {
        "output": str(directory / "trained"),
        "train_files": [str(directory / TRAIN_FILE)],
        "validation_files": [str(directory / VALIDATION_FILE)],
        "base": {**frozen["base"], "directory": str(settings.MARGINALIA_BASE_DIR)},
        "start_from": _directory_of(run.start_from),
        "name": result_name(run),
    }
    return TrainConfig.from_json({**frozen, **here})


def _directory_of(version: ModelVersion | None) -> str | None:
    return str(version_directory(version)) if version else None


def _result(run: TrainingRun) -> Path:
    return Path(settings.MARGINALIA_VERSIONS_DIR) / result_name(run)


@contextmanager
def _child(job: Path) -> Iterator[subprocess.Popen[str]]:
    """The training process; it is gone when this is left."""
    with (job.parent / "log.txt").open("a") as log_file:
        child = subprocess.Popen(
            [*_launcher(settings.TRAINING_PROCESSES), "-m", "grading.runtime_child", str(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log_file,
            cwd=settings.BASE_DIR,
            text=True,
            env=threads.training_environment(beside_marking=marking_beside()),
            start_new_session=True,  # see threads.step_back
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()


def _launcher(processes: int) -> list[str]:
    """What starts the training: Python, or `accelerate launch` for several processes that share the work."""
    if processes < 2:
        return [sys.executable]
    several = ["--multi_gpu", "--num_processes", str(processes), "--num_machines", "1"]
    plain = ["--mixed_precision", "no", "--dynamo_backend", "no"]
    return [sys.executable, "-m", "accelerate.commands.launch", *several, *plain]


def _follow(run: TrainingRun, job: Path, heart: Pulse, lease: Lease, cancel: threading.Event) -> Event:
    """Start the training and write its progress until it ends; the last thing that it said."""
    with _child(job) as child:
        events: queue.Queue[Event] = queue.Queue()
        threading.Thread(target=_read, args=(child, events), daemon=True).start()
        writer = ProgressWriter(run)
        heard, asked = time.monotonic(), 0.0
        while True:
            try:
                event = events.get(timeout=0.5)
                heard = time.monotonic()
            except queue.Empty:
                event = {"event": "silence"}
            if event["event"] in {"done", "stopped", "error", "end"}:
                return event | {"exit": child.wait() if event["event"] == "end" else 0}
            try:
                writer.write(event)
            except TransitionLost:
                lease.lost.set()
            if lease.lost.is_set():
                return {"event": "lost"}
            if time.monotonic() - heard > SILENCE_SECONDS:
                return {"event": "error", "code": "training_silent", "detail": ""}
            if not asked and (cancel.is_set() or heart.stopping.is_set()):
                asked = time.monotonic()
                _ask_to_stop(child)
            if asked and time.monotonic() - asked > GRACE_SECONDS:
                return {"event": "stopped"}


def _ask_to_stop(child: subprocess.Popen[str]) -> None:
    with suppress(OSError):
        print("stop", file=child.stdin, flush=True)


def _read(child: subprocess.Popen[str], events: queue.Queue[Event]) -> None:
    with suppress(ValueError, OSError):  # the pipe is closed under us when the child is killed
        for line in child.stdout or ():
            events.put(json.loads(line))
    events.put({"event": "end"})


class ProgressWriter:
    """Writes what the child says to the rows, not more often than anybody reads them."""

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self._row_at = self._point_at = 0.0
        self._stage = ""
        self._task = ""
        self._validation: float | None = None

    def write(self, event: Event) -> None:
        """Write an event down.

        Raises:
            TransitionLost: the run is not ours any more.
        """
        if event["event"] == "evaluating":
            work.training_stage(run=self.run, to=TrainingState.TRAINING)
            work.training_stage(run=self.run, to=TrainingState.EVALUATING)
            work.training_progress_write(run=self.run, progress=TrainProgress("evaluating"), with_point=False)
        elif event["event"] == "progress":
            progress = TrainProgress(**{key: value for key, value in event.items() if key != "event"})
            if progress.stage in {"scorer", "feedback"}:
                work.training_stage(run=self.run, to=TrainingState.TRAINING)
            self._task = ""
            self._progress(progress)
        elif event["event"] == "task":
            self._told(TrainTask(**{key: value for key, value in event.items() if key != "event"}))

    def _told(self, task: TrainTask) -> None:
        now, fresh = time.monotonic(), task.what != self._task
        if fresh or now - self._row_at > ROW_SECONDS:
            work.training_task_write(run=self.run, task=task, begins=fresh)
            self._row_at, self._task = now, task.what

    def _progress(self, progress: TrainProgress) -> None:
        now = time.monotonic()
        measured = progress.validation_loss is not None and progress.validation_loss != self._validation
        fresh = progress.stage != self._stage
        if fresh:
            # A resumed training tells its curve again from its checkpoint on.
            self.run.points.filter(stage=progress.stage, step__gte=progress.step).delete()
        last = bool(progress.steps) and progress.step == progress.steps
        with_point = measured or fresh or last or now - self._point_at > POINT_SECONDS
        if with_point or now - self._row_at > ROW_SECONDS:
            work.training_progress_write(run=self.run, progress=progress, with_point=with_point)
            self._row_at = now
            self._point_at = now if with_point else self._point_at
            self._stage, self._validation = progress.stage, progress.validation_loss


def _conclude(run: TrainingRun, last: Event, heart: Pulse, cancel: threading.Event) -> None:
    if last["event"] == "done":
        _register(run, last["evaluation"])
    elif cancel.is_set():
        # Its checkpoint is kept, so that it can go on after all; upkeep removes it some weeks later.
        work.training_end(run=run, to=TrainingState.CANCELLED, code="cancelled")
        _clear(run, checkpoint=False)
    elif last["event"] == "stopped" or heart.stopping.is_set():
        work.training_give_back(run=run, count=False)
    elif last["event"] == "error":
        work.training_end(run=run, to=TrainingState.FAILED, code=last["code"], detail=last["detail"])
        _clear(run)
    elif run.attempt < work.ATTEMPTS:
        work.training_give_back(run=run, count=True)
    else:
        detail = f"the training process ended without a word (exit code {last.get('exit')})"
        work.training_end(run=run, to=TrainingState.FAILED, code="training_failed", detail=detail)
        _clear(run, checkpoint=False)


def _register(run: TrainingRun, evaluation: dict[str, Any]) -> None:
    in_use = ModelVersion.objects.in_use(run.course_id)
    evaluation |= {"in_use_name": in_use.name if in_use else "", "split_by": run.config.get("split_by", "")}
    try:
        work.training_finish(run=run, directory=_result(run), evaluation=evaluation)
    except TransitionLost:
        _clear(run)
    except (VersionUnusable, VersionExists) as error:
        work.training_end(run=run, to=TrainingState.FAILED, code="adapter_unreadable", detail=error.message)


def _clear(run: TrainingRun, *, checkpoint: bool = True) -> None:
    """Remove what an ended run leaves behind, as long as no version is made of it; its checkpoint only if asked to."""
    if checkpoint:
        shutil.rmtree(training_directory(run) / "trained.partial", ignore_errors=True)
    shutil.rmtree(training_directory(run) / "trained", ignore_errors=True)
    if not ModelVersion.objects.filter(name=result_name(run)).exists():
        shutil.rmtree(_result(run), ignore_errors=True)
