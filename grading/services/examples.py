"""Training examples: what a released grade leaves to learn from. Only what is released, and only as long as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Prefetch, Q

from courses.transitions import move_all
from grading.examples import described
from grading.mapping import content_hash, question_key, training_row
from grading.models import CriterionScore, ExampleSource, ExampleState, Grade, GradeState, TrainingExample

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


def example_exclude(*, examples: Iterable[TrainingExample], by: User, reason: str) -> int:
    """Leave these examples out of every later training, for a reason that stays with them; the number left out."""
    rows = TrainingExample.objects.filter(pk__in=[row.pk for row in examples])
    return move_all(rows, LIVE, ExampleState.EXCLUDED, exclusion_reason=reason.strip()[:200], excluded_by=by)


def example_restore(*, examples: Iterable[TrainingExample], by: User) -> int:
    """Take examples back that a person excluded, as long as their grade is still released and has no newer example;
    the number taken back. What the program excluded was withdrawn or deleted and stays out."""
    rows = TrainingExample.objects.filter(pk__in=[row.pk for row in examples]).exclude(excluded_by=None)
    newer = TrainingExample.objects.filter(grade=OuterRef("grade"), state__in=LIVE)
    rows = rows.filter(Q(grade=None) | Q(grade__state=GradeState.RELEASED)).exclude(Exists(newer))
    return move_all(rows, [ExampleState.EXCLUDED], ExampleState.ACCEPTED, exclusion_reason="", excluded_by=None)


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
        marked_by_id=grade.approved_by_id,
        correction=_correction(grade),
        **described(row),
    )


def _correction(grade: Grade) -> float | None:
    """How far the teacher's points are from the proposed ones, as a share of the maximum."""
    if grade.proposed_points is None or grade.points is None or not grade.max_points:
        return None
    return float((grade.points - grade.proposed_points) / grade.max_points)
