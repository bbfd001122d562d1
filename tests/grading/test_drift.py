"""Agreement over time and for groups of students, with hand-computed values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from grading import drift
from grading.exceptions import GroupsRefused
from grading.models import Correction, ModelVersion, StudentGroup
from grading.services.student_groups import student_groups_import
from tests.grading.factories import make_assignment, make_grade, make_submission, make_user, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return make_version()


def decided(
    version: ModelVersion, number: int, points: float = 2, at: datetime | None = None, **fields: Any
) -> list[Any]:
    assignment = fields.pop("assignment", None) or make_assignment()  # 4 points; 2 are proposed
    person = make_user()
    return [
        make_grade(
            make_submission(assignment),
            state="approved",
            version=version,
            points=points,
            approved_by=person,
            approved_at=at or timezone.now(),
            **fields,
        )
        for _ in range(number)
    ]


def test_each_month_has_its_own_row_with_the_newest_first(version):
    now = datetime(2026, 3, 15, tzinfo=UTC)
    decided(version, drift.ENOUGH, points=2, at=now)
    decided(version, drift.ENOUGH, points=3, at=now - timedelta(days=31))
    months = drift.by_month(drift.decided_grades(version), lambda month: month.isoformat())
    assert [row.label for row in months] == ["2026-03-01", "2026-02-01"]
    assert [row.mae for row in months] == [0.0, 25.0]
    assert [row.changed for row in months] == [0.0, 1.0]


def test_with_few_grades_it_says_nothing(version):
    decided(version, drift.ENOUGH - 1)
    (row,) = drift.by_course(drift.decided_grades(version))
    assert (row.n, row.mae, row.qwk, row.smd) == (drift.ENOUGH - 1, None, None, None)


def test_only_grades_that_a_person_decided_count(version):
    make_grade(version=version)
    make_grade(make_submission(), state="approved", version=version, points=2, approved_at=timezone.now())
    assert drift.decided_grades(version) == []


def test_coverage_is_the_share_of_intervals_that_hold_the_points(version):
    grades = decided(version, drift.ENOUGH, points=2)
    for place, grade in enumerate(grades):
        low = 1 if place % 4 else 3
        Correction.objects.create(grade=grade, score=0.5, marks=10, low=low, high=4)
    row = drift.agreement("all", drift.decided_grades(version))
    assert row.coverage == pytest.approx(0.75)


def test_a_group_that_is_marked_more_generously_than_its_teachers_do_stands_out(version):
    assignment = make_assignment()
    fair = decided(version, 30, points=2, assignment=assignment) + decided(version, 10, points=3, assignment=assignment)
    for grade in fair[30:]:
        type(grade).objects.filter(pk=grade.pk).update(proposed_points=3)
    strict = decided(version, 30, points=1, assignment=assignment) + decided(
        version, 10, points=2, assignment=assignment
    )
    for value, grades in (("home", fair), ("abroad", strict)):
        for grade in grades:
            StudentGroup.objects.create(field="Origin", value=value, student=grade.submission.student)
    ((field, groups),) = drift.by_group(drift.decided_grades(version))
    assert field == "Origin"
    assert [(row.label, row.smd_high) for row in groups] == [("abroad", True), ("home", False)]
    assert groups[0].smd > 0


def test_a_field_is_replaced_as_a_whole_and_unknown_people_are_named(admin):
    known, other = make_user("anna"), make_user("ben")
    data = f"student;group\n{known.email.upper()};a\n{other.username};b\nnobody@example.org;a\n".encode()
    report = student_groups_import(by=admin, field="Origin", data=data)
    assert report.taken == 2
    assert [error.row for error in report.errors] == [4]
    student_groups_import(by=admin, field="Origin", data=f"student,group\n{known.email},c\n".encode())
    assert list(StudentGroup.objects.values_list("student", "value")) == [(known.pk, "c")]
    with pytest.raises(GroupsRefused):
        student_groups_import(by=admin, field="Origin", data=b"student,group\nx,y\n")
    assert StudentGroup.objects.count() == 1


def test_the_pages_show_it_and_forget_a_field(client: Client, admin: User, version):
    decided(version, drift.ENOUGH, points=3)
    client.force_login(admin)
    page = client.get(reverse("grading:drift", args=[version.pk])).content.decode()
    assert "25.0" in page
    student = make_user("carla")
    file = SimpleUploadedFile("groups.csv", f"student,group\n{student.email},a\nx,b".encode())
    page = client.post(
        reverse("grading:student_groups"), {"field": "Origin", "file": file}, follow=True
    ).content.decode()
    assert "1 student has a group" in page
    assert "“x” is nobody here" in page
    client.post(reverse("grading:student_groups_forget"), {"field": "Origin"})
    assert not StudentGroup.objects.exists()
