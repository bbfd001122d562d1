"""Grades of an assignment as CSV and XLSX. What students wrote can never act as a formula in a spreadsheet."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _

from courses.models import Assignment, Submission
from grading.blind import without_blind_proposals
from grading.models import CriterionScore, Grade
from grading.selectors import shown_first

if TYPE_CHECKING:
    from pandas import DataFrame

# What spreadsheets take for the start of a formula, with the full-width forms that some of them fold.
# Invisible characters before it are passed over: some programs drop them, and so does the writer of XLSX files.
_FORMULA = re.compile(r"[\t\r\n]|[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_LONGEST_CELL = 32_767  # characters, XLSX

Cell = str | Decimal | datetime | None


def grades_as_csv(*, assignment: Assignment) -> bytes:
    """UTF-8 with a byte order mark, without which Excel reads umlauts as two characters."""
    text: str = _frame(assignment).map(_as_text).to_csv(index=False, lineterminator="\r\n")
    return text.encode("utf-8-sig")


def grades_as_xlsx(*, assignment: Assignment) -> bytes:
    from pandas import ExcelWriter

    out = io.BytesIO()
    with ExcelWriter(out, engine="openpyxl", datetime_format="yyyy-mm-dd hh:mm") as writer:
        _frame(assignment).map(_as_cell).to_excel(writer, sheet_name="Grades", index=False, freeze_panes=(1, 0))
    return out.getvalue()


def _frame(assignment: Assignment) -> DataFrame:
    # Here and not above: only an export pays for the import of pandas, not every start of the site.
    from pandas import DataFrame

    head, *rows = _table(assignment)
    return DataFrame(rows, columns=head, dtype=object)


def defused(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _table(assignment: Assignment) -> Iterator[list[Cell]]:
    rubric = getattr(assignment, "rubric", None)
    criteria = [criterion.title for criterion in rubric.criteria.all()] if rubric else []
    yield [*_head(), *(defused(title) for title in criteria)]
    rows = [(submission, next(iter(submission.grades.all()), None)) for submission in _submissions(assignment)]
    without_blind_proposals(grade for _submission, grade in rows if grade)
    for submission, grade in rows:
        yield _row(submission, grade, criteria)


def _head() -> list[Cell]:
    return [
        _("Student"),
        _("E-mail"),
        _("Points"),
        _("Maximum"),
        _("State"),
        _("Feedback"),
        _("Proposed points"),
        _("Model version"),
        _("Approved by"),
        _("Handed in"),
        _("Approved"),
        _("Released"),
    ]


def _submissions(assignment: Assignment) -> Any:
    scores = Prefetch("criterion_scores", CriterionScore.objects.order_by("position", "pk"))
    grades = shown_first(Grade.objects.select_related("feedback", "version", "approved_by")).prefetch_related(scores)
    rows = Submission.objects.current().filter(assignment=assignment).select_related("student")
    return rows.prefetch_related(Prefetch("grades", grades)).order_by(
        "student__last_name", "student__first_name", "student__username"
    )


def _row(submission: Submission, grade: Grade | None, criteria: list[str]) -> list[Cell]:
    student = submission.student
    who: list[Cell] = [defused(student.get_full_name() or student.get_username()), defused(student.email)]
    handed_in = timezone.localtime(submission.submitted_at)
    if grade is None:
        state = submission.get_state_display()
        return [*who, None, submission.assignment.max_points, state, "", None, "", "", handed_in, None, None]
    by_title = {score.title: score.points for score in grade.criterion_scores.all()}
    return [
        *who,
        grade.points,
        grade.max_points,
        grade.get_state_display(),
        defused(grade.feedback.text),
        grade.proposed_points,
        defused(grade.version.name) if grade.version else "",
        defused(grade.approved_by.get_full_name() or grade.approved_by.get_username()) if grade.approved_by else "",
        handed_in,
        _local(grade.approved_at),
        _local(grade.released_at),
        *(by_title.get(title) for title in criteria),
    ]


def _local(moment: datetime | None) -> datetime | None:
    return timezone.localtime(moment) if moment else None


def _as_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M")
    return str(cell)


def _as_cell(cell: Cell) -> Cell:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None)  # a cell has no time zone; the moment is in the site's already
    return ILLEGAL_CHARACTERS_RE.sub("", cell)[:_LONGEST_CELL] if isinstance(cell, str) else cell
