"""Training runs as an admin starts and stops them: everything that decides the result is frozen at the start."""

from __future__ import annotations

import importlib.metadata
import uuid
import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from courses.models import Course
from courses.transitions import TransitionLost, move
from grading import tasks
from grading.exceptions import NothingToResume, RunIsOver, TooFewExamples, TrainingSettingsRefused
from grading.models import (
    ModelVersion,
    TrainingExample,
    TrainingRun,
    TrainingRunExample,
    TrainingSet,
    TrainingState,
)
from grading.models.training import ACTIVE_TRAINING_STATES
from grading.services.versions import version_directory
from grading.splits import HELD_OUT, TRAIN, Split, SplitItem, split_examples
from grading.training_settings import AllSettings
from mlcore.base import BaseModelError, describe_base
from mlcore.config import BaseConfig, LoraConfig, Quantisation, TrainConfig

LEAST_EXAMPLES = 12
LEAST_TRAINED_ON = 8  # mlcore refuses less
# The head has few weights and starts near its place; its steps follow the adapter's, as in the starter's training.
HEAD_STEPS = 2.5
TRAIN_FILE, VALIDATION_FILE, HELD_OUT_FILE = "train.jsonl", "validation.jsonl", "held_out.jsonl"


def training_run_start(  # noqa: PLR0913 - one argument for each field of the form
    *,
    by: User,
    request_key: uuid.UUID | str,
    courses: Collection[Course],
    training_sets: Collection[TrainingSet],
    parts: Sequence[str],
    method: str,
    rank: int,
    learning_rate: float,
    epochs: float,
    start_from: ModelVersion | None = None,
    head: str = "regression",
    course: Course | None = None,
    others: AllSettings | None = None,
) -> TrainingRun:
    """Queue a fine-tuning on what these courses released and these sets hold. A second call with the same
    `request_key` (one per form shown) gives the run of the first. With a `course` the result may mark that course
    alone, and only its own answers and uploaded sets are learnt.

    Raises:
        TooFewExamples: there is too little to train on and to measure with.
        TrainingSettingsRefused: the settings contradict each other.
    """
    earlier = TrainingRun.objects.filter(request_key=request_key).first()
    if earlier is not None:
        return earlier
    others = others or AllSettings()
    lora = lora_shape(start_from, parts, rank, others)
    config = training_config(request_key, parts, method, lora, learning_rate, epochs, start_from, head, others)
    _check_scope(course, courses, start_from)
    config = replace(config, licences=_licences(training_sets, start_from))
    examples = list(usable_examples(courses, training_sets))
    split = _split(examples, config.seed)
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                requested_by=by,
                request_key=request_key,
                course=course,
                config={**config.to_json(), "split_by": split.by},
                start_from=start_from,
                base_revision=_base_revision(start_from),
                code_version=code_version(),
                seed=config.seed,
            )
            _freeze(run, examples, split)
            tasks.wake_training()
    except IntegrityError:
        # The same form was sent twice at the same moment.
        return TrainingRun.objects.get(request_key=request_key)
    return run


def training_run_cancel(*, run: TrainingRun, by: User | None) -> TrainingRun:
    """End a run: at once where no worker has it, otherwise as soon as its worker reads the wish.

    Raises:
        RunIsOver: it has ended already.
    """
    run = TrainingRun.objects.get(pk=run.pk)
    if run.state not in ACTIVE_TRAINING_STATES:
        raise RunIsOver
    now = timezone.now()
    if run.state == TrainingState.QUEUED:
        try:
            move(run, TrainingState.CANCELLED, finished_at=now, cancel_requested_at=now, error_code="cancelled")
            return run
        except TransitionLost:
            pass  # a worker has just taken it; it reads the wish below
    asked = TrainingRun.objects.filter(pk=run.pk, state__in=ACTIVE_TRAINING_STATES, cancel_requested_at=None)
    asked.update(cancel_requested_at=now)
    return TrainingRun.objects.get(pk=run.pk)


def training_run_resume(*, run: TrainingRun, by: User) -> TrainingRun:
    """Let a cancelled or failed run go on from the checkpoint that it left, as if it had never ended.

    Raises:
        NothingToResume: it left none, or it has not ended.
    """
    run = TrainingRun.objects.get(pk=run.pk)
    if not may_resume(run):
        raise NothingToResume
    anew: dict[str, Any] = {"attempt": 0, "worker": "", "cancel_requested_at": None, "finished_at": None}
    with transaction.atomic():
        try:
            move(run, TrainingState.QUEUED, **anew, error_code="", error_detail="")
        except TransitionLost as error:
            raise NothingToResume from error
        tasks.wake_training()
    return run


def may_resume(run: TrainingRun) -> bool:
    """Whether a run has ended without a result and left a checkpoint behind."""
    ended = run.state in (TrainingState.CANCELLED, TrainingState.FAILED)
    return ended and any((training_directory(run) / "trained.partial").glob("**/*.safetensors"))


def training_directory(run: TrainingRun) -> Path:
    """Where the frozen examples and the log of a run lie."""
    return Path(settings.MARGINALIA_TRAINING_DIR) / result_name(run)


def training_log_path(run: TrainingRun) -> Path:
    """What the training process writes while it works."""
    return training_directory(run) / "log.txt"


def result_name(run: TrainingRun) -> str:
    """The name of the version that a run makes. The key is in it so that a new database never meets old files."""
    return f"training-{run.pk}-{str(run.request_key)[:8]}"


def base_config(quantisation: Quantisation | None = None) -> BaseConfig:
    """The base model as the settings name it."""
    return BaseConfig(
        directory=settings.MARGINALIA_BASE_DIR,
        quantisation=quantisation or settings.MARGINALIA_QUANTISATION,
        compute_dtype=settings.MARGINALIA_COMPUTE_DTYPE,
        device=settings.MARGINALIA_DEVICE,
    )


def code_version() -> str:
    try:
        return importlib.metadata.version("marginalia")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def training_config(  # noqa: PLR0913, PLR0917 - one argument for each field of the form
    request_key: uuid.UUID | str,
    parts: Sequence[str],
    method: str,
    lora: LoraConfig,
    learning_rate: float,
    epochs: float,
    start_from: ModelVersion | None,
    head: str,
    others: AllSettings,
) -> TrainConfig:
    """The configuration with file names that are relative: the worker puts its own directories before them.

    Raises:
        TrainingSettingsRefused: the settings contradict each other.
    """
    usual = settings.MARGINALIA_QUANTISATION if settings.MARGINALIA_QUANTISATION != "none" else "nf4"
    quantised: Any = others.quantisation or usual  # TrainConfig checks it itself
    try:
        return TrainConfig(
            output=Path("adapter"),
            train_files=(Path(TRAIN_FILE),),
            validation_files=(Path(VALIDATION_FILE),),
            validation_share=0.0,
            base=base_config("none" if method == "lora" else quantised),
            parts=tuple(parts),  # type: ignore[arg-type]  # TrainConfig checks them itself
            head=head,  # type: ignore[arg-type]
            method=method,  # type: ignore[arg-type]
            lora=lora,
            learning_rate=learning_rate,
            feedback_learning_rate=learning_rate,
            head_learning_rate=HEAD_STEPS * learning_rate,
            epochs=epochs,
            feedback_epochs=epochs,
            batch_size=others.batch_size,
            pack_tokens=others.pack_tokens,
            max_prefix_tokens=others.max_prefix_tokens,
            max_answer_tokens=others.max_answer_tokens,
            max_feedback_tokens=others.max_feedback_tokens,
            hardening=others.hardening,
            patience=others.patience,
            seed=zlib.crc32(str(request_key).encode()) & 0x7FFFFFFF,  # what an integer column holds
            start_from=version_directory(start_from) if start_from else None,
        )
    except (ValueError, TypeError) as error:
        raise TrainingSettingsRefused(reason=str(error)) from error


def _check_scope(course: Course | None, courses: Collection[Course], start_from: ModelVersion | None) -> None:
    """What one course's version knows stays in that course.

    Raises:
        TrainingSettingsRefused: answers of another course, or another course's version, would get into it.
    """
    if course is not None and any(other.pk != course.pk for other in courses):
        raise TrainingSettingsRefused(reason=_("a version for one course learns from that course alone."))
    if start_from is not None and start_from.course_id not in (None, course.pk if course else None):
        raise TrainingSettingsRefused(
            reason=_("“%s” belongs to one course; what goes on from it may serve no other.") % start_from.name
        )


def lora_shape(
    start_from: ModelVersion | None, parts: Sequence[str], rank: int, others: AllSettings | None = None
) -> LoraConfig:
    """The shape of the adapter; what goes on from a version has that version's.

    Raises:
        TrainingSettingsRefused: the rank makes no sense, or is another one than the version's.
    """
    others = others or AllSettings()
    known = start_from.manifest.get("parts", {}) if start_from else {}
    settled = [(known[part].get("settings") or {}).get("lora") for part in parts if part in known]
    shapes = [shape for shape in settled if shape]
    try:
        lora = (
            LoraConfig(**shapes[0])
            if shapes
            else LoraConfig(rank=rank, alpha=others.alpha or 2.0 * rank, targets=others.layers)
        )
    except (ValueError, TypeError) as error:
        raise TrainingSettingsRefused(reason=str(error)) from error
    if start_from and lora.rank != rank:
        reason = _("“%(name)s” has rank %(rank)s, and what goes on from it must have the same.")
        raise TrainingSettingsRefused(reason=reason % {"name": start_from.name, "rank": lora.rank})
    return lora


def _licences(training_sets: Collection[TrainingSet], start_from: ModelVersion | None) -> tuple[str, ...]:
    """Notices that the result has to carry: of its data, and of what it goes on from."""
    inherited = start_from.manifest.get("licences", []) if start_from else []
    own = [f"{row.name}: {row.licence}" for row in training_sets if row.licence]
    return tuple(dict.fromkeys([*inherited, *own]))


def usable_examples(courses: Collection[Course], training_sets: Collection[TrainingSet]) -> QuerySet[TrainingExample]:
    """What these courses released and these sets hold, as far as it may be trained on, in a fixed order."""
    wanted = Q(course__in=courses) | Q(training_set__in=training_sets)
    return TrainingExample.objects.usable().filter(wanted).order_by("pk")


def split_item(example: TrainingExample) -> SplitItem:
    """What decides on which side an example goes."""
    row = example.row
    return SplitItem(example.pk, row["question"], str(row.get("student") or ""), row["answer"])


def _split(examples: Sequence[TrainingExample], seed: int) -> Split:
    if len(examples) < LEAST_EXAMPLES:
        raise TooFewExamples(found=len(examples), needed=LEAST_EXAMPLES)
    split = split_examples(list(map(split_item, examples)), seed)
    sides = Counter(split.sides.values())
    if sides[TRAIN] < LEAST_TRAINED_ON or not sides[HELD_OUT]:
        raise TooFewExamples(found=len(examples), needed=2 * LEAST_EXAMPLES)
    return split


def _freeze(run: TrainingRun, examples: Sequence[TrainingExample], split: Split) -> None:
    TrainingRunExample.objects.bulk_create(
        [
            TrainingRunExample(run=run, example=row, content_hash=row.content_hash, split=split.sides[row.pk])
            for row in examples
        ],
        batch_size=500,
    )


def _base_revision(start_from: ModelVersion | None) -> str:
    """The base's revision as far as this process can know it; the worker refuses another one."""
    try:
        return describe_base(Path(settings.MARGINALIA_BASE_DIR)).revision[:100]
    except BaseModelError:
        # The web process need not see the base model: the versions know which one they were made on.
        known = start_from or ModelVersion.objects.in_use()
        return known.base_revision if known else ""
