"""Grades and runs through the API: the same services, editions and states as on the desk."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from courses.models import Assignment
from grading.models import Acceptance, AcceptanceSample, Grade, GradeEvent, ReviewAct
from tests.grading.factories import make_assignment, make_grade, make_run, make_submission, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def grade(assignment: Assignment, student: User) -> Grade:
    return make_grade(make_submission(assignment, student=student))


def test_points_and_feedback_are_changed_approved_and_released(
    grade: Grade, assignment: Assignment, teacher: User, student: User, program: Callable[..., Any]
) -> None:
    script = program(teacher)
    changed = script.ask("patch", f"/grades/{grade.pk}", {"edition": 1, "points": 3.5, "feedback": "Good."}).json()
    assert (changed["points"], changed["feedback"], changed["state"]) == (3.5, "Good.", "proposed")
    approved = script.post(f"/grades/{grade.pk}/approve", {"edition": changed["edition"]}).json()
    assert (approved["state"], approved["approved_by"]) == ("approved", "Miriam Osei")
    assert script.post(f"/assignments/{assignment.pk}/release").json() == {"released": 1}
    seen = program(student).get(f"/grades/{grade.pk}").json()
    assert (seen["points"], seen["feedback"], seen["state"]) == (3.5, "Good.", "released")
    assert set(GradeEvent.objects.values_list("actor", flat=True)) == {teacher.pk}


def test_an_older_edition_overwrites_nothing(grade: Grade, teacher: User, program: Callable[..., Any]) -> None:
    program(teacher).ask("patch", f"/grades/{grade.pk}", {"edition": 1, "points": 3})
    late = program(teacher).ask("patch", f"/grades/{grade.pk}", {"edition": 1, "points": 1})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "edited_meanwhile")
    grade.refresh_from_db()
    assert grade.points == 3


@pytest.mark.parametrize("points", [4.5, 0.3, -1, "x", 1e300])
def test_points_that_do_not_fit_are_refused(
    points: Any, grade: Grade, teacher: User, program: Callable[..., Any]
) -> None:
    answer = program(teacher).ask("patch", f"/grades/{grade.pk}", {"edition": 1, "points": points})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]
    grade.refresh_from_db()
    assert grade.points is None


def test_criteria_add_up(teacher: User, course: Any, program: Callable[..., Any]) -> None:
    grade = make_grade(make_submission(make_assignment(course, criteria=(2, 3))))
    script = program(teacher)
    scores = script.get(f"/grades/{grade.pk}").json()["criteria"]
    data = {"edition": 1, "criteria": [{"id": scores[0]["id"], "points": 2}, {"id": scores[1]["id"], "points": 2.5}]}
    assert script.ask("patch", f"/grades/{grade.pk}", data).json()["points"] == 4.5


def test_a_released_grade_is_not_edited(assignment: Assignment, teacher: User, program: Callable[..., Any]) -> None:
    grade = make_grade(make_submission(assignment), state="released", points=Decimal(1), approved_by=teacher)
    answer = program(teacher).ask("patch", f"/grades/{grade.pk}", {"edition": 1, "points": 3})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "grade_is_closed")


def test_a_paper_that_checks_a_promise_shows_no_proposal_and_is_not_marked_here(
    grade: Grade, assignment: Assignment, teacher: User, program: Callable[..., Any]
) -> None:
    act = ReviewAct.objects.create(assignment=assignment, actor=teacher, kind="bulk_approved")
    promise = Acceptance.objects.create(
        assignment=assignment, act=act, tolerance=0.5, risk=0.1, bound=0.1, marks=22, wrong=0
    )
    AcceptanceSample.objects.create(acceptance=promise, grade=grade, accepted=2)
    shown = program(teacher).get(f"/grades/{grade.pk}").json()
    assert (shown["points"], shown["proposed_points"], shown["feedback"]) == (None, None, "")
    answer = program(teacher).post(f"/grades/{grade.pk}/approve", {"edition": 1})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "marked_blind")


def test_a_run_is_started_watched_and_cancelled(
    assignment: Assignment, teacher: User, program: Callable[..., Any]
) -> None:
    make_version()
    papers = [make_submission(assignment) for _ in range(3)]
    script = program(teacher)
    path = f"/assignments/{assignment.pk}/runs"
    started = script.post(path, {"scope": "selected", "submissions": [paper.pk for paper in papers[:2]]}).json()
    assert (started["total"], started["queued"], started["active"]) == (2, 2, True)
    assert script.post(path, {"scope": "selected", "submissions": [papers[0].pk]}).json()["id"] == started["id"]
    assert script.get(f"/runs/{started['id']}").json()["active"] is True
    assert script.post(f"/runs/{started['id']}/cancel").json()["cancelled"] == 2
    assert [row["id"] for row in script.get(path).json()["items"]] == [started["id"]]


def test_without_a_model_version_no_run_starts(grade: Grade, teacher: User, program: Callable[..., Any]) -> None:
    answer = program(teacher).post(f"/assignments/{grade.submission.assignment_id}/runs", {"scope": "all"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_model_version")


def test_papers_of_another_assignment_are_not_marked_along(
    assignment: Assignment, teacher: User, program: Callable[..., Any]
) -> None:
    foreign = make_submission()
    make_run(foreign.assignment, [])
    data = {"scope": "selected", "submissions": [foreign.pk]}
    assert (
        program(teacher).post(f"/assignments/{assignment.pk}/runs", data).json()["error"]["code"] == "nothing_to_mark"
    )
