"""What a deletion of answers reaches besides their rows: training examples, frozen files, trainings under way, and a
note on every version that was trained on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from courses.models import Submission
from grading.models import ExampleSplit, ModelVersion, TrainingExample, TrainingRun, TrainingRunExample, VersionEvent
from grading.models.training import ACTIVE_TRAINING_STATES
from grading.services.training import (
    HELD_OUT_FILE,
    TRAIN_FILE,
    VALIDATION_FILE,
    training_directory,
    training_run_cancel,
)
from mlcore.files import write_whole

DATA_DELETED = "data_deleted"
# What shaped the weights; held-out examples only measured them.
SHAPED = (ExampleSplit.TRAIN, ExampleSplit.VALIDATION)


def answers_of(submissions: QuerySet[Submission]) -> set[str]:
    return {_plain(text) for text in submissions.values_list("text", flat=True)} - {""}


def examples_like(own: Q, answers: Collection[str]) -> list[int]:
    """Training examples that fit `own`, and rows of uploaded sets that are one of the answers word for word."""
    found = set(TrainingExample.objects.filter(own).values_list("pk", flat=True))
    if answers:
        uploaded = TrainingExample.objects.filter(grade=None).values_list("pk", "row__answer")
        found |= {pk for pk, text in uploaded.iterator() if _plain(str(text or "")) in answers}
    return sorted(found)


def versions_shaped(examples: Collection[int]) -> list[ModelVersion]:
    """Versions that these examples shaped, and all that went on from one of them."""
    shaped = TrainingRunExample.objects.filter(example__in=examples, split__in=SHAPED)
    found: set[int] = set()
    more = set(
        TrainingRun.objects.filter(run_examples__in=shaped, version__isnull=False).values_list("version", flat=True)
    )
    while more - found:
        found |= more
        later = TrainingRun.objects.filter(start_from__in=found, version__isnull=False)
        more = set(later.values_list("version", flat=True))
    return list(ModelVersion.objects.filter(pk__in=found))


def examples_erase(*, examples: Collection[int], answers: Collection[str], by: User | None) -> Callable[[], None]:
    """Delete training examples, end the trainings under way on them, and mark what was trained on them.

    What it returns takes them out of the frozen files: to be called when the transaction is committed.
    """
    runs = list(TrainingRun.objects.filter(run_examples__example__in=examples).distinct())
    rows = TrainingExample.objects.filter(pk__in=examples).values_list("row", flat=True)
    ids = {row["id"] for row in rows if "id" in row}
    for run in runs:
        if run.state in ACTIVE_TRAINING_STATES:
            training_run_cancel(run=run, by=by)
    VersionEvent.objects.bulk_create(
        VersionEvent(version=row, actor=by, action=DATA_DELETED, before=row.state, after=row.state)
        for row in versions_shaped(examples)
    )
    TrainingExample.objects.filter(pk__in=examples).delete()
    return lambda: _clean_files(runs, ids, answers)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _clean_files(runs: Iterable[TrainingRun], ids: Collection[str], answers: Collection[str]) -> None:
    """Take the rows out of the frozen files of every run that used them."""
    for run in runs:
        for name in (TRAIN_FILE, VALIDATION_FILE, HELD_OUT_FILE):
            path = training_directory(run) / name
            if not path.exists():
                continue
            lines = path.read_text(encoding="utf-8").split("\n")
            kept = [line for line in lines if line and not _is_theirs(json.loads(line), ids, answers)]
            write_whole(path, "".join(f"{line}\n" for line in kept))


def _is_theirs(row: dict[str, object], ids: Collection[str], answers: Collection[str]) -> bool:
    return row.get("id") in ids or _plain(str(row.get("answer", ""))) in answers
