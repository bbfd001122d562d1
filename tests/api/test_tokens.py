"""What lets a program in, and what no longer does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from courses.models import Assignment, Course
from gradingsite.signin.models import ApiToken
from gradingsite.signin.tokens import EndIsPast, SecondFactorMissing, TooManyTokens, token_drop, token_make

pytestmark = pytest.mark.django_db


def made(user: User, **fields: Any) -> tuple[ApiToken, str]:
    return token_make(user=user, **{"name": "script", "scope": "write", "expires_at": None, "request": None, **fields})


def status(token: str, path: str = "/api/courses") -> int:
    return int(Client().get(path, headers={"authorization": f"Bearer {token}"}).status_code)


def test_a_token_lets_its_owner_in_and_notes_the_use(teacher: User, course: Course) -> None:
    row, token = made(teacher)
    answer = Client().get("/api/courses", headers={"authorization": f"Bearer {token}"})
    assert [(each["name"], each["role"]) for each in answer.json()["items"]] == [("Physics", "teacher")]
    row.refresh_from_db()
    assert row.last_used_at is not None


def test_the_token_itself_is_kept_nowhere(teacher: User) -> None:
    _row, token = made(teacher)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            assert token not in repr(cursor.fetchall()), table


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer mgt_wrong", "Basic YTpi", "Bearer \udcff", "x"])
def test_without_a_token_that_works_nobody_comes_in(header: str, course: Course) -> None:
    answer = Client().get("/api/courses", headers={"authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "token_unknown"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_withdrawn_token_stops(teacher: User) -> None:
    row, token = made(teacher)
    token_drop(token=row, request=None)
    assert status(token) == 401


def test_a_token_stops_at_its_end(teacher: User) -> None:
    row, token = made(teacher, expires_at=timezone.now() + timedelta(hours=1))
    assert status(token) == 200
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert status(token) == 401


def test_a_deactivated_persons_token_stops(teacher: User) -> None:
    _row, token = made(teacher)
    User.objects.filter(pk=teacher.pk).update(is_active=False)
    assert status(token) == 401


def test_a_token_that_reads_cannot_write(teacher: User, assignment: Assignment, program: Any) -> None:
    answer = program(teacher, "read").post(f"/assignments/{assignment.pk}/release")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "token_reads_only")


def test_a_session_is_no_token(teacher: User, assignment: Assignment) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    assert browser.get("/api/courses").status_code == 401
    assert browser.post(f"/api/assignments/{assignment.pk}/release").status_code == 401


def test_one_token_asks_only_so_often(teacher: User, settings: Any) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "api_token": 2}
    _row, token = made(teacher)
    assert [status(token) for _ in range(3)] == [200, 200, 429]
    assert status(made(teacher)[1]) == 200


def test_where_a_second_factor_is_required_nobody_gets_or_uses_a_token_without(teacher: User, settings: Any) -> None:
    _row, token = made(teacher)
    settings.REQUIRE_STAFF_TWO_FACTOR = True
    assert status(token) == 403
    with pytest.raises(SecondFactorMissing):
        made(teacher)


def test_a_person_has_a_limited_number_of_tokens(teacher: User) -> None:
    for _ in range(20):
        made(teacher)
    with pytest.raises(TooManyTokens):
        made(teacher)


def test_a_token_that_is_over_before_it_begins_is_refused(teacher: User) -> None:
    with pytest.raises(EndIsPast):
        made(teacher, expires_at=timezone.now() - timedelta(minutes=1))


def test_behind_tls_a_token_in_the_clear_is_refused_and_not_led_on(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/api/courses", headers={"authorization": "Bearer mgt_x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "https_only")
    assert client.get("/courses/").headers["Location"] == "https://testserver/courses/"
