"""Every cookie that the site sets behind TLS: for this host alone, over TLS alone, and out of reach of scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
NAMES = {"__Host-sessionid", "__Host-csrftoken", "__Host-language", "__Host-known"}


@pytest.fixture(autouse=True)
def behind_tls(settings: Any) -> None:
    """What HTTPS=1 makes of the settings; tests/site/test_settings.py sees that it does."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.LANGUAGE_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    settings.LANGUAGE_COOKIE_NAME, settings.KNOWN_BROWSER_COOKIE_NAME = "__Host-language", "__Host-known"


def test_all_have_all_marks_and_nothing_else_is_set(client: Client, student: User) -> None:
    client.get("/accounts/login/", secure=True)
    client.post("/accounts/login/", {"username": student.username, "password": PASSWORD}, secure=True)
    client.post(reverse("set_language"), {"language": "de", "next": "/"}, secure=True)
    assert set(client.cookies) == NAMES
    for cookie in client.cookies.values():
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert (cookie["path"], cookie["domain"]) == ("/", "")


def test_forms_work_with_them(student: User) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/accounts/login/", secure=True)
    typed = {"username": student.username, "password": PASSWORD}
    headers = {"referer": "https://testserver/accounts/login/"}
    assert client.post("/accounts/login/", typed, secure=True, headers=headers).status_code == 403
    token = {"csrfmiddlewaretoken": str(page.context["csrf_token"])}
    assert client.post("/accounts/login/", {**typed, **token}, secure=True, headers=headers).status_code == 302
    assert client.get("/courses/", secure=True).status_code == 200


def test_what_is_told_after_an_act_lies_in_no_cookie(client: Client, student: User) -> None:
    client.force_login(student, backend="gradingsite.accounts.EmailBackend")
    client.post(reverse("session_end"), {"session": "gone"}, follow=False)
    assert "messages" not in client.cookies
