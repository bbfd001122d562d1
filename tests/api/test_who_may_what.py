"""Every operation of the API as every kind of person, with ids that exist. An operation without a line fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from courses.models import Assignment, Course, Submission
from grading.models import Grade, GradingRun
from gradingsite.api.site import api
from tests.factories import AssignmentFactory, MembershipFactory, UserFactory
from tests.grading.factories import make_grade, make_run, make_submission

pytestmark = pytest.mark.django_db
STAFF = {"admin", "teacher", "assistant"}
MEMBERS = STAFF | {"student", "other_student"}
EVERYBODY = MEMBERS | {"outsider", "student_of_another_course"}
OPERATIONS: dict[tuple[str, str], tuple[Any, set[str]]] = {
    ("get", "/courses"): (None, EVERYBODY),
    ("get", "/courses/{course}"): (None, MEMBERS),
    ("get", "/courses/{course}/assignments"): (None, MEMBERS),
    ("get", "/assignments/{assignment}"): (None, MEMBERS),
    ("get", "/assignments/{assignment}/submissions"): (None, MEMBERS),
    ("post", "/assignments/{assignment}/submissions"): (
        {"text": "Dust.", "student": "ada@example.org"},
        STAFF | {"student"},
    ),
    ("post", "/assignments/{assignment}/submissions/file"): ("file", STAFF | {"student"}),
    ("get", "/submissions/{submission}"): (None, STAFF | {"student"}),
    ("get", "/assignments/{assignment}/grades"): (None, MEMBERS),
    ("get", "/grades/{grade}"): (None, STAFF | {"student"}),
    ("patch", "/grades/{grade}"): ({"edition": 1}, STAFF),
    ("post", "/grades/{grade}/approve"): ({"edition": 1}, STAFF),
    ("post", "/assignments/{assignment}/release"): ({}, STAFF),
    ("get", "/assignments/{assignment}/runs"): (None, STAFF),
    ("post", "/assignments/{assignment}/runs"): ({}, STAFF),
    ("get", "/runs/{run}"): (None, STAFF),
    ("post", "/runs/{run}/cancel"): ({}, STAFF),
}


@pytest.fixture
def everybody(request: pytest.FixtureRequest, other_course: Course) -> dict[str, User]:
    names = ("admin", "teacher", "assistant", "student", "other_student", "outsider")
    stranger = UserFactory()
    MembershipFactory(course=other_course, user=stranger)
    return {**{name: request.getfixturevalue(name) for name in names}, "student_of_another_course": stranger}


@pytest.fixture
def keys(course: Course, assignment: Assignment, student: User, admin: User) -> dict[str, int]:
    paper = make_submission(assignment, student=student)
    grade = make_grade(paper, state="released", points=1, approved_by=admin)
    run = make_run(assignment, [paper])
    return {"course": course.pk, "assignment": assignment.pk, "submission": paper.pk, "grade": grade.pk, "run": run.pk}


def test_every_operation_has_a_line() -> None:
    found = {
        (method, path.removeprefix("/api").replace("{pk}", "{}"))
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
    }
    names = ("course", "assignment", "submission", "grade", "run")
    assert found == {(method, path.format(**dict.fromkeys(names, "{}"))) for method, path in OPERATIONS}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_operation_is_there_for_those_who_may(
    method: str, path: str, everybody: dict[str, User], keys: dict[str, int], program: Callable[..., Any]
) -> None:
    data, allowed = OPERATIONS[method, path]
    got = {}
    for role, user in everybody.items():
        with transaction.atomic():
            if data == "file":
                fields = {"file": SimpleUploadedFile("a.txt", b"Dust."), "student": "ada@example.org"}
                answer = program(user).file(path.format(**keys), fields)
            else:
                answer = program(user).ask(method, path.format(**keys), data)
            transaction.set_rollback(True)
        got[role] = answer.status_code
    assert {role for role, code in got.items() if code in {200, 201, 409}} == allowed, got
    assert {code for role, code in got.items() if role not in allowed} <= {403, 404}, got
    assert {got[role] for role in ("outsider", "student_of_another_course")} <= {200 if path == "/courses" else 404}
    asked = {} if data is None else {"data": "{}", "content_type": "application/json"}
    assert getattr(Client(), method)(f"/api{path.format(**keys)}", **asked).status_code == 401


@pytest.mark.parametrize("state", ["proposed", "approved", "withdrawn", "rejected", "superseded"])
def test_a_student_sees_no_grade_that_is_not_released(
    state: str, assignment: Assignment, student: User, program: Callable[..., Any]
) -> None:
    points = {"points": 1} if state in ("approved", "withdrawn") else {}
    grade = make_grade(make_submission(assignment, student=student), state=state, **points)
    assert program(student).get(f"/grades/{grade.pk}").status_code == 404
    assert program(student).get(f"/assignments/{assignment.pk}/grades").json()["items"] == []


def test_a_student_sees_own_rows_only_and_nothing_of_the_proposal(
    assignment: Assignment, student: User, other_student: User, program: Callable[..., Any]
) -> None:
    own = make_grade(make_submission(assignment, student=student), state="released", points=1, internal_note="Odd.")
    make_grade(make_submission(assignment, student=other_student), state="released", points=2)
    answer = program(student).get(f"/assignments/{assignment.pk}/grades")
    assert [row["id"] for row in answer.json()["items"]] == [own.pk]
    assert "Odd." not in answer.content.decode()
    shown = answer.json()["items"][0]
    assert (shown["points"], shown["proposed_points"], shown["edition"]) == (1, None, None)
    papers = program(student).get(f"/assignments/{assignment.pk}/submissions").json()["items"]
    assert {row["student"]["email"] for row in papers} == {student.email}


def test_students_see_neither_reference_answer_nor_hidden_assignments(
    assignment: Assignment, student: User, teacher: User, program: Callable[..., Any]
) -> None:
    hidden = AssignmentFactory(course=assignment.course, published=False)
    path = f"/courses/{assignment.course_id}/assignments"
    seen = program(student).get(path).json()["items"]
    assert [(row["id"], row["reference_answer"]) for row in seen] == [(assignment.pk, None)]
    assert program(student).get(f"/assignments/{hidden.pk}").status_code == 404
    staff = program(teacher).get(path).json()["items"]
    assert [row["id"] for row in staff] == [assignment.pk, hidden.pk]
    assert staff[0]["reference_answer"] == assignment.reference_answer


def test_names_are_hidden_where_marking_is_blind(
    assignment: Assignment, student: User, teacher: User, program: Callable[..., Any]
) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(blind_marking=True)
    make_grade(make_submission(assignment, student=student))
    answer = program(teacher).get(f"/assignments/{assignment.pk}/grades")
    assert answer.json()["items"][0]["student"] is None
    assert student.email not in answer.content.decode()


def test_a_student_hands_in_for_nobody_else(
    assignment: Assignment, student: User, other_student: User, program: Callable[..., Any]
) -> None:
    path = f"/assignments/{assignment.pk}/submissions"
    answer = program(student).post(path, {"text": "Dust.", "student": other_student.email})
    assert answer.status_code == 403
    assert not Submission.objects.exists()


def test_counts_are_untouched_by_refusals(keys: dict[str, int], outsider: User, program: Callable[..., Any]) -> None:
    before = (Submission.objects.count(), Grade.objects.count(), GradingRun.objects.count())
    program(outsider).post(f"/assignments/{keys['assignment']}/runs", {"scope": "all"})
    program(outsider).post(
        f"/assignments/{keys['assignment']}/submissions", {"text": "x", "student": "ada@example.org"}
    )
    assert (Submission.objects.count(), Grade.objects.count(), GradingRun.objects.count()) == before
