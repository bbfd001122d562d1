"""What is refused is a line of the log that a program can count: which event, who, where, which request; no secret."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Course
from gradingsite.logs import Context
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
Told = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    """The fields of each line, as LOG_FORMAT=json would write them."""
    caplog.handler.addFilter(Context())

    def rows() -> list[dict[str, Any]]:
        lines = [record for record in caplog.records if record.name == "gradingsite.security"]
        assert PASSWORD not in caplog.text
        return [vars(record)["ids"] for record in lines]

    return rows


def as_person(client: Client, user: User) -> Client:
    client.force_login(user, backend="gradingsite.accounts.EmailBackend")
    return client


def test_a_page_that_is_not_theirs(client: Client, outsider: User, course: Course, told: Told) -> None:
    answer = as_person(client, outsider).get(reverse("courses:course", args=[course.pk]))
    (line,) = told()
    assert line.pop("request_id") == answer.headers["X-Request-ID"]
    assert line == {"event": "not_theirs", "user": outsider.pk, "view": "courses:course", "status": 404}


def test_a_page_that_is_forbidden(client: Client, teacher: User, told: Told) -> None:
    as_person(client, teacher).get(reverse("grading:versions"))
    (line,) = told()
    assert (line["event"], line["user"], line["view"]) == ("forbidden", teacher.pk, "grading:versions")


def test_a_form_without_its_token(student: User, told: Told) -> None:
    Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": student.username, "password": PASSWORD})
    assert [line["event"] for line in told()] == ["forbidden"]


def test_a_wrong_password_and_an_account_that_is_locked(
    client: Client, student: User, told: Told, settings: Any
) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT + 1):
        client.post("/accounts/login/", {"username": student.username, "password": "wrong-password"})
    lines = told()
    events = [line["event"] for line in lines]
    assert events[0] == "wrong_password"
    assert {"locked", "too_often"} <= set(events)
    assert {line.get("user") for line in lines if line["event"] in ("wrong_password", "locked")} == {student.pk}
    assert all(line["request_id"] for line in lines)


def test_a_link_that_does_not_work(client: Client, told: Told) -> None:
    client.get(reverse("password_reset_confirm", args=["MQ", "abc123-0123456789abcdef"]))
    (line,) = told()
    assert line["event"] == "bad_link"
    assert "abc123" not in str(line)


def test_a_token_for_programs_that_does_not_work(client: Client, told: Told, caplog: Any) -> None:
    client.get(reverse("api:courses"), headers={"authorization": "Bearer mgt_not-a-token-of-anybody"})
    assert [line["event"] for line in told()] == ["no_proof"]
    assert "not-a-token" not in "".join(record.getMessage() for record in caplog.records)


def test_too_many_links(client: Client, student: User, told: Told, settings: Any) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "link_account": 1}
    for _ in range(2):
        client.post(reverse("password_reset"), {"email": student.email})
    (line,) = told()
    assert (line["event"], line["status"]) == ("too_often", 429)


def test_an_address_that_does_not_exist_is_nobodys(client: Client, student: User, told: Told) -> None:
    client.get("/wp-login.php")
    as_person(client, student).get("/wp-login.php")
    assert told() == []


def test_every_line_is_a_warning(client: Client, teacher: User, caplog: pytest.LogCaptureFixture) -> None:
    as_person(client, teacher).get(reverse("grading:versions"))
    lines = [record.levelno for record in caplog.records if record.name == "gradingsite.security"]
    assert lines == [logging.WARNING]
