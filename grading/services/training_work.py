"""Training runs as their worker sees them: every write is guarded by the attempt number, as with grading jobs."""

from __future__ import annotations

import contextlib
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from courses.transitions import TransitionLost, move, move_all
from grading.models import (
    ExampleState,
    ModelVersion,
    TrainingPoint,
    TrainingRun,
    TrainingState,
)
from grading.services.claiming import claims
from grading.services.training import training_directory
from grading.services.versions import version_register
from gradingsite import tallies
from mlcore.config import TrainProgress, TrainTask

CHECKPOINT_KEPT = timedelta(days=14)
ATTEMPTS = 2  # a lost run resumes once from its checkpoint
WORKING = (TrainingState.PREPARING, TrainingState.TRAINING, TrainingState.EVALUATING)


@claims
def training_claim(*, worker: str) -> TrainingRun | None:
    """Take the oldest queued training run, or None where there is none."""
    with transaction.atomic():
        queued = TrainingRun.objects.filter(state=TrainingState.QUEUED).order_by("pk")
        run = queued.select_for_update(skip_locked=True, of=("self",)).first()
        if run is None:
            return None
        now = timezone.now()
        move(
            run,
            TrainingState.PREPARING,
            attempt=run.attempt + 1,
            worker=worker,
            heartbeat_at=now,
            started_at=run.started_at or now,
            stage="preparing",
            task="",
        )
    return run


def training_heartbeat(*, run: TrainingRun) -> str:
    """Renew the lease on a run; "ours", "cancel" where somebody asked for its end, or "lost"."""
    if not _ours(run).update(heartbeat_at=timezone.now()):
        return "lost"
    asked = _ours(run).exclude(cancel_requested_at=None).exists()
    return "cancel" if asked else "ours"


def training_stage(*, run: TrainingRun, to: TrainingState) -> None:
    """Move a run on.

    Raises:
        TransitionLost: it is not ours any more.
    """
    if run.state != to:
        move(run, to, guard={"attempt": run.attempt}, heartbeat_at=timezone.now())


def training_progress_write(*, run: TrainingRun, progress: TrainProgress, with_point: bool) -> None:
    """Write how far a run is, with a point of its loss curve where one is due."""
    alive = _ours(run).update(
        stage=progress.stage,
        step=progress.step,
        steps=progress.steps,
        memory_bytes=progress.memory_bytes,
        heartbeat_at=timezone.now(),
        task="",
    )
    if alive and with_point and (progress.train_loss is not None or progress.validation_loss is not None):
        TrainingPoint.objects.create(
            run=run,
            stage=progress.stage,
            step=progress.step,
            train_loss=progress.train_loss,
            validation_loss=progress.validation_loss,
            learning_rate=progress.learning_rate,
            seconds=progress.seconds,
        )


def training_task_write(*, run: TrainingRun, task: TrainTask, begins: bool) -> None:
    """Write what a run is at beside its steps, and how far that is."""
    now = timezone.now()
    since = {"task_since": now} if begins else {}
    _ours(run).update(task=task.what, task_done=task.done, task_of=task.of, heartbeat_at=now, **since)


def training_finish(*, run: TrainingRun, directory: Path, evaluation: dict[str, Any]) -> ModelVersion:
    """Register what a run made as a candidate.

    Raises:
        TransitionLost: the run was cancelled or claimed again; nothing is registered.
    """
    with transaction.atomic():
        version = version_register(directory=directory, by=run.requested_by, evaluation=evaluation, course=run.course)
        move(
            run,
            TrainingState.SUCCEEDED,
            guard={"attempt": run.attempt},
            version=version,
            base_revision=version.base_revision,
            finished_at=timezone.now(),
            error_code="",
            error_detail="",
        )
    return version


def training_end(*, run: TrainingRun, to: TrainingState, code: str, detail: str = "") -> None:
    """End a run without a result, in words that its page shows. Nothing where it is not ours any more."""
    if to == TrainingState.FAILED:
        tallies.count("training_errors", kind=code)
    with contextlib.suppress(TransitionLost):
        move(
            run,
            to,
            guard={"attempt": run.attempt},
            finished_at=timezone.now(),
            error_code=code,
            error_detail=detail.replace("\0", "")[:4000],
        )


def training_give_back(*, run: TrainingRun, count: bool) -> None:
    """Put a run back to be resumed from its checkpoint: its worker is stopping (`count` False), or its training
    process died and has one more try."""
    fields: dict[str, Any] = {} if count else {"attempt": run.attempt - 1}
    with contextlib.suppress(TransitionLost):
        move(run, TrainingState.QUEUED, guard={"attempt": run.attempt}, worker="", **fields)


def training_release_stale() -> int:
    """Take back the runs of lost workers: once to resume, then to fail; what was to be cancelled is. Runs touched."""
    before = timezone.now() - timedelta(seconds=settings.LEASE_SECONDS)
    stale = TrainingRun.objects.filter(state__in=WORKING, heartbeat_at__lt=before)
    now = timezone.now()
    with transaction.atomic():
        cancelled = move_all(
            stale.exclude(cancel_requested_at=None),
            WORKING,
            TrainingState.CANCELLED,
            finished_at=now,
            error_code="cancelled",
        )
        failed = move_all(
            stale.filter(attempt__gte=ATTEMPTS),
            WORKING,
            TrainingState.FAILED,
            finished_at=now,
            error_code="training_worker_lost",
        )
        return cancelled + failed + move_all(stale, WORKING, TrainingState.QUEUED, worker="")


def checkpoints_forget() -> int:
    """Remove the checkpoints of runs that ended without a result weeks ago; the number removed."""
    before = timezone.now() - CHECKPOINT_KEPT
    ended = TrainingRun.objects.filter(state__in=(TrainingState.CANCELLED, TrainingState.FAILED))
    number = 0
    for run in ended.filter(finished_at__lt=before, finished_at__gt=before - CHECKPOINT_KEPT):
        left = training_directory(run) / "trained.partial"
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
            number += 1
    return number


def frozen_rows(run: TrainingRun) -> dict[str, list[dict[str, Any]]]:
    """The rows of a run by side, without those that were excluded since (withdrawn, deleted).

    Raises:
        ValueError: an example is not what was frozen.
    """
    sides: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "held_out": []}
    kept = Q(example__state=ExampleState.ACCEPTED)
    for entry in run.run_examples.filter(kept).select_related("example").order_by("pk"):
        if entry.example is None or entry.example.content_hash != entry.content_hash:
            raise ValueError(f"training example {entry.example_id} was changed after the run was started")
        sides[entry.split].append(entry.example.row)
    return sides


def _ours(run: TrainingRun) -> QuerySet[TrainingRun]:
    return TrainingRun.objects.filter(pk=run.pk, attempt=run.attempt, worker=run.worker, state__in=WORKING)
