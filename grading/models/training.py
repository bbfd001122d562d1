from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import Course
from grading.models.grades import Grade
from grading.models.versions import ModelVersion
from grading.querysets import TrainingExampleQuerySet, TrainingRunQuerySet


class ExampleState(models.TextChoices):
    CANDIDATE = "candidate", _("candidate")
    ACCEPTED = "accepted", _("accepted")
    EXCLUDED = "excluded", _("excluded")


class ExampleSource(models.TextChoices):
    RELEASED = "released", _("released grade")
    UPLOADED = "uploaded", _("uploaded set")


class TrainingSet(models.Model):
    """A file of marked answers that an admin uploaded to train on, without making courses of it."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    licence = models.CharField(_("licence or source"), max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TrainingExample(models.Model):
    """Text, rubric snapshot, and the teacher's points and feedback of one released grade or one uploaded row.

    CANDIDATE → ACCEPTED | EXCLUDED; ACCEPTED ↔ EXCLUDED. Only what a person excluded is ever restored (`excluded_by`):
    what the program excluded was withdrawn or deleted. `row` is the example as mlcore reads it (one line of JSONL);
    names never enter it, only a keyed hash of the student. A grade that is released again makes a new example.

    `correction` is the teacher's points less those that the model had proposed, as a share of the maximum; empty where
    the model had proposed nothing. `words_hash` is the same for answers to a question that differ in case, spaces and
    punctuation alone.
    """

    TRANSITIONS = {
        ExampleState.CANDIDATE: frozenset({ExampleState.ACCEPTED, ExampleState.EXCLUDED}),
        ExampleState.ACCEPTED: frozenset({ExampleState.EXCLUDED}),
        ExampleState.EXCLUDED: frozenset({ExampleState.ACCEPTED}),
    }

    source = models.CharField(max_length=8, choices=ExampleSource.choices)
    state = models.CharField(max_length=10, choices=ExampleState.choices, default=ExampleState.CANDIDATE)
    grade = models.ForeignKey(Grade, models.CASCADE, null=True, blank=True, related_name="training_examples")
    course = models.ForeignKey(Course, models.CASCADE, null=True, blank=True, related_name="training_examples")
    training_set = models.ForeignKey(TrainingSet, models.CASCADE, null=True, blank=True, related_name="examples")
    question_key = models.CharField(max_length=200)
    row = models.JSONField()
    content_hash = models.CharField(max_length=64)
    words_hash = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=8, blank=True)
    share = models.FloatField(null=True, help_text=_("the teacher's points as a share of the maximum"))
    correction = models.FloatField(null=True)
    marked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    exclusion_reason = models.CharField(max_length=200, blank=True)
    excluded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TrainingExampleQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["state", "course"], name="example_by_course"),
            models.Index(fields=["words_hash"], name="example_by_words"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["grade"],
                condition=models.Q(state__in=[ExampleState.CANDIDATE, ExampleState.ACCEPTED]),
                name="one_live_example_per_grade",
            )
        ]

    def __str__(self) -> str:
        return f"{self.question_key} · {self.pk}"


class TrainingState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    PREPARING = "preparing", _("preparing")
    TRAINING = "training", _("training")
    EVALUATING = "evaluating", _("evaluating")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


ACTIVE_TRAINING_STATES = (
    TrainingState.QUEUED,
    TrainingState.PREPARING,
    TrainingState.TRAINING,
    TrainingState.EVALUATING,
)
_END = {TrainingState.FAILED, TrainingState.CANCELLED}


class TrainingRun(models.Model):
    """One fine-tuning, from a frozen set of training examples to a model version.

    QUEUED → PREPARING → TRAINING → EVALUATING → SUCCEEDED; any active → FAILED | CANCELLED;
    any working state → QUEUED once, when the worker was lost: it resumes from its checkpoint;
    CANCELLED | FAILED → QUEUED when an admin lets it go on from the checkpoint that it left.
    """

    TRANSITIONS = {
        TrainingState.QUEUED: frozenset({TrainingState.PREPARING, *_END}),
        TrainingState.PREPARING: frozenset({TrainingState.TRAINING, TrainingState.QUEUED, *_END}),
        TrainingState.TRAINING: frozenset({TrainingState.EVALUATING, TrainingState.QUEUED, *_END}),
        TrainingState.EVALUATING: frozenset({TrainingState.SUCCEEDED, TrainingState.QUEUED, *_END}),
        TrainingState.CANCELLED: frozenset({TrainingState.QUEUED}),
        TrainingState.FAILED: frozenset({TrainingState.QUEUED}),
    }

    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    request_key = models.UUIDField(unique=True, help_text=_("one per form shown: a second click starts nothing twice"))
    state = models.CharField(max_length=10, choices=TrainingState.choices, default=TrainingState.QUEUED)
    course = models.ForeignKey(
        Course,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="training_runs",
        help_text=_("whose own version it makes; empty: one for the whole site"),
    )
    config = models.JSONField(help_text=_("mlcore's training configuration as frozen at the start"))
    start_from = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="continued_by")
    version = models.OneToOneField(ModelVersion, models.SET_NULL, null=True, blank=True, related_name="training_run")
    base_revision = models.CharField(max_length=100, blank=True)
    code_version = models.CharField(max_length=60, blank=True)
    seed = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    stage = models.CharField(max_length=20, blank=True)
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    task = models.CharField(
        max_length=20, blank=True, db_default="", help_text=_("what it is at beside its steps: mlcore.config.Task")
    )
    task_done = models.PositiveIntegerField(default=0, db_default=0)
    task_of = models.PositiveIntegerField(default=0, db_default=0)
    task_since = models.DateTimeField(null=True, blank=True)
    memory_bytes = models.PositiveBigIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_detail = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"#{self.pk}"


class ExampleSplit(models.TextChoices):
    TRAIN = "train", _("trained on")
    VALIDATION = "validation", _("watched while training")
    HELD_OUT = "held_out", _("held out")


class TrainingRunExample(models.Model):
    """What one run used: frozen with its hash, so that it can be shown later what the model saw."""

    run = models.ForeignKey(TrainingRun, models.CASCADE, related_name="run_examples")
    example = models.ForeignKey(TrainingExample, models.SET_NULL, null=True, related_name="+")
    content_hash = models.CharField(max_length=64)
    split = models.CharField(max_length=10, choices=ExampleSplit.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "example"], name="an_example_once_per_run")]

    def __str__(self) -> str:
        return f"{self.run_id} · {self.split}"


class TrainingPoint(models.Model):
    """One point of a run's loss curves."""

    run = models.ForeignKey(TrainingRun, models.CASCADE, related_name="points")
    stage = models.CharField(max_length=20)
    step = models.PositiveIntegerField()
    train_loss = models.FloatField(null=True)
    validation_loss = models.FloatField(null=True)
    learning_rate = models.FloatField(null=True)
    seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.stage} {self.step}"
