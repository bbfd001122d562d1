"""What beat does every few seconds: make good what a lost worker or a lost message left behind."""

from __future__ import annotations

from grading import tasks
from grading.models import (
    GradingJob,
    JobState,
    Pilot,
    PilotState,
    Rewrite,
    RewriteState,
    TrainingRun,
    TrainingState,
    Trial,
    TrialState,
)
from grading.services import regrade_mails
from grading.services.jobs import jobs_release_stale
from grading.services.mails import untold
from grading.services.pilots import pilots_release_stale
from grading.services.release_plans import releases_due
from grading.services.rewrites import rewrites_release_stale
from grading.services.training_work import checkpoints_forget, training_release_stale
from grading.services.trials import trials_release_stale
from grading.services.workers import workers_forget


def sweep() -> None:
    jobs_release_stale()
    rewrites_release_stale()
    pilots_release_stale()
    trials_release_stale()
    checkpoints_forget()
    training_release_stale()
    workers_forget()
    releases_due()
    waiting = (
        GradingJob.objects.filter(state=JobState.QUEUED),
        Rewrite.objects.filter(state=RewriteState.QUEUED),
        Pilot.objects.filter(state=PilotState.QUEUED),
        Trial.objects.filter(state=TrialState.QUEUED),
    )
    if any(rows.exists() for rows in waiting):
        tasks.wake_marking()
    if TrainingRun.objects.filter(state=TrainingState.QUEUED).exists():
        tasks.wake_training()
    # The mails of a release are sent by its own message; this is for those whose message or mail server was away.
    late = list(untold().order_by("pk").values_list("pk", flat=True)[:500])
    if late:
        tasks.send_on_commit(tasks.mail_released, late)
    if regrade_mails.untold().exists():
        tasks.send_on_commit(tasks.mail_regrades)
