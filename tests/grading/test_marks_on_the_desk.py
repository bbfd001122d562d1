"""What the marks say about a proposal is on the desk and in the list, beside what the model said."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment
from grading.models import Correction, CorrectionBasis, Grade, GradeState
from tests.grading.factories import make_grade, make_submission


@pytest.fixture
def desk(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


@pytest.fixture
def grade(assignment: Assignment) -> Grade:
    return make_grade(make_submission(assignment))


def correct(grade: Grade, points: str | None = "3.5", **fields: object) -> Correction:
    values = {"score": 0.86, "points": points and Decimal(points), "marks": 14, "basis_marks": 14, **fields}
    return Correction.objects.create(grade=grade, **values)


def review(desk: Client, grade: Grade) -> str:
    html = desk.get(reverse("grading:review", args=[grade.submission_id])).content.decode()
    return " ".join(html.split())


def test_a_proposal_without_marks_says_that_there_are_not_enough(desk, grade):
    html = review(desk, grade)
    assert "interval: not enough marks yet" in html
    assert "corrected from" not in html
    assert 'name="points" value="2"' in html


def test_a_corrected_proposal_stands_beside_the_model_s_own_and_is_what_the_desk_begins_with(desk, grade):
    correct(grade, low=Decimal("2.5"), high=Decimal(4), basis=CorrectionBasis.QUESTION)
    html = review(desk, grade)
    assert "corrected from your 14 marks" in html
    assert "between 2.5 and 4, from this assignment" in html
    assert "not enough marks" not in html
    assert '<span class="quiet">proposed</span> <b>2</b>' in html
    assert 'name="points" value="3.5"' in html


def test_marks_that_gave_no_reason_to_change_leave_the_proposal(desk, grade):
    correct(grade, points=None)
    html = review(desk, grade)
    assert "corrected from" not in html
    assert 'name="points" value="2"' in html


def test_approving_what_the_desk_shows_approves_the_corrected_points(desk, grade):
    correct(grade)
    sent = {"edition": grade.edition, "points": "3.5", "feedback": "", "internal_note": "", "approve": "1"}
    desk.post(reverse("grading:grade_save", args=[grade.pk]), sent)
    grade.refresh_from_db()
    assert (grade.state, grade.points, grade.proposed_points) == (GradeState.APPROVED, Decimal("3.5"), 2)


def test_the_list_shows_corrected_points(desk, grade):
    correct(grade)
    html = desk.get(reverse("grading:review_list", args=[grade.submission.assignment_id])).content.decode()
    assert "corrected 3.5" in html
