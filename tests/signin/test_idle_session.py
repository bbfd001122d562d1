"""A session that nobody uses ends by itself; one that is used does not, until it is as old as it may get."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gradingsite.signin import idle

pytestmark = pytest.mark.django_db
HOUR = 3600


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Sets the hour that the site believes it to be, from now on."""
    settings.SESSION_IDLE_SECONDS = 12 * HOUR
    begun = time.time()
    return lambda hours: monkeypatch.setattr(idle.time, "time", lambda: begun + hours * HOUR)


def logged_in(client: Client) -> bool:
    return client.get("/courses/").status_code == 200


def test_a_session_ends_after_so_long_without_a_request(client: Client, teacher: User, at: Any) -> None:
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    assert logged_in(client)
    at(12.1)
    answer = client.get("/courses/", follow=True)
    assert "because nothing was asked for a long time" in answer.content.decode()
    assert not logged_in(client)


def test_a_session_in_use_goes_on(client: Client, teacher: User, at: Any) -> None:
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    for hours in range(0, 40, 10):
        at(hours)
        assert logged_in(client)


def test_a_request_soon_after_another_writes_no_session(client: Client, teacher: User, at: Any) -> None:
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    assert logged_in(client)
    written = client.session[idle.KEY]
    at(0.05)
    assert logged_in(client)
    assert client.session[idle.KEY] == written
    at(1)
    assert logged_in(client)
    assert client.session[idle.KEY] > written


def test_a_session_in_use_ends_when_it_is_old(client: Client, teacher: User, at: Any, settings: Any) -> None:
    settings.SESSION_COOKIE_AGE = 50 * HOUR
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    for hours in range(0, 50, 10):
        at(hours)
        assert logged_in(client)
    at(50.1)
    answer = client.get("/courses/", follow=True)
    assert "because you had been logged in for a long time" in answer.content.decode()
    assert not logged_in(client)
