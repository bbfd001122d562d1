"""A total that differs from its criteria: the desk says so, and the student's page explains it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Course
from grading.models import Grade
from grading.services import grade_change
from tests.grading.factories import make_assignment, make_grade, make_submission


@pytest.fixture
def grade(course: Course, student: User) -> Grade:
    """Two criteria of 2 points; proposed is 1 for each and 2 in all."""
    return make_grade(make_submission(make_assignment(course, criteria=(2, 2)), student=student))


def hint(client: Client, grade: Grade, reader: User) -> str:
    """The hint's element on the desk; empty where there is none."""
    client.force_login(reader)
    page = client.get(reverse("grading:review", args=[grade.submission_id])).content.decode()
    found = re.search(r'<p [^>]*id="sum-hint".*?</p>', page, re.DOTALL)
    return " ".join(found.group().split()) if found else ""


def is_shown(element: str) -> bool:
    return bool(element) and "hidden" not in element.partition(">")[0]


def test_the_desk_says_that_the_total_differs(client: Client, teacher: User, grade: Grade) -> None:
    assert not is_shown(hint(client, grade, teacher))
    grade_change(grade=grade, by=teacher, edition=grade.edition, points=Decimal("3.5"))
    said = hint(client, grade, teacher)
    assert is_shown(said)
    assert "<span data-sum>2</span> ≠ <span data-total>3.5</span>" in said


def test_without_a_rubric_there_is_nothing_to_differ_from(client: Client, teacher: User, course: Course) -> None:
    plain = make_grade(make_submission(make_assignment(course)))
    grade_change(grade=plain, by=teacher, edition=plain.edition, points=Decimal("3.5"))
    assert hint(client, plain, teacher) == ""


def test_a_rubric_that_does_not_add_up_to_the_maximum_is_left_alone(
    client: Client, teacher: User, course: Course
) -> None:
    assignment = make_assignment(course, criteria=(2, 2), max_points=Decimal(10))
    assert hint(client, make_grade(make_submission(assignment)), teacher) == ""


@pytest.mark.parametrize(("points", "told"), [("3.5", True), ("2", False)])
def test_the_student_is_told_why_the_sum_is_another(
    client: Client, teacher: User, student: User, grade: Grade, points: str, told: bool
) -> None:
    grade.criterion_scores.update(points=Decimal(1))
    now = timezone.now()
    Grade.objects.filter(pk=grade.pk).update(
        points=Decimal(points), state="released", approved_by=teacher, approved_at=now, released_at=now
    )
    client.force_login(student)
    page = client.get(reverse("grading:my_grade", args=[grade.submission_id])).content.decode()
    assert ("The criteria add up to 2. The total of 3.5 was set apart from them" in page) is told
