"""Every URL, requested as every kind of person, with ids that exist. A URL without a line here fails the test."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from courses.models import Assignment
from tests.access_table import API, GET, OPEN, POST, address, names_of
from tests.everybody import _uploads_go_away, browser_with, everybody, people, rows, sessions
from tests.grading.factories import make_grade, make_submission

__all__ = ["_uploads_go_away", "everybody", "people", "rows", "sessions"]  # fixtures

pytestmark = pytest.mark.django_db


def test_every_url_has_a_line() -> None:
    found = {name for name in names_of(get_resolver().url_patterns) if not name.startswith("admin:")}
    assert found == set(GET) | set(POST) | OPEN | API


def status(url: str, method: str, session: str | None) -> int:
    """What whoever has this session gets; whatever the request changed is undone again."""
    client = browser_with(session)
    with transaction.atomic():
        response = client.post(url) if method == "post" else client.get(url)
        transaction.set_rollback(True)
    if response.status_code == 302 and response.headers["Location"].startswith("/accounts/login/"):
        return 401
    return response.status_code


CELLS = [("get", name, *cell) for name, cell in GET.items()] + [("post", name, *cell) for name, cell in POST.items()]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "name", "kind", "allowed"), CELLS, ids=[f"{cell[0]}-{cell[1]}" for cell in CELLS])
def test_a_page_opens_for_those_who_may_and_for_nobody_else(
    method: str,
    name: str,
    kind: str,
    allowed: frozenset[str],
    people: dict[str, User],
    sessions: dict[str, str],
    rows: dict[str, int],
) -> None:
    url = address(name, kind, rows)
    got = {role: status(url, method, session) for role, session in sessions.items()}
    if name in ("courses:home", "courses:course_list"):
        allowed |= {"without_a_course"}
    assert {role for role, code in got.items() if code in {200, 302, 409, 422}} == allowed, got
    assert {code for role, code in got.items() if role not in allowed} <= {403, 404}, got
    assert status(url, method, None) == 401
    User.objects.filter(pk=people["teacher"].pk).update(is_active=False)
    assert status(url, method, sessions["teacher"]) == 401


@pytest.mark.slow
@pytest.mark.parametrize("name", POST)
def test_opening_an_address_that_changes_things_changes_nothing(
    name: str, rows: dict[str, int], sessions: dict[str, str]
) -> None:
    assert status(address(name, POST[name][0], rows), "get", sessions["admin"]) == 405


def test_a_former_member_sees_nothing_any_more(
    rows: dict[str, int], people: dict[str, User], sessions: dict[str, str]
) -> None:
    people["assistant"].memberships.all().delete()
    for name in ("courses:course", "courses:assignment", "courses:submission", "grading:review", "grading:run"):
        assert status(address(name, GET[name][0], rows), "get", sessions["assistant"]) == 404


@pytest.mark.parametrize("state", ["proposed", "approved", "withdrawn", "rejected", "superseded"])
def test_a_student_cannot_see_an_unreleased_grade(
    state: str, assignment: Assignment, student: User, client: Client
) -> None:
    points = {"points": 1} if state in ("approved", "withdrawn") else {}
    grade = make_grade(
        make_submission(assignment, student=student), state=state, feedback="Unreleased words.", **points
    )
    client.force_login(student, backend="gradingsite.accounts.EmailBackend")
    assert client.get(reverse("grading:my_grade", args=[grade.submission_id])).status_code == 404
    for page in ("courses:home", "courses:course", "courses:assignment", "courses:submission"):
        key = {"courses:course": assignment.course_id, "courses:assignment": assignment.pk}
        keys = [] if page == "courses:home" else [key.get(page, grade.submission_id)]
        html = client.get(reverse(page, args=keys)).content.decode()
        assert "Unreleased words." not in html
        assert f"grading/submissions/{grade.submission_id}/grade" not in html
