from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from grading.services import grades_as_csv, grades_as_xlsx
from grading.services.exports import defused
from tests.grading.factories import make_assignment, make_grade, make_submission, make_user, make_version

pytestmark = pytest.mark.django_db


def table(assignment) -> list[list[str]]:
    data = grades_as_csv(assignment=assignment)
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_it_exports_points_by_criterion_with_who_approved(teacher):
    assignment = make_assignment(criteria=(2, 2))
    student = make_user("zoe", first_name="Zoë", last_name="Ångström")
    submission = make_submission(assignment, student=student, submitted_at=datetime(2026, 5, 1, 12, tzinfo=UTC))
    version = make_version(name="v7")
    grade = make_grade(submission, "approved", points=Decimal("3.5"), approved_by=teacher, version=version)
    grade.criterion_scores.update(points=Decimal("1.5"))
    head, row = table(assignment)
    cells = dict(zip(head, row, strict=True))
    assert cells["Student"] == "Zoë Ångström"
    assert (cells["Points"], cells["Maximum"], cells["Proposed points"]) == ("3.50", "4.00", "2.00")
    assert (cells["Criterion 1"], cells["Criterion 2"]) == ("1.50", "1.50")
    assert (cells["Model version"], cells["Approved by"]) == ("v7", teacher.get_full_name())
    assert cells["Handed in"] == "2026-05-01 12:00"


def test_dates_are_in_the_sites_time_zone(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    submission = make_submission(submitted_at=datetime(2026, 5, 1, 23, 30, tzinfo=UTC))
    head, row = table(submission.assignment)
    assert dict(zip(head, row, strict=True))["Handed in"] == "2026-05-02 01:30"


def test_who_has_no_grade_is_in_the_table_too():
    submission = make_submission(state="unreadable")
    _, row = table(submission.assignment)
    assert row[4] == "unreadable"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\n=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "\x07=1",
        "\ufeff=1",
        "\u200b=1",
    ],
)
def test_formulas_are_defused(text):
    assert defused(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a = b", "Good - but late", "3 > 2", "'=1"])
def test_plain_text_stays_as_it_is(text):
    assert defused(text) == text


def test_no_cell_of_the_spreadsheet_is_a_formula():
    student = make_user(first_name="=HYPERLINK('http://x')", last_name="")
    submission = make_submission(make_assignment(criteria=(4,)), student=student)
    make_grade(submission, feedback="=cmd|' /C calc'!A0\x07 \ud7ff")
    sheet = load_workbook(io.BytesIO(grades_as_xlsx(assignment=submission.assignment))).active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert any(str(cell.value).startswith("'=cmd") for cell in cells)
    assert isinstance(sheet["D2"].value, int | float), "points stay numbers"


def test_the_grade_shown_is_the_open_one_before_the_released_one():
    submission = make_submission()
    make_grade(submission, "released", points=Decimal(1))
    make_grade(submission, "approved", points=Decimal(4))
    _, row = table(submission.assignment)
    assert (row[2], row[4]) == ("4.00", "approved")
