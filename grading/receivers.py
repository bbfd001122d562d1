"""What grading does when courses says that a submission is ready, and when a worker process starts and stops."""

from __future__ import annotations

import os
from typing import Any

from celery.signals import worker_init, worker_process_init, worker_process_shutdown, worker_ready, worker_shutdown
from django.conf import settings
from django.dispatch import receiver

from courses.models import Submission
from courses.signals import submission_ready
from gradingsite import codes
from mlcore import threads


@receiver(submission_ready)
def replace_earlier(sender: Any, submission: Submission, replaces: bool = True, **kwargs: Any) -> None:
    """What was proposed for the answer that this one replaces is of no use any more."""
    from grading.services.replaced import submission_replaced

    if replaces:
        submission_replaced(submission=submission)


@worker_init.connect
def settle_computing(**kwargs: Any) -> None:
    """Said before the processes that work are forked, and so before any of them loads torch."""
    threads.settle()
    os.environ["MARGINALIA_TIMINGS_DIR"] = str(settings.MARGINALIA_TIMINGS_DIR)


@worker_init.connect
def share_stop_flag(**kwargs: Any) -> None:
    """The flag must be there before the processes that work are forked."""
    from grading import runtime_pulse

    runtime_pulse.stopping.clear()
    # Before anything can change the files of this code under it.
    codes.remember()


@worker_ready.connect
def watch_for_shutdown(**kwargs: Any) -> None:
    from grading import runtime_pulse

    runtime_pulse.watch_for_shutdown()
    runtime_pulse.start_main()


@worker_process_init.connect
def start_pulse(**kwargs: Any) -> None:
    """Runs in the process that will do the work, with every kind of pool. It must be quick: no model is loaded here."""
    from grading import runtime_pulse

    runtime_pulse.start()


@worker_shutdown.connect
@worker_process_shutdown.connect
def stop_pulse(**kwargs: Any) -> None:
    from grading import runtime_pulse

    runtime_pulse.stop()
