"""The export for research: only of those who agreed, under pseudonyms, with nobody of the course in its texts."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment, Course, CourseEvent, Membership
from courses.services import member_remove
from courses.services.consent import consent_set
from grading.models import Grade
from grading.services.research import NobodyAgreed, pseudonym, research_export
from tests.grading.factories import make_assignment, make_grade, make_submission

pytestmark = pytest.mark.django_db
ANSWER = "I, Ada Brandt (ada@example.org), asked Bilal: blue light is scattered."


@pytest.fixture
def grades(assignment: Assignment, student: User, other_student: User, teacher: User) -> list[Grade]:
    """Ada's released grade, one of hers that is not released, and Bilal's."""
    other = make_assignment(assignment.course, criteria=(2,))
    return [
        make_grade(
            make_submission(assignment, ANSWER, student=student),
            "released",
            points=1,
            approved_by=teacher,
            feedback="Well done, ADA. Ask Ms Osei.",
        ),
        make_grade(make_submission(other, "Ada's second.", student=student)),
        make_grade(make_submission(assignment, "Bilal's own words.", student=other_student), "released", points=2),
    ]


def agree(user: User, course: Course, given: bool = True) -> None:
    consent_set(membership=Membership.objects.get(user=user, course=course), given=given)


def opened(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def test_only_released_grades_of_those_who_agreed_are_in_it(
    grades: list[Grade], course: Course, student: User, teacher: User, admin: User
) -> None:
    agree(student, course)
    files = opened(research_export(course=course, by=admin))
    (row,) = [json.loads(line) for line in files["answers.jsonl"].splitlines()]
    assert row["student"] == pseudonym(course, "student", student.pk)
    assert row["marker"] == pseudonym(course, "marker", teacher.pk)
    assert row["answer"] == "I, [name] [name] ([e-mail]), asked [name]: blue light is scattered."
    assert row["feedback"] == "Well done, [name]. Ask Ms [name]."
    assert (row["points"], row["max_points"], row["assignment"]) == (1.0, 4.0, 1)
    (line,) = list(csv.DictReader(io.StringIO(files["answers.csv"])))
    assert line["answer"] == row["answer"]
    assert len(files["assignments.jsonl"].splitlines()) == 2
    assert "1 students agreed" in files["README.txt"]
    assert CourseEvent.objects.get(action="research_export").after == {"students": 1, "answers": 1}


def test_nothing_in_it_names_anybody_or_holds_the_key(
    grades: list[Grade], course: Course, student: User, other_student: User, admin: User, settings: Any
) -> None:
    for user in (student, other_student):
        agree(user, course)
    for name, text in opened(research_export(course=course, by=admin)).items():
        for word in ("ada", "brandt", "bilal", "chaudhry", "osei", "example.org", settings.SECRET_KEY.lower()):
            assert word not in text.lower(), name


def test_a_pseudonym_is_the_same_in_one_course_and_another_in_the_next(
    course: Course, other_course: Course, student: User, settings: Any
) -> None:
    first = pseudonym(course, "student", student.pk)
    assert first == pseudonym(course, "student", student.pk)
    assert first != pseudonym(other_course, "student", student.pk)
    settings.SECRET_KEY = "another one"
    assert first != pseudonym(course, "student", student.pk)


def test_who_takes_it_back_or_leaves_is_in_no_later_export(
    grades: list[Grade], course: Course, student: User, other_student: User, teacher: User, admin: User
) -> None:
    with pytest.raises(NobodyAgreed):
        research_export(course=course, by=admin)
    for user in (student, other_student):
        agree(user, course)
    agree(student, course, given=False)
    member_remove(membership=Membership.objects.get(user=other_student, course=course), by=teacher)
    with pytest.raises(NobodyAgreed):
        research_export(course=course, by=admin)
    said = CourseEvent.objects.filter(person=student, action="consent_changed").order_by("pk")
    assert [row.after for row in said] == [{"consent": True}, {"consent": False}]
    assert not CourseEvent.objects.filter(action="research_export").exists()


def test_a_student_agrees_on_the_page_of_the_course_and_an_admin_exports(
    client: Client, grades: list[Grade], course: Course, student: User, teacher: User, admin: User
) -> None:
    client.force_login(student)
    page = client.post(reverse("courses:consent", args=[course.pk]), {"given": "yes"}, follow=True)
    assert "You agreed." in page.content.decode()
    address = reverse("grading:research", args=[course.pk])
    assert client.post(address).status_code == 403
    client.force_login(teacher)
    assert client.post(address).status_code == 403
    assert client.post(reverse("courses:consent", args=[course.pk]), {"given": "yes"}).status_code == 404
    client.force_login(admin)
    assert "1 of 2 students agreed" in " ".join(client.get(address).content.decode().split())
    response = client.post(address)
    assert response["Content-Type"] == "application/zip"
    assert "answers.jsonl" in opened(response.content)
    agree(student, course, given=False)
    assert "Nobody whose grade" in client.post(address, follow=True).content.decode()
