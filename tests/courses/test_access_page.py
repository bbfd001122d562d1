"""Every address of the app, asked for by everybody."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses import urls
from courses.models import Assignment, Course, Membership, UnmatchedFile
from tests.factories import SubmissionFactory

CAST = ("admin", "teacher", "assistant", "student", "other_student", "outsider")

# What GET answers, in the order of CAST. Whoever may only POST is told so by 405, also where they may not.
PAGES = {
    "home": "200 200 200 200 200 200",
    "course_list": "200 200 200 200 200 200",
    "course_new": "200 200 403 403 403 200",
    "course": "200 200 200 200 200 404",
    "course_edit": "200 200 403 403 403 404",
    "members": "200 200 200 403 403 404",
    "enrol": "200 200 403 403 403 404",
    "assignment_new": "200 200 200 403 403 404",
    "assignment": "200 200 200 200 200 404",
    "assignment_edit": "200 200 200 403 403 404",
    "rubric_edit": "200 200 200 403 403 404",
    "submit": "403 403 403 200 200 404",
    "upload_files": "200 200 200 403 403 404",
    "upload_table": "200 200 200 403 403 404",
    "submission": "200 200 200 200 404 404",
    "submission_original": "200 200 200 200 404 404",
}
# What POST answers to those who may not; nobody else is asked, for a POST changes things.
ACTS = {
    "member_role": "- - 403 403 403 404",
    "member_remove": "- - 403 403 403 404",
    "member_invite": "- - 403 403 403 404",
    "unmatched_assign": "- - - 404 404 404",
    "unmatched_discard": "- - - 404 404 404",
    "course_edit": "- - 403 403 403 404",
    "members": "- - 403 403 403 404",
    "enrol": "- - 403 403 403 404",
    "assignment_new": "- - - 403 403 404",
    "assignment_edit": "- - - 403 403 404",
    "rubric_edit": "- - - 403 403 404",
    "submit": "403 403 403 - - 404",
    "upload_files": "- - - 403 403 404",
    "upload_table": "- - - 403 403 404",
}


@pytest.fixture
def addresses(request: pytest.FixtureRequest, course: Course, assignment: Assignment, student: User) -> dict[str, str]:
    for name in CAST:
        request.getfixturevalue(name)
    submission = SubmissionFactory(assignment=assignment, student=student)
    submission.original.save("answer.txt", _file(b"The sky."))
    membership = Membership.objects.get(course=course, user=student)
    file = UnmatchedFile.objects.create(assignment=assignment, original_name="x.txt", original="originals/x")
    rows: dict[str, Any] = {
        **dict.fromkeys(("course", "course_edit", "members", "enrol", "assignment_new"), course),
        **dict.fromkeys(("submission", "submission_original"), submission),
        **dict.fromkeys(("member_role", "member_remove", "member_invite"), membership),
        **dict.fromkeys(("unmatched_assign", "unmatched_discard"), file),
        **dict.fromkeys(("home", "course_list", "course_new"), None),
    }
    names = [str(pattern.name) for pattern in urls.urlpatterns]
    found = {name: rows.get(name, assignment) for name in names}
    return {name: reverse(f"courses:{name}", args=[row.pk] if row else []) for name, row in found.items()}


def _file(data: bytes) -> Any:
    from django.core.files.base import ContentFile

    return ContentFile(data)


def test_every_address_is_in_one_of_the_tables() -> None:
    assert {pattern.name for pattern in urls.urlpatterns} == PAGES.keys() | ACTS.keys()


@pytest.mark.parametrize("name", PAGES)
def test_pages_open_for_those_who_may_and_for_no_others(
    name: str, addresses: dict[str, str], client: Client, request: pytest.FixtureRequest
) -> None:
    answers = []
    for person in CAST:
        client.force_login(request.getfixturevalue(person))
        answers.append(str(client.get(addresses[name]).status_code))
    assert " ".join(answers) == PAGES[name]


@pytest.mark.parametrize("name", ACTS)
def test_acts_are_refused_to_those_who_may_not(
    name: str, addresses: dict[str, str], client: Client, request: pytest.FixtureRequest
) -> None:
    for person, expected in zip(CAST, ACTS[name].split(), strict=True):
        if expected != "-":
            client.force_login(request.getfixturevalue(person))
            assert (person, client.post(addresses[name]).status_code) == (person, int(expected))


def test_who_is_not_logged_in_is_sent_to_the_login(addresses: dict[str, str], client: Client) -> None:
    for name, address in addresses.items():
        response = client.get(address) if name in PAGES else client.post(address)
        assert (name, response.status_code) == (name, 302)
        assert response.headers["Location"] == f"/accounts/login/?next={address}"


def test_nothing_changes_by_opening_a_page(addresses: dict[str, str], client: Client, teacher: User) -> None:
    client.force_login(teacher)
    for name in ACTS.keys() - PAGES.keys():
        assert (name, client.get(addresses[name]).status_code) == (name, 405)


def test_a_former_member_sees_nothing_any_more(addresses: dict[str, str], client: Client, student: User) -> None:
    student.memberships.all().delete()
    client.force_login(student)
    for name in ("course", "assignment", "submission", "submission_original", "submit"):
        assert (name, client.get(addresses[name]).status_code) == (name, 404)
