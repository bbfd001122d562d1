"""Who sees and changes what: the querysets, and the access helpers on top of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import Http404

from courses import access
from courses.models import Assignment, Course, Membership, Submission, UnmatchedFile
from tests.factories import AssignmentFactory, SubmissionFactory

CAST = ("admin", "teacher", "assistant", "student", "other_student", "outsider", "gone", "nobody")


@pytest.fixture
def cast(request: pytest.FixtureRequest, course: Course) -> dict[str, Any]:
    people = {name: request.getfixturevalue(name) for name in CAST[:6]}
    gone = User.objects.create(username="gone@example.org", is_active=False, is_staff=True)
    Membership.objects.create(course=course, user=gone, role="teacher")
    return {**people, "gone": gone, "nobody": AnonymousUser()}


@pytest.fixture
def rows(assignment: Assignment, student: User, teacher: User, course: Course) -> dict[str, Any]:
    file = UnmatchedFile.objects.create(assignment=assignment, original_name="x", original="originals/x")
    return {
        "course": course,
        "assignment": assignment,
        "draft": AssignmentFactory(course=course, published=False),
        "submission": SubmissionFactory(assignment=assignment, student=student),
        "file": file,
        "membership": Membership.objects.get(user=teacher, course=course),
    }


def outcome(helper: Callable[[Any, int], Any], user: Any, row: Any) -> str:
    try:
        assert helper(user, row.pk) == row
    except Http404:
        return "404"
    except PermissionDenied:
        return "403"
    return "ok"


# In the order of CAST.
EXPECTED = {
    ("course_for", "course"): "ok ok ok ok ok 404 404 404",
    ("managed_course", "course"): "ok ok ok 403 403 404 404 404",
    ("owned_course", "course"): "ok ok 403 403 403 404 404 404",
    ("owned_membership", "membership"): "ok ok 403 403 403 404 404 404",
    ("assignment_for", "assignment"): "ok ok ok ok ok 404 404 404",
    ("assignment_for", "draft"): "ok ok ok 404 404 404 404 404",
    ("managed_assignment", "assignment"): "ok ok ok 403 403 404 404 404",
    ("submission_for", "submission"): "ok ok ok ok 404 404 404 404",
    ("managed_submission", "submission"): "ok ok ok 403 404 404 404 404",
    ("managed_unmatched_file", "file"): "ok ok ok 404 404 404 404 404",
}


@pytest.mark.parametrize(("helper", "row"), EXPECTED)
def test_each_person_gets_what_is_theirs(cast: dict[str, Any], rows: dict[str, Any], helper: str, row: str) -> None:
    found = [outcome(getattr(access, helper), cast[name], rows[row]) for name in CAST]
    assert dict(zip(CAST, found, strict=True)) == dict(zip(CAST, EXPECTED[helper, row].split(), strict=True))


def test_a_row_that_is_not_there_is_a_404(teacher: User) -> None:
    with pytest.raises(Http404):
        access.course_for(teacher, 10**12)


def test_lists_show_the_same(cast: dict[str, Any], rows: dict[str, Any]) -> None:
    def counts(name: str) -> list[int]:
        models = (Course, Assignment, Submission)
        return [model.objects.visible_to(cast[name]).count() for model in models]

    assert {name: counts(name) for name in CAST} == {
        "admin": [2, 2, 1],
        "teacher": [1, 2, 1],
        "assistant": [1, 2, 1],
        "student": [1, 1, 1],
        "other_student": [1, 1, 0],
        "outsider": [1, 0, 0],
        "gone": [0, 0, 0],
        "nobody": [0, 0, 0],
    }


def test_a_student_who_left_the_course_sees_nothing_of_it(student: User, rows: dict[str, Any]) -> None:
    Membership.objects.filter(user=student).delete()
    assert not Course.objects.visible_to(student).exists()
    assert not Submission.objects.visible_to(student).exists()
