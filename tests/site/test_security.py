"""What every answer carries, and what happens to somebody who guesses passwords."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from gradingsite.accounts import client_address

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
PASSWORD = "a long and quiet password"


@pytest.fixture
def teacher() -> User:
    return User.objects.create_user("teacher@example.org", "teacher@example.org", PASSWORD)


def log_in(client: Client, password: str, name: str = "teacher@example.org", **headers: str) -> Any:
    return client.post(LOGIN, {"username": name, "password": password}, **headers)


def test_the_login_page_forbids_scripts_and_styles_inside_a_page(client: Client) -> None:
    policy = client.get(LOGIN).headers["Content-Security-Policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == rules["form-action"] == ["'self'"]
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["object-src"] == ["'none'"]
    assert "unsafe" not in policy


def test_the_login_page_keeps_to_its_own_policy(client: Client) -> None:
    page = client.get(LOGIN).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert not re.search(r"(src|href)=.https?://", page)


def test_the_login_page_cannot_be_framed_sniffed_or_traced(client: Client) -> None:
    headers = client.get(LOGIN).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_form_without_its_token_is_refused() -> None:
    assert log_in(Client(enforce_csrf_checks=True), PASSWORD).status_code == 403


def test_behind_tls_every_answer_says_so(client: Client, settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    headers = client.get(LOGIN, secure=True).headers
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000; includeSubDomains")


def test_cookies_are_kept_from_scripts_and_other_sites(client: Client, teacher: User) -> None:
    cookie = log_in(client, PASSWORD).cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_an_address_in_capital_letters_logs_in_too(client: Client, teacher: User) -> None:
    assert log_in(client, PASSWORD, name=" Teacher@Example.ORG").status_code == 302


def test_too_many_wrong_passwords_lock_the_account_for_that_address(
    client: Client, teacher: User, settings: Any
) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    answers = [log_in(client, "wrong") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    # The right password does not open it now, nor does another spelling of the name.
    assert log_in(client, PASSWORD).status_code == 429
    assert log_in(client, PASSWORD, name="TEACHER@example.org").status_code == 429
    # Whoever sits elsewhere is not locked out by it, and neither is the next person at this address.
    assert log_in(client, PASSWORD, REMOTE_ADDR="192.0.2.9").status_code == 302
    User.objects.create_user("student1@example.org", "student1@example.org", PASSWORD)
    assert log_in(Client(), PASSWORD, name="student1@example.org").status_code == 302


@pytest.mark.parametrize(
    ("proxies", "header", "expected"),
    [
        (0, "198.51.100.1", "203.0.113.7"),  # nobody of ours wrote it: it is the client's word
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "10.9.9.9, 198.51.100.1", "198.51.100.1"),  # the first part was invented by the client
        (2, "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (2, "198.51.100.1", "203.0.113.7"),  # too few: it did not come through both
    ],
)
def test_only_our_own_proxies_are_believed(settings: Any, proxies: int, header: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": header}, REMOTE_ADDR="203.0.113.7")
    assert client_address(request) == expected


def test_uploads_have_no_address(client: Client) -> None:
    assert client.get("/media/").status_code == 404
