"""How often passwords and links may be tried: for an account from anywhere, and from one address for any account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from gradingsite.signin.models import AccountEvent
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
LINK, CHANGE = reverse("password_reset"), reverse("password_change")


def limit(settings: Any, **rates: str) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, **rates}


def addresses() -> Iterator[str]:
    for last in range(1, 250):
        yield f"203.0.{last}.9"


def test_many_addresses_guessing_at_one_account_are_stopped(
    client: Client, teacher: User, student: User, log_in: Any, settings: Any, is_in: Any, on_record: Any
) -> None:
    limit(settings, password_account="4/h/key")
    places = addresses()
    for _ in range(4):
        assert log_in(client, teacher, "wrong", REMOTE_ADDR=next(places)).status_code == 200
    assert log_in(client, teacher, REMOTE_ADDR=next(places)).status_code == 429
    assert not is_in(client)
    assert on_record(teacher)[-1] == "locked"
    # Others are not locked by it.
    assert log_in(client, student, REMOTE_ADDR=next(places)).status_code == 302


def test_whoever_goes_on_knocking_fills_no_record(client: Client, teacher: User, log_in: Any, settings: Any) -> None:
    limit(settings, password_account="2/h/key")
    for _ in range(9):
        log_in(client, teacher, "wrong")
    assert AccountEvent.objects.filter(kind="locked").count() == 1
    assert AccountEvent.objects.count() == 3


def test_guessing_from_elsewhere_locks_nobody_out_where_they_usually_log_in(
    teacher: User, log_in: Any, settings: Any, is_in: Any
) -> None:
    limit(settings, password_account="4/h/key")
    log_in(Client(), teacher, REMOTE_ADDR="192.0.2.5")
    places = addresses()
    for _ in range(6):
        log_in(Client(), teacher, "wrong", REMOTE_ADDR=next(places))
    at_work = Client()
    assert log_in(at_work, teacher, REMOTE_ADDR="192.0.2.77").status_code == 302
    assert is_in(at_work)


def test_one_address_guessing_at_many_accounts_is_stopped(
    client: Client, teacher: User, log_in: Any, settings: Any, is_in: Any
) -> None:
    limit(settings, password_address="5/h/ip")
    for _ in range(5):
        assert log_in(client, UserFactory(), "wrong").status_code == 200
    assert log_in(client, teacher).status_code == 429
    assert not is_in(client)
    assert log_in(client, teacher, REMOTE_ADDR="203.0.113.200").status_code == 302


def test_right_passwords_are_not_counted(client: Client, teacher: User, log_in: Any, settings: Any) -> None:
    limit(settings, password_address="3/h/ip", password_account="3/h/key")
    for _ in range(6):
        assert log_in(client, teacher).status_code == 302


def test_names_that_belong_to_nobody_are_counted_and_answered_alike(
    client: Client, teacher: User, log_in: Any, settings: Any
) -> None:
    limit(settings, password_account="3/h/key")
    nobody = User(username="nobody@example.org")
    known, unknown = (
        [
            log_in(client, who, "wrong", REMOTE_ADDR=place).status_code
            for place, _ in zip(addresses(), "12345", strict=False)
        ]
        for who in (teacher, nobody)
    )
    assert known == unknown == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("email", ["teacher@example.org", "nobody@example.org"])
def test_links_for_one_address_are_limited_and_the_answer_tells_nothing(
    client: Client, teacher: User, settings: Any, email: str
) -> None:
    limit(settings, link_account="2/h/key")
    asked = [
        client.post(LINK, {"email": spelt}, REMOTE_ADDR=place)
        for spelt, place in zip([email, email.upper(), email, f" {email}"], addresses(), strict=False)
    ]
    assert [answer.status_code for answer in asked] == [302, 302, 429, 429]
    assert len(mail.outbox) == (2 if email.startswith("teacher") else 0)


def test_one_place_cannot_have_links_sent_to_everybody(client: Client, settings: Any) -> None:
    limit(settings, link_address="3/h/ip")
    people = [UserFactory() for _ in range(5)]
    answers = [client.post(LINK, {"email": person.email}).status_code for person in people]
    assert answers == [302, 302, 302, 429, 429]
    assert len(mail.outbox) == 3


def test_an_open_session_is_no_place_to_try_passwords(client: Client, teacher: User, settings: Any) -> None:
    limit(settings, old_password="3/h/user")
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    new = {"new_password1": "quite another one", "new_password2": "quite another one"}
    for _ in range(3):
        assert client.post(CHANGE, {"old_password": "wrong", **new}).status_code == 200
    assert client.post(CHANGE, {"old_password": PASSWORD, **new}).status_code == 429
    teacher.refresh_from_db()
    assert teacher.check_password(PASSWORD)


def test_what_is_counted_is_shared_by_all_processes(settings: Any) -> None:
    """The cache is a table: a process of its own memory would give every process its own tries."""
    assert settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache")
    assert cache.add("once", True, timeout=60)
    assert not cache.add("once", True, timeout=60)
