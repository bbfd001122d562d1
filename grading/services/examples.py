"""Training examples: what a released grade leaves to learn from. Only what is released, and only as long as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Prefetch

from courses.transitions import move_all
from grading.mapping import content_hash, question_key, training_row
from grading.models import CriterionScore, ExampleSource, ExampleState, Grade, TrainingExample

LIVE = (ExampleState.CANDIDATE, ExampleState.ACCEPTED)


def examples_accept(*, grade_ids: Sequence[int]) -> int:
    """Make an accepted example of each released grade; the number made. Empty answers are left out."""
    scores = Prefetch("criterion_scores", CriterionScore.objects.order_by("position", "pk"))
    grades = Grade.objects.released().filter(pk__in=grade_ids).exclude(training_examples__state__in=LIVE)
    grades = grades.select_related("feedback", "submission__assignment").prefetch_related(scores)
    made = [_example(grade) for grade in grades if grade.submission.text.strip()]
    return len(TrainingExample.objects.bulk_create(made, batch_size=200))


def examples_exclude(*, grade_ids: Iterable[int], reason: str) -> int:
    """Leave the examples of these grades out of every later training; the number left out."""
    live = TrainingExample.objects.filter(grade__in=list(grade_ids))
    return move_all(live, LIVE, ExampleState.EXCLUDED, exclusion_reason=reason)


def _example(grade: Grade) -> TrainingExample:
    row = training_row(grade)
    return TrainingExample(
        source=ExampleSource.RELEASED,
        state=ExampleState.ACCEPTED,
        grade=grade,
        course_id=grade.submission.assignment.course_id,
        question_key=question_key(grade.submission.assignment),
        row=row,
        content_hash=content_hash(row),
    )
