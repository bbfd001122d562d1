from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment, Submission
from grading.models.versions import ModelVersion
from grading.querysets import GradingJobQuerySet, GradingRunQuerySet, WorkerQuerySet


class JobState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("being marked")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


ACTIVE_JOB_STATES = (JobState.QUEUED, JobState.RUNNING)


class RunScope(models.TextChoices):
    ALL = "all", _("all submissions")
    UNGRADED = "ungraded", _("only those without a grade")
    SELECTED = "selected", _("selected submissions")


class GradingRun(models.Model):
    """One teacher's request to mark many submissions of one assignment. Its progress is that of its jobs."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="grading_runs")
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="grading_runs")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    scope = models.CharField(max_length=10, choices=RunScope.choices)
    with_feedback = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("when a worker last took a batch of it: runs take turns")
    )
    compute_dtype = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text=_("what matrices are multiplied in for all of its answers, as its first worker chose"),
    )

    objects = GradingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.assignment} · {self.pk}"

    @property
    def writes_feedback(self) -> bool:
        """Whether feedback is asked for, and the version can write it."""
        return self.with_feedback and "feedback" in self.version.manifest.get("parts", {})


class GradingJob(models.Model):
    """The marking of one submission. The row is the queue; a message only wakes a worker.

    QUEUED → RUNNING → SUCCEEDED | FAILED; QUEUED | RUNNING → CANCELLED; RUNNING → QUEUED when the heartbeat is lost
    or the batch failed with attempts left; FAILED → QUEUED when a teacher tries again.
    """

    TRANSITIONS = {
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
        JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}),
        JobState.FAILED: frozenset({JobState.QUEUED}),
    }

    run = models.ForeignKey(GradingRun, models.CASCADE, related_name="jobs")
    submission = models.ForeignKey(Submission, models.CASCADE, related_name="grading_jobs")
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_detail = models.TextField(blank=True)

    objects = GradingJobQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission"],
                condition=models.Q(state__in=ACTIVE_JOB_STATES),
                name="one_active_job_per_submission",
            )
        ]
        indexes = [
            models.Index(fields=["state", "run", "id"], name="job_queue"),
            models.Index(fields=["run", "state"], name="job_progress"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} · {self.submission}"


class RunReport(models.Model):
    """How far one worker is with its part of a run, and how fast: told about once a second while it marks.

    Nothing is decided by it. What counts of its batch is only what its jobs still show to be its own.
    """

    run = models.ForeignKey(GradingRun, models.CASCADE, related_name="reports")
    worker = models.CharField(max_length=120)
    began_at = models.DateTimeField(help_text=_("when it began to mark, with the model loaded"))
    told_at = models.DateTimeField()
    scored = models.PositiveIntegerField(default=0)
    scoring_seconds = models.FloatField(default=0)
    written = models.FloatField(default=0, help_text=_("texts; one that is under way counts in parts"))
    writing_seconds = models.FloatField(default=0)
    batch = models.PositiveSmallIntegerField(default=0, help_text=_("answers of the batch it is at; 0 between two"))
    batch_scored = models.PositiveSmallIntegerField(default=0)
    batch_written = models.FloatField(default=0)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["run", "worker"], name="one_report_per_run_and_worker")]

    def __str__(self) -> str:
        return f"{self.run_id} · {self.worker}"


class WorkerKind(models.TextChoices):
    MARKING = "marking", _("marking")
    TRAINING = "training", _("training")
    DEFAULT = "default", _("mail and other short work")


class Worker(models.Model):
    """One worker process as last heard of: who is listening, on which device, with which model loaded."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=10, choices=WorkerKind.choices)
    machine = models.CharField(
        max_length=80, blank=True, default="", db_default="", help_text=_("the same for all workers of one machine")
    )
    device = models.CharField(max_length=120, blank=True)
    compute_dtype = models.CharField(
        max_length=10, blank=True, default="", db_default="", help_text=_("what it multiplies matrices in now")
    )
    dtypes = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text=_("what it can multiply matrices in")
    )
    dtype_timing = models.CharField(
        max_length=120, blank=True, default="", db_default="", help_text=_("how long the same products took in each")
    )
    base_name = models.CharField(max_length=200, blank=True)
    version_name = models.CharField(max_length=120, blank=True)
    code = models.CharField(max_length=20, blank=True, db_default="", help_text=_("which code it runs: a digest of it"))
    busy_share = models.FloatField(
        default=0, db_default=0, help_text=_("how much of the last minutes it worked, from 0 to 1")
    )
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    loading_since = models.DateTimeField(null=True, blank=True, help_text=_("set while it loads the model"))

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def busy_percent(self) -> int:
        return round(self.busy_share * 100)
