"""Marks for Moodle and Canvas, and in the files that come from there."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from courses.models import Assignment, Course
from grading.services.gradebooks import gradebook_fill
from tests.courses.test_gradebooks import CANVAS, MOODLE
from tests.grading.factories import make_grade, make_submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def released(assignment: Assignment, student: User, teacher: User) -> Any:
    paper = make_submission(assignment, student=student)
    return make_grade(paper, state="released", points=3, approved_by=teacher, feedback='=HYPERLINK("x")')


def table(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def staff(teacher: User) -> Client:
    client = Client()
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    return client


def test_released_marks_only_are_written_and_the_rest_is_told(
    assignment: Assignment, released: Any, other_student: User
) -> None:
    make_grade(make_submission(assignment, student=other_student), state="approved", points=1)
    data = MOODLE.replace("bilal@", "bilal.chaudhry@") + "Participant 9,Eve,eve@example.org,,,4.00,Yes,\r\n"
    report = gradebook_fill(assignment=assignment, data=data.encode())
    assert (report.filled, report.without, [error.row for error in report.errors]) == (1, 1, [4])
    assert [row[4] for row in table(report.file)] == ["Grade", "3.00", "", ""]


def test_feedback_cannot_act_as_a_formula(assignment: Assignment, released: Any) -> None:
    assert table(gradebook_fill(assignment=assignment, data=MOODLE.encode()).file)[1][7] == '\'=HYPERLINK("x")'


def test_another_maximum_is_not_filled_in(assignment: Assignment, released: Any) -> None:
    report = gradebook_fill(assignment=assignment, data=MOODLE.replace("4.00", "100.00").encode())
    assert report.filled == 0
    assert "100.00" in report.errors[0].message
    report = gradebook_fill(assignment=assignment, data=CANVAS.encode(), column="Essay (82)")
    assert (report.filled, report.file) == (0, CANVAS.encode())


def test_a_namesake_with_another_address_gets_no_mark(assignment: Assignment, released: Any) -> None:
    data = MOODLE.replace("ada@example.org", "ada.brandt@elsewhere.org").replace("Brandt, Ada", "Ada Brandt")
    assert gradebook_fill(assignment=assignment, data=data.encode()).filled == 0


def test_a_student_who_stands_there_twice_gets_one_mark(assignment: Assignment, released: Any) -> None:
    data = MOODLE + MOODLE.splitlines(keepends=True)[1]
    report = gradebook_fill(assignment=assignment, data=data.encode())
    assert (report.filled, [error.row for error in report.errors]) == (1, [3, 4])


def test_the_page_shows_first_and_gives_the_file_then(assignment: Assignment, released: Any, teacher: User) -> None:
    page, client = reverse("grading:gradebook", args=[assignment.pk]), staff(teacher)
    looked = client.post(page, {"file": SimpleUploadedFile("grades.csv", CANVAS.encode()), "look": ""})
    assert "What would be written" in looked.content.decode()
    given = client.post(page, {"file": SimpleUploadedFile('gr"ades.csv', CANVAS.encode()), "fill": ""})
    assert given.headers["Content-Disposition"] == 'attachment; filename="grades.csv"'
    assert given.content.decode() == CANVAS.replace("P1,,7", "P1,3.00,7")


def test_the_page_says_what_it_cannot_read(assignment: Assignment, teacher: User) -> None:
    page = reverse("grading:gradebook", args=[assignment.pk])
    answer = staff(teacher).post(page, {"file": SimpleUploadedFile("x.csv", b"a,b\n1,2\n"), "fill": ""})
    assert "neither a grading worksheet" in answer.content.decode()


def test_exports_for_both_hold_released_grades_only(
    assignment: Assignment, released: Any, other_student: User, teacher: User
) -> None:
    make_grade(make_submission(assignment, student=other_student), state="approved", points=1)
    client = staff(teacher)
    moodle = table(client.get(reverse("grading:export", args=[assignment.pk, "moodle.csv"])).content)
    assert moodle[1:] == [["Ada Brandt", "ada@example.org", "3.00", "4.00", '\'=HYPERLINK("x")']]
    canvas = table(client.get(reverse("grading:export", args=[assignment.pk, "canvas.csv"])).content)
    assert canvas[1:] == [
        ["    Points Possible", "", "", "", "", "4.00"],
        ["Ada Brandt", "", "", "ada@example.org", "Physics", "3.00"],
    ]


def test_an_export_can_be_filled_again(assignment: Assignment, released: Any, teacher: User) -> None:
    for kind in ("moodle.csv", "canvas.csv"):
        data = staff(teacher).get(reverse("grading:export", args=[assignment.pk, kind])).content
        report = gradebook_fill(assignment=assignment, data=data)
        assert (report.filled, report.errors, report.file) == (1, [], data)


@pytest.mark.parametrize("text", [MOODLE, CANVAS])
def test_a_preview_of_a_roster_keeps_nothing_and_enrolling_does(
    text: str, course: Course, teacher: User, client: Client, mailoutbox: list[Any]
) -> None:
    page, browser = reverse("courses:enrol", args=[course.pk]), staff(teacher)
    before = User.objects.count()
    text = text.replace("ada@example.org", "new@example.org")
    looked = browser.post(page, {"file": SimpleUploadedFile("r.csv", text.encode()), "look": ""})
    report = looked.context["report"]
    assert (report.added, report.errors) == (text.count("@example.org"), [])
    assert "What would become of the list" in looked.content.decode()
    assert User.objects.count() == before
    browser.post(page, {"file": SimpleUploadedFile("r.csv", text.encode())})
    added = User.objects.get(email="new@example.org")
    assert (added.last_name, added.first_name) == ("Brandt", "Ada")
    assert course.memberships.filter(user=added, role="student").exists()
