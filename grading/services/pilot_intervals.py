"""How far a pilot's proposals may be off, where marks given by the very same rubric say something about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from courses.models import Assignment, Submission
from grading.mapping import question_key, question_of
from grading.services.corrections import marks_of_the_course, marks_of_the_rubric
from mlcore.schemas import Answer, Proposal

Span = tuple[Decimal, Decimal]


def proposal_spans(
    *,
    assignment: Assignment,
    version_id: int,
    snapshot: Mapping[str, Any],
    papers: Sequence[Submission],
    proposals: Sequence[Proposal],
) -> list[Span | None]:
    """The interval of each proposal, None where too few marks are known. The papers' own marks do not count: what was
    seen is no test."""
    # Only the worker that does this needs what it takes, so no page loads it.
    from mlcore.marked import correct
    from mlcore.rows import Row

    known = marks_of_the_rubric(assignment, version_id, snapshot, leave_out=[paper.pk for paper in papers])
    known += marks_of_the_course(assignment, version_id)
    if not known:
        return [None] * len(papers)
    question = question_of(question_key(assignment), snapshot)
    rows = [Row(question, Answer(str(paper.pk), paper.text)) for paper in papers]
    found = correct(rows, proposals, [example for example, _ in known], [proposal for _, proposal in known])
    return [entry.interval and (_cents(entry.interval[0]), _cents(entry.interval[1])) for entry in found]


def _cents(value: float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))
