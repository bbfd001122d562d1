"""The history of a course and of the site: all kinds in one order, narrowed by person, kind and day, and as CSV."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment, Course, CourseEvent, Membership
from courses.services import (
    CriterionData,
    assignment_update,
    course_update,
    enrol_from_csv,
    member_add,
    member_change_role,
    member_remove,
    rubric_save,
)
from grading import services
from grading.history import Asked, HistoryKind, history_rows, lines_all, lines_of
from grading.models import Acceptance, AcceptanceSample, GradeEvent, ReviewAct, VersionEvent
from tests.grading.factories import make_grade, make_submission, make_version

pytestmark = pytest.mark.django_db


def told(asked: Asked) -> list[tuple[str, str, str]]:
    return [(line.words.action, line.about, line.words.changes) for line in lines_of(history_rows(asked))]


def test_who_came_went_and_was_given_which_role(course: Course, teacher: User) -> None:
    row = member_add(course=course, by=teacher, email="kim@example.org", name="Kim Lee")
    member_change_role(membership=row, by=teacher, role="assistant")
    member_change_role(membership=row, by=teacher, role="assistant")
    member_remove(membership=row, by=teacher)
    enrol_from_csv(course=course, by=teacher, data=b"email,name\numa@example.org,Uma Ray\numa@example.org,Uma Ray\n")
    assert told(Asked(course, kind=HistoryKind.MEMBERS)) == [
        ("added", "Uma Ray", "role Student"),
        ("taken out of the course", "Kim Lee", "role Assistant"),
        ("given another role", "Kim Lee", "role Student → Assistant"),
        ("added", "Kim Lee", "role Student"),
    ]
    assert {line.actor for line in lines_all(Asked(course))} == {"Miriam Osei"}


def test_settings_that_change_marks_are_kept_with_what_they_were(assignment: Assignment, teacher: User) -> None:
    due = timezone.now().replace(microsecond=0)
    assignment_update(assignment=assignment, by=teacher, max_points=Decimal(6), due_at=due, blind_marking=True)
    assignment_update(assignment=assignment, by=teacher, max_points=Decimal("6.00"), due_at=due)
    course_update(course=assignment.course, by=teacher, name="Physics", language="de")
    rubric_save(assignment=assignment, by=teacher, criteria=[CriterionData("Light", "", Decimal(6))])
    rubric_save(assignment=assignment, by=teacher, criteria=[CriterionData("Light", "", Decimal("6.0"))])
    rows = CourseEvent.objects.order_by("pk").values_list("action", "before", "after")
    assert list(rows) == [
        (
            "assignment_changed",
            {"max_points": "4", "due_at": None, "blind_marking": False},
            {"max_points": "6", "due_at": due.isoformat(), "blind_marking": True},
        ),
        ("course_changed", {"language": "en"}, {"language": "de"}),
        ("rubric_changed", {}, {"rubric": "Light: 6", "revision": 1}),
    ]
    assert "maximum of points 4 → 6" in told(Asked(assignment.course))[2][2]


def test_who_planned_a_release_and_who_called_it_off(
    client: Client, assignment: Assignment, teacher: User, assistant: User
) -> None:
    at = timezone.now().replace(microsecond=0) + timedelta(days=1)
    plan = services.release_plan_set(assignment=assignment, by=teacher, at=at)
    client.force_login(assistant)
    client.post(reverse("grading:release_plan_cancel", args=[plan.pk]))
    rows = CourseEvent.objects.filter(action="release_planned").order_by("pk").values_list("actor", "before", "after")
    none, planned = {"release_at": None}, {"release_at": at.isoformat()}
    assert list(rows) == [(teacher.pk, none, planned), (assistant.pk, planned, none)]
    assert told(Asked(assignment.course))[0][2].startswith("release ")


def test_all_kinds_stand_in_one_order_and_each_is_found(
    course: Course, assignment: Assignment, student: User, teacher: User, admin: User
) -> None:
    grade = make_grade(make_submission(assignment, student=student), "released", points=1)
    member_add(course=course, by=teacher, email="kim@example.org")
    GradeEvent.objects.create(grade=grade, actor=teacher, action="changed", after={"points": "1"})
    GradeEvent.objects.create(grade=grade, actor=teacher, action="released")
    VersionEvent.objects.create(version=make_version(name="v7"), actor=admin, action="promoted", after="promoted")
    actions = ["put in use", "released", "changed", "added"]
    assert [words for words, _about, _changes in told(Asked())] == actions
    assert [words for words, _about, _changes in told(Asked(course))] == actions[1:]
    for kind, found in {"models": 0, "releases": 1, "grades": 2, "members": 3}.items():
        assert [words for words, *_rest in told(Asked(kind=kind))] == [actions[found]]
    assert [words for words, *_rest in told(Asked(who="ada brandt"))] == ["released", "changed"]
    assert [words for words, *_rest in told(Asked(who="robin"))] == ["put in use"]
    today = timezone.localdate()
    assert len(told(Asked(since=today, until=today))) == 4
    assert told(Asked(until=today - timedelta(days=1))) == []


def test_hidden_names_stay_hidden(course: Course, assignment: Assignment, student: User, teacher: User) -> None:
    Assignment.objects.update(blind_marking=True)
    assignment.refresh_from_db()
    grade = make_grade(make_submission(assignment, student=student))
    GradeEvent.objects.create(grade=grade, actor=student, action="regrade_asked")
    GradeEvent.objects.create(grade=grade, actor=teacher, action="changed")
    assert {(line.about, line.actor) for line in lines_all(Asked(course))} == {
        (f"Paper {grade.submission_id}", "Miriam Osei"),
        (f"Paper {grade.submission_id}", f"Paper {grade.submission_id}"),
    }
    assert told(Asked(course, who="Ada")) == []
    assert len(told(Asked(course, who="Miriam"))) == 1


def test_what_is_to_be_marked_blind_is_told_afterwards(assignment: Assignment, teacher: User) -> None:
    grade = make_grade(make_submission(assignment))
    GradeEvent.objects.create(grade=grade, action="proposed", after={"points": "2"})
    act = ReviewAct.objects.create(assignment=assignment, actor=teacher, kind="bulk_approved")
    sample = AcceptanceSample.objects.create(
        acceptance=Acceptance.objects.create(
            assignment=assignment, act=act, tolerance=0.5, risk=0.1, bound=0.1, marks=22, wrong=0
        ),
        grade=grade,
        accepted=2,
    )
    assert told(Asked()) == []
    sample.delete()
    assert len(told(Asked())) == 1


def test_the_page_and_its_csv_show_what_was_asked_for(
    client: Client, course: Course, teacher: User, outsider: User
) -> None:
    for number in range(120):
        member_add(course=course, by=teacher, email=f"p{number}@example.org", name="=SUM(A1) Lee")
    client.force_login(teacher)
    address = reverse("grading:course_history", args=[course.pk])
    page = client.get(address, {"page": 2, "kind": "members"})
    assert page.content.decode().count("=SUM(A1) Lee") == 20
    assert "kind=members" in page.content.decode()
    assert client.get(address, {"kind": "nonsense", "since": "gestern"}).status_code == 200
    file = client.get(reverse("grading:course_history_csv", args=[course.pk]), {"kind": "members", "who": "p11"})
    rows = list(csv.reader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))  # type: ignore[attr-defined]
    assert len(rows) == 1 + 11  # p11 and p110 to p119
    assert {row[4] for row in rows[1:]} == {"'=SUM(A1) Lee"}
    Membership.objects.filter(user=teacher).delete()
    assert client.get(address).status_code == 404
