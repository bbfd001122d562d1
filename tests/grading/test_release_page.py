"""Release is the only door to students: what they see before, after, and when it is closed again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment
from grading.models import Grade, GradeState
from tests.grading.factories import make_grade, make_submission


@pytest.fixture
def approved(assignment: Assignment, student: User, teacher: User) -> Grade:
    return make_grade(
        make_submission(assignment, student=student),
        "approved",
        points=Decimal("3.5"),
        proposed_points=Decimal("1.5"),
        approved_by=teacher,
        approved_at=datetime(2026, 3, 4, 12, tzinfo=UTC),
        internal_note="for us only",
        feedback="Your reason is complete.",
    )


def as_(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def my_grade(client: Client, grade: Grade) -> tuple[int, str]:
    response = client.get(reverse("grading:my_grade", args=[grade.submission_id]))
    return response.status_code, response.content.decode()


def test_nothing_is_shown_before_release(client, student, approved):
    assert my_grade(as_(client, student), approved)[0] == 404
    html = client.get(reverse("courses:assignment", args=[approved.submission.assignment_id])).content.decode()
    assert "Your reason is complete." not in html
    assert "3.5" not in html


def test_the_preview_is_what_the_student_reads(client, teacher, assignment, approved):
    make_grade(make_submission(assignment))
    html = as_(client, teacher).get(reverse("grading:release", args=[assignment.pk])).content.decode()
    assert "What Ada Brandt will see" in html
    assert "Your reason is complete." in html
    assert "for us only" not in html
    assert "1 are still to review" in html


def test_opening_the_page_releases_nothing(client, teacher, assignment, approved):
    as_(client, teacher).get(reverse("grading:release", args=[assignment.pk]))
    approved.refresh_from_db()
    assert approved.state == GradeState.APPROVED


def test_a_released_grade_says_who_proposed_and_who_answers_for_it(client, teacher, student, assignment, approved):
    as_(client, teacher).post(reverse("grading:release", args=[assignment.pk]))
    status, html = my_grade(as_(client, student), approved)
    assert status == 200
    assert "3.5" in html
    assert "Your reason is complete." in html
    assert "A language model proposed this grade. Miriam Osei checked and approved it on 4 March 2026" in html
    assert "for us only" not in html
    assert "1.5" not in html, "the proposal is the teachers' business"


def test_a_grade_given_by_hand_does_not_speak_of_a_model(client, student, assignment, teacher):
    grade = make_grade(
        make_submission(assignment, student=student),
        "released",
        source="teacher",
        points=Decimal(2),
        approved_by=teacher,
        approved_at=datetime(2026, 3, 4, 12, tzinfo=UTC),
    )
    html = my_grade(as_(client, student), grade)[1]
    assert "language model" not in html
    assert "Miriam Osei gave this grade" in html


def test_other_students_see_nothing_of_it(client, teacher, other_student, assignment, approved):
    as_(client, teacher).post(reverse("grading:release", args=[assignment.pk]))
    assert my_grade(as_(client, other_student), approved)[0] == 404


def test_a_withdrawn_grade_is_gone_for_the_student_only(client, teacher, student, assignment, approved):
    as_(client, teacher).post(reverse("grading:release", args=[assignment.pk]))
    client.post(reverse("grading:withdraw", args=[approved.pk]), {"note": "wrong paper" + "!" * 600})
    assert my_grade(as_(client, student), approved)[0] == 404
    html = as_(client, teacher).get(reverse("grading:review", args=[approved.submission_id])).content.decode()
    assert "wrong paper" in html
    client.post(reverse("grading:release_again", args=[approved.pk]))
    assert my_grade(as_(client, student), approved)[0] == 200


def test_without_approved_grades_it_says_what_to_do(client, teacher, assignment):
    make_grade(make_submission(assignment))
    address = reverse("grading:release", args=[assignment.pk])
    assert "No grade is approved and waiting" in as_(client, teacher).get(address).content.decode()
    assert client.post(address).status_code == 302
    assert not Grade.objects.released().exists()


def test_grades_leave_as_tables(client, teacher, assignment, approved):
    as_(client, teacher)
    csv = client.get(reverse("grading:export", args=[assignment.pk, "csv"]))
    assert csv["Content-Disposition"] == 'attachment; filename="the-sky.csv"'
    assert "3.5" in csv.content.decode("utf-8-sig")
    assert client.get(reverse("grading:export", args=[assignment.pk, "xlsx"])).content.startswith(b"PK")
    assert client.get(reverse("grading:export", args=[assignment.pk, "exe"])).status_code == 404
