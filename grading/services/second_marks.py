"""A second person's marks, and the settling of two that lie apart."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from courses.transitions import TransitionLost, move
from grading.exceptions import EditedMeanwhile, GradeIsClosed, MarkedTwiceAlready, NotYourOwnSecond
from grading.models import Grade, GradeEvent, GradeState, SecondMark, SecondMarkState
from grading.services.review import allowed_points, grade_approve, grade_reopen


def second_mark_give(
    *,
    grade: Grade,
    by: User,
    points: Decimal,
    criterion_points: Mapping[int, Decimal] | None = None,
    note: str = "",
) -> SecondMark:
    """Keep a second person's points for an approved paper. `criterion_points` goes by the ids of its criterion scores.

    Raises:
        GradeIsClosed: the first mark is not approved, or is released already.
        NotYourOwnSecond: the same person gave the first mark.
        PointsNotAllowed: the points do not fit the rubric.
        MarkedTwiceAlready: somebody gave a second mark meanwhile.
    """
    given = criterion_points or {}
    with transaction.atomic():
        row = Grade.objects.select_for_update(of=("self",)).get(pk=grade.pk)
        if row.state != GradeState.APPROVED:
            raise GradeIsClosed(state=row.get_state_display())
        if row.approved_by_id == by.pk:
            raise NotYourOwnSecond
        scores = list(row.criterion_scores.all())
        criteria = [allowed_points(given[score.pk], row, score.max_points, score.title) for score in scores if given]
        total = allowed_points(points, row, row.max_points, None)
        try:
            with transaction.atomic():
                second = SecondMark.objects.create(
                    grade=row, by=by, points=total, criteria=[str(value) for value in criteria], note=note.strip()
                )
        except IntegrityError as error:
            raise MarkedTwiceAlready from error
        GradeEvent.objects.create(grade=row, actor=by, action="second_mark", after={"points": str(total)})
    return second


def second_mark_settle(*, second: SecondMark, by: User, points: Decimal) -> SecondMark:
    """Decide what counts where two marks lie apart. The grade gets these points, through the review as any other.

    Raises:
        GradeIsClosed: the grade is not approved any more.
        PointsNotAllowed: the points do not fit the rubric.
        EditedMeanwhile: somebody settled it, or changed the grade, at the same moment.
    """
    with transaction.atomic():
        grade = Grade.objects.select_for_update(of=("self",)).get(pk=second.grade_id)
        if grade.state != GradeState.APPROVED:
            raise GradeIsClosed(state=grade.get_state_display())
        wanted = allowed_points(points, grade, grade.max_points, None)
        if wanted != grade.points:
            grade = grade_reopen(grade=grade, by=by)
            grade_approve(grade=grade, by=by, edition=grade.edition, points=wanted)
        facts: dict[str, Any] = {"settled_points": wanted, "settled_by": by, "settled_at": timezone.now()}
        if second.state == SecondMarkState.SETTLED:
            # The first mark was changed after the settling: what was settled on is written anew.
            SecondMark.objects.filter(pk=second.pk).update(**facts)
        else:
            try:
                move(second, SecondMarkState.SETTLED, **facts)
            except TransitionLost as error:
                raise EditedMeanwhile from error
        GradeEvent.objects.create(grade=grade, actor=by, action="settled", after={"points": str(wanted)})
    return SecondMark.objects.get(pk=second.pk)
