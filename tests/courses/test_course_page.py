from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment, Course, Role
from tests.factories import AssignmentFactory, SubmissionFactory

ASSIGNMENT = {
    "title": "Rainbows",
    "question": "Why are they bows?",
    "reference_answer": "Refraction at a fixed angle.",
    "marking_instructions": "Be kind.",
    "max_points": "3",
    "step": "0.5",
    "language": "de",
    "due_at": "2031-05-01T12:30",
    "regrade_days": "14",
    "second_share": "0",
    "second_spread": "0.5",
    "published": "on",
}


def test_a_teacher_opens_a_course_and_teaches_it(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    response = client.post(reverse("courses:course_new"), {"name": "Optics", "term": "", "language": "en"})
    course = Course.objects.get(name="Optics")
    assert response.headers["Location"] == reverse("courses:course", args=[course.pk])
    assert course.memberships.get().role == Role.TEACHER


def test_a_course_without_a_name_comes_back_with_words(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    response = client.post(reverse("courses:course_new"), {"name": " ", "language": "en"})
    assert response.status_code == 200
    assert "This field is required." in response.text


def test_a_teacher_makes_and_changes_an_assignment(client: Client, teacher: User, course: Course) -> None:
    client.force_login(teacher)
    client.post(reverse("courses:assignment_new", args=[course.pk]), ASSIGNMENT)
    assignment = Assignment.objects.get(title="Rainbows")
    assert (assignment.language, assignment.due_at.isoformat()) == ("de", "2031-05-01T12:30:00+00:00")
    address = reverse("courses:assignment_edit", args=[assignment.pk])
    assert 'value="2031-05-01T12:30"' in client.get(address).text
    client.post(address, {**ASSIGNMENT, "title": "Bows", "published": ""})
    assignment.refresh_from_db()
    assert (assignment.title, assignment.published) == ("Bows", False)


@pytest.mark.parametrize("points", ["0", "-1", "many", "1e9", ""])
def test_points_that_make_no_sense_come_back_with_words(
    points: str, client: Client, teacher: User, course: Course
) -> None:
    client.force_login(teacher)
    response = client.post(reverse("courses:assignment_new", args=[course.pk]), {**ASSIGNMENT, "max_points": points})
    assert response.status_code == 200
    assert "invalid-feedback" in response.text
    assert not Assignment.objects.exists()


def test_students_never_meet_what_is_for_markers_only(
    client: Client, student: User, assignment: Assignment, course: Course
) -> None:
    assignment.reference_answer, assignment.marking_instructions = "SECRET-REFERENCE", "SECRET-INSTRUCTIONS"
    assignment.save()
    submission = SubmissionFactory(assignment=assignment, student=student)
    client.force_login(student)
    pages = [
        reverse("courses:home"),
        reverse("courses:course", args=[course.pk]),
        *(reverse(f"courses:{name}", args=[assignment.pk]) for name in ("assignment", "submit")),
        reverse("courses:submission", args=[submission.pk]),
    ]
    for page in pages:
        response = client.get(page)
        assert response.status_code == 200
        assert "SECRET" not in response.text


def test_a_hidden_assignment_is_not_there_for_students(client: Client, student: User, course: Course) -> None:
    hidden = AssignmentFactory(course=course, title="Next week", published=False)
    client.force_login(student)
    assert "Next week" not in client.get(reverse("courses:course", args=[course.pk])).text
    assert "Next week" not in client.get(reverse("courses:home")).text
    assert client.get(reverse("courses:submit", args=[hidden.pk])).status_code == 404


def test_what_people_write_is_shown_as_text(client: Client, teacher: User, assignment: Assignment) -> None:
    evil = "<script>alert(1)</script>"
    assignment.question = assignment.title = evil
    assignment.save()
    submission = SubmissionFactory(assignment=assignment, text=evil, student__first_name="<b>Eve")
    client.force_login(teacher)
    for name, row in (("assignment", assignment), ("submission", submission)):
        text = client.get(reverse(f"courses:{name}", args=[row.pk])).text
        assert evil not in text
        assert "&lt;script&gt;" in text
        assert "<b>Eve" not in text


def test_the_list_of_answers_takes_the_same_queries_however_long_it_is(
    client: Client, teacher: User, assignment: Assignment
) -> None:
    client.force_login(teacher)
    address = reverse("courses:assignment", args=[assignment.pk])
    SubmissionFactory.create_batch(2, assignment=assignment)
    few = _queries(client, address)
    SubmissionFactory.create_batch(20, assignment=assignment)
    assert _queries(client, address) == few


def test_the_home_page_takes_the_same_queries_however_much_waits(client: Client, teacher: User, course: Course) -> None:
    client.force_login(teacher)
    address = reverse("courses:home")
    SubmissionFactory(assignment=AssignmentFactory(course=course))
    few = _queries(client, address)
    for _ in range(5):
        SubmissionFactory(assignment=AssignmentFactory(course=course))
    assert _queries(client, address) == few


def _queries(client: Client, address: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)
