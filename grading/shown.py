"""Which of a submission's grades a teacher looks at first."""

from __future__ import annotations

from django.db.models import Case, IntegerField, QuerySet, Value, When

from grading.models import Grade, GradeState

RANK = {GradeState.PROPOSED: 0, GradeState.APPROVED: 0, GradeState.RELEASED: 1, GradeState.WITHDRAWN: 2}


def shown_first(grades: QuerySet[Grade]) -> QuerySet[Grade]:
    """Grades with the one that a teacher looks at first: the open one, the released one, then the latest."""
    rank = Case(
        *(When(state=state, then=Value(rank)) for state, rank in RANK.items()),
        default=Value(3),
        output_field=IntegerField(),
    )
    return grades.order_by(rank, "-pk")
