"""What the review page shows of one grade: the proposal beside the teacher's values, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.forms import BoundField

from courses.models import Submission
from grading.exceptions import message_for
from grading.forms import RegradeAnswerForm, ReviewForm, criterion_field
from grading.mapping import rubric_snapshot
from grading.models import (
    CriterionScore,
    Grade,
    GradeEvent,
    GradeState,
    RegradeRequest,
    RewriteState,
    SubmissionFlag,
)
from grading.models.grades import OPEN_GRADE_STATES
from grading.rubric_changes import is_stale

HISTORY_SHOWN = 50
LONG_CHARACTERS, LONG_LINES = 800, 12  # such an answer gets line numbers
MOST_KEYS = 9  # more levels than that do not fit on one line of buttons


@dataclass(frozen=True)
class CriterionRow:
    """One criterion on the desk: its field, what was proposed, and the points that a click can give."""

    score: CriterionScore
    field: BoundField
    description: str
    choices: tuple[Choice, ...]

    @property
    def changed(self) -> bool:
        points, proposed = self.score.points, self.score.proposed_points
        return points is not None and proposed is not None and points != proposed


@dataclass(frozen=True)
class CollisionRow:
    """One field that two people filled in: what is saved now, and what the other one typed."""

    label: str
    saved: str
    typed: str

    @property
    def differs(self) -> bool:
        return self.saved != self.typed


@dataclass(frozen=True)
class Choice:
    points: Decimal
    words: str


def filled_form(grade: Grade) -> ReviewForm:
    """The form as the page first shows it: the teacher's values, or the model's where nobody has set any."""
    feedback = getattr(grade, "feedback", None)
    initial: dict[str, Any] = {
        "edition": grade.edition,
        "points": _shown(grade.points, _suggested(grade)),
        "feedback": feedback.text if feedback else "",
        "internal_note": grade.internal_note,
    }
    form = ReviewForm(grade=grade)
    for score in form.scores:
        initial[criterion_field(score)] = _shown(score.points, score.proposed_points)
    form.initial = initial
    return form


def collision_rows(saved: ReviewForm, typed: ReviewForm) -> list[CollisionRow]:
    """The fields of two forms of one grade beside each other, in the order of the desk."""
    names = ["points", *(criterion_field(score) for score in saved.scores), "feedback", "internal_note"]
    return [CollisionRow(str(saved[name].label), _plain(saved[name]), _plain(typed[name])) for name in names]


def _plain(field: BoundField) -> str:
    return str(field.value() or "").replace("\r\n", "\n")


def desk_context(submission: Submission, grade: Grade | None, form: ReviewForm | None) -> dict[str, Any]:
    job = submission.grading_jobs.order_by("-pk").first()
    return {
        "submission": submission,
        "assignment": submission.assignment,
        "course": submission.assignment.course,
        "grade": grade,
        "form": form,
        "job": job,
        "job_error": message_for(job.error_code) if job else "",
        "criteria": _criteria(grade, form) if grade and form else [],
        "editable": grade is not None and grade.state == GradeState.PROPOSED,
        **_cut(submission, grade),
        "anchors": list(grade.anchors.select_related("score")) if grade else [],
        "rewrite": grade.rewrites.exclude(state=RewriteState.CLOSED).first() if grade else None,
        "events": _events(grade) if grade else [],
        "regrade": _regrade(submission),
        "stale": _is_stale(submission, grade),
        "regrade_form": RegradeAnswerForm(),
        "flag": SubmissionFlag.objects.filter(submission=submission).select_related("by").first(),
        "long": submission.text.count("\n") >= LONG_LINES or len(submission.text) >= LONG_CHARACTERS,
    }


def _is_stale(submission: Submission, grade: Grade | None) -> bool:
    """Whether an open grade was made before the assignment or its rubric was changed."""
    if grade is None or grade.state not in OPEN_GRADE_STATES:
        return False
    return is_stale(grade, rubric_snapshot(submission.assignment))


def _regrade(submission: Submission) -> RegradeRequest | None:
    """The student's request about this paper that waits for an answer."""
    rows = RegradeRequest.objects.open().filter(grade__submission=submission)
    return rows.select_related("grade").prefetch_related("criteria").first()


def _cut(submission: Submission, grade: Grade | None) -> dict[str, Any]:
    """Where the model stopped reading, as slices of the answer for the template."""
    until = len(submission.text) - (grade.unread_characters if grade else 0)
    return {"read_until": until, "read_slice": f":{until}", "unread_slice": f"{until}:"}


def _criteria(grade: Grade, form: ReviewForm) -> list[CriterionRow]:
    entries = {entry["id"]: entry for entry in grade.rubric_snapshot.get("criteria", [])}
    by_title = {entry["title"]: entry for entry in entries.values()}
    step = Decimal(grade.rubric_snapshot.get("step", "0.5"))
    rows = []
    for score in form.scores:
        entry = entries.get(str(score.criterion_id)) or by_title.get(score.title, {})
        field = form[criterion_field(score)]
        rows.append(CriterionRow(score, field, entry.get("description", ""), _choices(score, entry, step)))
    return rows


def _choices(score: CriterionScore, entry: dict[str, Any], step: Decimal) -> tuple[Choice, ...]:
    """The rubric's levels, or every step where those are few."""
    levels = [Choice(Decimal(level["points"]), level["description"]) for level in entry.get("levels", [])]
    if levels:
        return tuple(levels)
    steps = int(score.max_points / step)
    return tuple(Choice(step * i, "") for i in range(steps + 1)) if steps < MOST_KEYS else ()


def _events(grade: Grade) -> list[GradeEvent]:
    rows = GradeEvent.objects.filter(grade__submission=grade.submission_id).select_related("actor", "grade")
    return list(rows.order_by("-at", "-pk")[:HISTORY_SHOWN])


def _suggested(grade: Grade) -> Decimal | None:
    """The proposal, corrected by the marks so far where they have a say. Not with a rubric: there its criteria add up
    to what the model proposed, and the correction is shown beside it."""
    correction = getattr(grade, "correction", None)
    if correction is None or correction.points is None or grade.rubric_snapshot.get("criteria"):
        return grade.proposed_points
    return correction.points


def _shown(points: Decimal | None, proposed: Decimal | None) -> str:
    value = proposed if points is None else points
    if value is None:
        return ""
    return f"{value.normalize():f}"
