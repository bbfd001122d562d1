"""Marks in a file of Moodle or Canvas are looked at first, and become the decision of whoever takes them over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from courses.models import Assignment
from grading.models import Grade
from grading.services.gradebook_marks import gradebook_marks, gradebook_marks_take
from grading.services.gradebooks import grades_for_canvas, grades_for_moodle
from tests.grading.factories import make_assignment, make_grade, make_submission

pytestmark = pytest.mark.django_db
HEAD = "Full name,Email address,Grade,Maximum Grade,Feedback comments\r\n"


def moodle(cell: str, feedback: str = "", address: str = "ada@example.org") -> bytes:
    return f'{HEAD}Ada Brandt,{address},"{cell}",4.00,"{feedback}"\r\n'.encode()


@pytest.fixture
def grade(assignment: Assignment, student: User) -> Grade:
    return make_grade(make_submission(assignment, student=student))


def take(assignment: Assignment, by: User, data: bytes) -> int:
    found = gradebook_marks(assignment=assignment, data=data).found
    marks = [(mark.submission, mark.points, mark.feedback) for mark in found]
    return gradebook_marks_take(assignment=assignment, by=by, marks=marks)


def test_looking_keeps_nothing(assignment: Assignment, grade: Grade) -> None:
    report = gradebook_marks(assignment=assignment, data=moodle("3,5"))
    assert [(mark.points, mark.proposed) for mark in report.found] == [(Decimal("3.50"), Decimal(2))]
    grade.refresh_from_db()
    assert (grade.state, grade.points) == ("proposed", None)


def test_a_mark_taken_over_is_the_teachers_decision_beside_the_proposal(
    assignment: Assignment, grade: Grade, teacher: User
) -> None:
    assert take(assignment, teacher, moodle("3.50", "<p>Name the <b>gap</b> &amp; say why.</p>")) == 1
    grade.refresh_from_db()
    assert (grade.state, grade.points, grade.approved_by) == ("approved", Decimal("3.50"), teacher)
    assert (grade.proposed_points, grade.feedback.text) == (Decimal(2), "Name the gap & say why.")
    assert {"approved"} <= set(grade.events.values_list("action", flat=True))


def test_the_models_feedback_is_not_approved_unread(assignment: Assignment, grade: Grade, teacher: User) -> None:
    take(assignment, teacher, moodle("4"))
    assert (grade.feedback.text, grade.feedback.proposed_text) != ("", "")
    grade.feedback.refresh_from_db()
    assert (grade.feedback.text, grade.feedback.proposed_text) == ("", "Well explained.")


def test_an_answer_that_was_never_marked_gets_a_grade(assignment: Assignment, student: User, teacher: User) -> None:
    paper = make_submission(assignment, student=student)
    assert take(assignment, teacher, moodle("50 %")) == 1
    assert list(paper.grades.values_list("state", "source", "points")) == [("approved", "teacher", Decimal(2))]


@pytest.mark.parametrize("cell", ["B+", "5", "-1", "0.3", "EX", "NaN", "1e999999", "120%"])
def test_what_is_no_mark_here_is_left_out_in_words(assignment: Assignment, grade: Grade, cell: str) -> None:
    report = gradebook_marks(assignment=assignment, data=moodle(cell))
    assert (report.found, [error.row for error in report.errors]) == ([], [2])
    assert cell[:20] in report.errors[0].message


@pytest.mark.parametrize("cell", ["", "-"])
def test_a_row_without_a_mark_is_only_counted(assignment: Assignment, grade: Grade, cell: str) -> None:
    report = gradebook_marks(assignment=assignment, data=moodle(cell))
    assert (report.found, report.errors, report.without) == ([], [], 1)


def test_a_stranger_and_a_student_without_an_answer_are_named(
    assignment: Assignment, student: User, grade: Grade
) -> None:
    report = gradebook_marks(assignment=assignment, data=moodle("3", address="eve@example.org"))
    assert "eve@example.org" in report.errors[0].message
    grade.submission.delete()
    assert "handed in nothing" in gradebook_marks(assignment=assignment, data=moodle("3")).errors[0].message


@pytest.mark.parametrize("state", ["approved", "released"])
def test_what_is_decided_is_left_as_it_is(assignment: Assignment, student: User, teacher: User, state: str) -> None:
    row = make_grade(make_submission(assignment, student=student), state, points=3, approved_by=teacher)
    assert gradebook_marks(assignment=assignment, data=moodle("3")).same == 1
    assert "3" in gradebook_marks(assignment=assignment, data=moodle("4")).errors[0].message
    assert gradebook_marks_take(assignment=assignment, by=teacher, marks=[(row.submission_id, Decimal(4), "")]) == 0
    row.refresh_from_db()
    assert (row.state, row.points) == (state, 3)


def test_a_paper_of_another_assignment_cannot_be_named(assignment: Assignment, grade: Grade, teacher: User) -> None:
    other = make_assignment()
    assert gradebook_marks_take(assignment=other, by=teacher, marks=[(grade.submission_id, Decimal(4), "")]) == 0


def test_the_page_shows_first_and_takes_then(assignment: Assignment, grade: Grade, teacher: User) -> None:
    client, page = Client(), reverse("grading:gradebook", args=[assignment.pk])
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    looked = client.post(page, {"file": SimpleUploadedFile("grades.csv", moodle("3.5")), "take": ""})
    assert "What would be taken over" in looked.content.decode()
    assert client.post(page, {"keep": "", "looked": looked.context["looked"] + "x"}).url == page
    grade.refresh_from_db()
    assert grade.state == "proposed"
    client.post(page, {"keep": "", "looked": looked.context["looked"]})
    grade.refresh_from_db()
    assert (grade.state, grade.points) == ("approved", Decimal("3.50"))


@pytest.mark.parametrize("export", [grades_for_moodle, grades_for_canvas])
def test_an_export_that_comes_back_changes_nothing(
    assignment: Assignment, student: User, teacher: User, export: Any
) -> None:
    make_grade(make_submission(assignment, student=student), "released", points=3, approved_by=teacher)
    report = gradebook_marks(assignment=assignment, data=export(assignment=assignment))
    assert (report.found, report.errors, report.same) == ([], [], 1)


@given(st.text(max_size=30))
def test_no_cell_is_more_than_left_out(cell: str) -> None:
    from courses.errors import UserError
    from grading.services import gradebook_marks as module

    assignment = Assignment(max_points=Decimal(4), step=Decimal("0.5"))
    try:
        points = module._points(cell.strip(), assignment)
    except UserError:
        return
    assert 0 <= points <= 4
    assert points % Decimal("0.5") == 0
