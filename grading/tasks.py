"""What the broker's messages call. The rows are the queue: a message only wakes a worker, so one that is lost or that
comes twice does no harm. Beat sends `sweep` every few seconds, which wakes again for rows that were left behind."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

# Seconds from a mark to the corrections that follow from it and from all that are given meanwhile.
CORRECTING_WAITS = 2


@shared_task(ignore_result=True)
def mark_next() -> None:
    """Mark what is queued, for a while."""
    from grading import runtime

    runtime.mark_queued()
    runtime.warm_up()


@shared_task(ignore_result=True)
def train_next() -> None:
    """Run the training runs that are queued, one after the other."""
    from grading import runtime_training

    runtime_training.train_queued()


@shared_task(ignore_result=True, expires=60)
def sweep() -> None:
    """Take back what lost workers held, and wake workers for what waits."""
    from grading.services import upkeep

    upkeep.sweep()


@shared_task(ignore_result=True, expires=3600)
def retention() -> None:
    """Announce and do what the courses' retention periods ask for."""
    from grading.services import retention

    retention.retention_sweep()


@shared_task(ignore_result=True)
def mail_released(grade_ids: list[int]) -> None:
    """Tell students that their grades are there."""
    from grading.services import mails

    mails.released_mails_send(grade_ids=grade_ids)


@shared_task(ignore_result=True)
def mail_regrades() -> None:
    """Tell teachers of requests for a regrade, and students of the answers."""
    from grading.services import regrade_mails

    regrade_mails.regrade_mails_send()


@shared_task(ignore_result=True)
def correct_proposals(assignment_id: int) -> None:
    """Correct the proposals of an assignment that still wait by the marks given so far."""
    from grading.services import corrections

    corrections.corrections_update(assignment_id=assignment_id)


def wake_correcting(assignment_id: int) -> None:
    """Have an assignment's proposals corrected, once for all marks given at about the same time."""
    if cache.add(f"correcting-{assignment_id}", True, timeout=CORRECTING_WAITS):
        transaction.on_commit(lambda: _send(correct_proposals, (assignment_id,), CORRECTING_WAITS), robust=True)


def wake_marking() -> None:
    """Wake a marking worker once the rows are committed."""
    send_on_commit(mark_next)


def wake_training() -> None:
    send_on_commit(train_next)


def send_on_commit(task: Any, *args: Any) -> None:
    """Send after the commit. With the broker away the person's act still counts, and beat wakes the workers later."""
    # A lambda and no partial: when a robust hook fails, Django logs its __qualname__.
    transaction.on_commit(lambda: _send(task, args), robust=True)


def _send(task: Any, args: tuple[Any, ...], countdown: float = 0) -> None:
    try:
        task.apply_async(args, countdown=countdown)
    except OperationalError as error:
        log.warning("%s could not be sent, beat will make up for it: %s", task.name, error)
