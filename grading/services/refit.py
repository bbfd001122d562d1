"""Open grades fitted to a rubric that was changed: points are carried over where that can be done, and a person looks
at them again. What was given by the old rubric stays in a row of its own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from courses.models import Assignment
from courses.transitions import move
from grading.mapping import on_step, rubric_snapshot
from grading.models import CriterionScore, Feedback, Grade, GradeEvent, GradeState
from grading.models.grades import OPEN_GRADE_STATES
from grading.rubric_changes import is_stale, points_differ


def grades_refit(*, assignment: Assignment, by: User) -> int:
    """Carry the points of open grades over to the rubric of today; the number of grades. Approved ones wait to be
    approved again.

    A criterion that is still there keeps its share of the points, rounded to the step; a new one has none until a
    person or the model gives some; the total is the sum where all have points, and without criteria keeps its share.
    """
    with transaction.atomic():
        Assignment.objects.select_for_update().get(pk=assignment.pk)
        now = rubric_snapshot(assignment)
        rows = Grade.objects.filter(submission__assignment=assignment, state__in=OPEN_GRADE_STATES)
        rows = rows.exclude(submission__state="superseded").select_for_update(of=("self",)).order_by("pk")
        stale = [row for row in rows if is_stale(row, now)]
        for row in stale:
            _refit(row, assignment, now, by)
    return len(stale)


def _refit(old: Grade, assignment: Assignment, now: Mapping[str, Any], by: User) -> None:
    before = {"state": str(old.state), "points": None if old.points is None else str(old.points)}
    if old.state == GradeState.APPROVED:
        move(old, GradeState.PROPOSED, edition=old.edition + 1, approved_by=None, approved_at=None)
    move(old, GradeState.SUPERSEDED, edition=old.edition + 1)
    scores = _scores(old, now)
    new = Grade.objects.create(
        submission_id=old.submission_id,
        version_id=old.version_id,
        source=old.source,
        proposed_score=old.proposed_score,
        proposed_points=_total(old, old.proposed_points, [score.proposed_points for score in scores], now),
        points=_total(old, old.points, [_counted(score) for score in scores], now) if old.points is not None else None,
        max_points=assignment.max_points,
        rubric_snapshot=dict(now),
        notes=old.notes,
        unread_characters=old.unread_characters,
        internal_note=old.internal_note,
    )
    for score in scores:
        score.grade = new
    CriterionScore.objects.bulk_create(scores)
    Feedback.objects.create(grade=new, proposed_text=old.feedback.proposed_text, text=old.feedback.text)
    _take_anchors(old, new)
    after = {"state": str(new.state), "points": None if new.points is None else str(new.points)}
    GradeEvent.objects.create(grade=new, actor=by, action="refitted", before={"grade": old.pk, **before}, after=after)


def _scores(old: Grade, now: Mapping[str, Any]) -> list[CriterionScore]:
    """Unsaved rows of today's criteria, with the points of those that were there before."""
    known = {score.criterion_id: score for score in old.criterion_scores.all() if score.criterion_id is not None}
    step, rows = Decimal(now["step"]), []
    for position, entry in enumerate(now["criteria"]):
        before, maximum = known.get(int(entry["id"])), Decimal(entry["points"])
        carried = {name: _carried(before, name, maximum, step) for name in ("proposed_points", "points")}
        rows.append(
            CriterionScore(
                criterion_id=int(entry["id"]), position=position, title=entry["title"], max_points=maximum, **carried
            )
        )
    return rows


def _carried(before: CriterionScore | None, name: str, maximum: Decimal, step: Decimal) -> Decimal | None:
    points: Decimal | None = getattr(before, name) if before is not None else None
    if before is None or points is None:
        return None
    return points if before.max_points == maximum else on_step(points * maximum / before.max_points, step, maximum)


def _counted(score: CriterionScore) -> Decimal | None:
    return score.proposed_points if score.points is None else score.points


def _total(
    old: Grade, points: Decimal | None, criteria: list[Decimal | None], now: Mapping[str, Any]
) -> Decimal | None:
    """The total on today's scale: the sum of the criteria, or the same share; None where a criterion has no points."""
    maximum = Decimal(now["max_points"])
    if criteria:
        known = [value for value in criteria if value is not None]
        return min(sum(known, Decimal(0)), maximum) if len(known) == len(criteria) else None
    if points is None or not points_differ(old, now):
        return points
    return on_step(points * maximum / old.max_points, Decimal(now["step"]), maximum)


def _take_anchors(old: Grade, new: Grade) -> None:
    """Comments in the answer go along, with the criterion that they are about where that is still there."""
    by_criterion = {score.criterion_id: score for score in new.criterion_scores.all()}
    for anchor in old.anchors.select_related("score"):
        anchor.pk, anchor.grade = None, new
        anchor.score = by_criterion.get(anchor.score.criterion_id) if anchor.score else None
        anchor.save(force_insert=True)
